"""The people around a child: supporter, responsible family member, others."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Label, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery
from app.kit.record_changes import record_field_changes
from app.kit.records import (
    ensure_visible,
    get_case_for_share,
    get_for_share,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Person
from app.models.encrypted_field import dump_content
from app.models.people import StoredPersonDetails
from app.models.record import new_id
from app.schemas.people import Person as PersonSchema
from app.schemas.people import PersonContent, PersonCreate, PersonFilters, PersonList, PersonUpdate
from app.schemas.warnings import to_warnings
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.persons import person_details, places
from app.services.persons.contact_patch import apply_person_patch, get_first_phone
from app.services.persons.detail_warnings import list_detail_warnings

COLUMN_FIELDS = frozenset({"role", "relationship", "is_responsible"})
"""Fields in plain columns, because row policies or reports use them. All other fields are encrypted."""
SCHEMA_COLUMN_FIELDS = [name for name in PersonSchema.model_fields if name in Person.model_fields]
DETAIL_FIELDS = set(StoredPersonDetails.__annotations__)
PERSON_COLUMNS = select(
    *(getattr(Person, name) for name in SCHEMA_COLUMN_FIELDS),
    *error_mark_columns(Person),
    col(Person.details_encrypted),
)
PERSON_QUERY = ReadQuery(
    PERSON_COLUMNS.where(col(Person.id) == bindparam("person_id")), shows=ShownRecord("person")
)
CASE_PEOPLE = ListQuery(
    "people",
    Person,
    PERSON_COLUMNS,
    filters={"case_id": col(Person.case_id) == bindparam("case_id"), **build_error_filter(Person)},
    sorts={"created_at": col(Person.created_at)},
    shows=ShownRecord("person"),
)


def select_person(person_id: Any) -> Label[bytes]:
    """Select the encrypted details of a person as `person_details_encrypted`, for `to_person_ref`."""
    details = select(col(Person.details_encrypted)).where(col(Person.id) == person_id)
    return details.scalar_subquery().label("person_details_encrypted")


def to_person_ref(row: Any) -> dict[str, object] | None:
    """Return the reference to the person of a row with `person_id` that was selected with `select_person`."""
    if row.person_id is None:
        return None
    details = Person.details.decrypt(row.person_id, row.person_details_encrypted)
    return {"id": row.person_id, "names": details["names"]}


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
    return await get_person(await open_response_reader(session), person.id)


async def list_case_people(
    reader: RecordReader, caller: Caller, case_id: UUID, query: PersonFilters
) -> PersonList:
    """List the people of a case, newest first.

    Raises:
        NotFound: The case does not exist, or the caller cannot see it.
    """
    page = await CASE_PEOPLE.fetch_page(reader, caller, query, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return PersonList.from_trusted_items(await _build_items(reader, page.rows), **page.fields)


async def get_person(reader: RecordReader, person_id: UUID) -> PersonSchema:
    """Return a person.

    Raises:
        NotFound: The person does not exist, or the caller cannot see the case.
    """
    (fields,) = await _build_items(reader, [await reader.fetch_required(PERSON_QUERY, person_id=person_id)])
    return PersonSchema(**fields)


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
    document = {**stored, **person.model_dump(include=set(COLUMN_FIELDS))}
    content = apply_person_patch(PersonContent, document, payload)
    if stored["names"] and not content.names:
        raise InvalidInput([Fault("/names", "name_missing", "At least one name is required.")])
    await _store_details(session, person, content)
    after = {**person.details, **person.model_dump(include=set(COLUMN_FIELDS))}
    record_field_changes(session, caller, person, document, after)
    case_history.record_case_history(session, case, "person_changed", caller, person)
    return await get_person(await open_response_reader(session), person.id)


async def confirm_person(
    session: AsyncSession, caller: Caller, person_id: UUID, expected_version: int
) -> PersonSchema:
    """Confirm the data that a joined referral added to a person. A repeated confirmation changes nothing.

    Raises:
        GateRefused: The caller is not staff of the case.
    """
    case = await get_case_for_share(session, Person, person_id)
    person = await get_version_for_update(session, Person, person_id, expected_version)
    raise_if_unmet(await check_works_on_case(session, case))
    if person.referral_to_confirm_id is not None:
        person.referral_to_confirm_id = None
        case_history.record_case_history(session, case, "person_confirmed", caller, person)
    return await get_person(await open_response_reader(session), person.id)


async def _store_details(session: AsyncSession, person: Person, content: PersonContent) -> None:
    content, _ = await person_details.normalize_person_details(session, content)
    person.role, person.relationship = content.role, content.relationship
    person.is_responsible = content.is_responsible
    details = dump_content(StoredPersonDetails, content)
    if person.role != "other":  # only the phones of supporters and family members are searchable
        await person_details.add_contact_search_tokens(session, person.child_id, details["phones"])
    person.details = details


async def _build_items(reader: RecordReader, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the fields of people. One query loads the places of all of them."""
    details = [Person.details.decrypt(row.id, row.details_encrypted) for row in rows]
    place_refs = await places.load_place_refs(reader, (item["place_code"] for item in details))
    return [
        {
            **dict(zip(SCHEMA_COLUMN_FIELDS, row, strict=False)),
            **dict.fromkeys(DETAIL_FIELDS),
            **item,
            "phone": get_first_phone(item),
            "warnings": to_warnings(list_detail_warnings(item)),
            "place": place_refs.get(item["place_code"]),
            **to_error_mark(Person, row),
        }
        for row, item in zip(rows, details, strict=True)
    ]
