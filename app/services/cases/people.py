"""The people around a child: supporter, responsible family member, others."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, find_steady, patched, require, steady_case
from app.kit.state_machine import refuse
from app.models import Case, Person
from app.models.record import new_id
from app.schemas.circle import PersonCreation, PersonIn, PersonOut, PersonPatch
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import unmet_working
from app.services.persons import person_details as telling

PLAIN = frozenset({"role", "relationship", "is_responsible"})
"""What row and report queries may read; everything else about a person is sealed."""


async def add(session: AsyncSession, actor: Actor, case_id: UUID, told: PersonCreation) -> PersonOut:
    """Add somebody to a case's circle.

    Raises:
        GateRefused: the actor only looks at the case.
    """
    case = await find_steady(session, Case, case_id)
    refuse(await unmet_working(session, case))
    person = Person(
        id=told.id or new_id(), child_id=case.child_id, case_id=case.id, role=told.role, relationship=""
    )
    await _write(session, person, told.model_dump(mode="json", exclude={"id"}))
    session.add(person)
    case_history.record(session, case, "person_added", actor, person, {"role": person.role})
    await session.flush()  # the answer shows what was stored
    return _shown(person)


async def listed(session: AsyncSession, actor: Actor, case_id: UUID, page: PageQuery) -> Page[PersonOut]:
    """List a case's circle, newest first."""
    await require(session, Case, case_id)
    paging = Paging("people", page.limit, page.cursor, {"case": case_id, "for": actor.id})
    rows, cursor = await paging.records(
        session, select(Person).where(col(Person.case_id) == case_id), col(Person.created_at), col(Person.id)
    )
    return Page(items=[_shown(person) for person in rows], next_cursor=cursor)


async def read(session: AsyncSession, person_id: UUID) -> PersonOut:
    """Read one person."""
    return _shown(await find(session, Person, person_id))


async def change(
    session: AsyncSession, actor: Actor, person_id: UUID, seen: int, patch: PersonPatch
) -> PersonOut:
    """Correct what is known of a person.

    Raises:
        GateRefused: the actor only looks at the case.
        InvalidInput: it would take every name away.
    """
    case = await steady_case(session, Person, person_id)
    person = await find_for_change(session, Person, person_id, seen)
    refuse(await unmet_working(session, case))
    before = unseal(person)
    known = patched(PersonIn, {**before, **person.model_dump(include=set(PLAIN))}, patch)
    if before.get("names") and not known.names:
        raise InvalidInput([Fault("/names", "name_missing", "Who has a name keeps one.")])
    await _write(session, person, known.model_dump(mode="json"))
    case_history.record(session, case, "person_changed", actor, person)
    await session.flush()  # the answer shows what was stored
    return _shown(person)


async def _write(session: AsyncSession, person: Person, document: dict[str, Any]) -> None:
    document = await telling.tidied(session, document)
    for name in PLAIN:
        setattr(person, name, document.pop(name))
    if person.role != "other":  # likeness is judged by who cares for the child
        await telling.index_around(session, person.child_id, document)
    seal(person, "sealed", document)


def _shown(person: Person) -> PersonOut:
    document = unseal(person)
    plain: dict[str, Any] = person.model_dump(include=set(PersonOut.model_fields))
    told = {name: document.get(name) for name in PersonIn.model_fields if name not in PLAIN}
    return PersonOut(**{**told, **plain, "names": document.get("names") or []})
