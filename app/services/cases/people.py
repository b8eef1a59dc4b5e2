"""The people around a child: supporter, responsible family member, others."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_for_share,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Person
from app.models.encrypted_field import dump_content
from app.models.people import StoredPersonDetails
from app.models.record import new_id
from app.schemas.people import Person as PersonSchema
from app.schemas.people import PersonContent, PersonCreate, PersonList, PersonUpdate
from app.schemas.wire import PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.persons import person_details

COLUMN_FIELDS = frozenset({"role", "relationship", "is_responsible"})
"""Fields in plain columns, because row policies or reports use them. All other fields are encrypted."""


async def create_case_person(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: PersonCreate
) -> PersonSchema:
    """Add a person to a case.

    Raises:
        GateRefused: The caller is not staff of the case.
    """
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(await check_works_on_case(session, case))
    person = Person(
        id=payload.id or new_id(), child_id=case.child_id, case_id=case.id, role=payload.role, relationship=""
    )
    await _store_details(session, person, payload)
    session.add(person)
    case_history.record_case_history(session, case, "person_added", caller, person, {"role": person.role})
    await session.flush()  # report a database error before the response is built
    return _to_schema(person)


async def list_case_people(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> PersonList:
    """List the people of a case, newest first."""
    await ensure_exists(session, Case, case_id)
    paginator = Paginator("people", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    rows, cursor = await paginator.fetch_records(
        session, select(Person).where(col(Person.case_id) == case_id), col(Person.created_at), col(Person.id)
    )
    return PersonList(items=[_to_schema(person) for person in rows], next_cursor=cursor)


async def get_person(session: AsyncSession, person_id: UUID) -> PersonSchema:
    """Return a person."""
    return _to_schema(await get_record(session, Person, person_id))


async def update_person(
    session: AsyncSession, caller: Caller, person_id: UUID, expected_version: int, payload: PersonUpdate
) -> PersonSchema:
    """Update a person.

    Raises:
        GateRefused: The caller is not staff of the case.
        InvalidInput: The update removes the last name of the person.
    """
    case = await get_case_for_share(session, Person, person_id)
    person = await get_version_for_update(session, Person, person_id, expected_version)
    raise_if_unmet(await check_works_on_case(session, case))
    stored = person.details
    content = apply_patch(PersonContent, {**stored, **person.model_dump(include=set(COLUMN_FIELDS))}, payload)
    if stored["names"] and not content.names:
        raise InvalidInput([Fault("/names", "name_missing", "At least one name is required.")])
    await _store_details(session, person, content)
    case_history.record_case_history(session, case, "person_changed", caller, person)
    await session.flush()  # report a database error before the response is built
    return _to_schema(person)


async def _store_details(session: AsyncSession, person: Person, content: PersonContent) -> None:
    content = await person_details.normalize_person_details(session, content)
    person.role, person.relationship = content.role, content.relationship
    person.is_responsible = content.is_responsible
    if person.role != "other":  # only the phones of supporters and family members are searchable
        await person_details.add_contact_search_tokens(session, person.child_id, content.phone)
    person.details = dump_content(StoredPersonDetails, content)


def _to_schema(person: Person) -> PersonSchema:
    details = person.details
    return PersonSchema(
        **person.model_dump(include=set(PersonSchema.model_fields)),
        names=details["names"],
        nickname=details.get("nickname"),
        sex=details.get("sex"),
        birth=details.get("birth"),
        phone=details["phone"],
        place_code=details["place_code"],
        address_detail=details["address_detail"],
        note=details.get("note"),
    )
