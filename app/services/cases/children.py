"""Children: reading, finding by name in either script, correcting."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.actor import Actor
from app.access.vault import seal, unseal, unseal_value
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, patched
from app.kit.state_machine import refuse
from app.models import Case, Child, NameToken, Person
from app.schemas.circle import ChildFilters
from app.schemas.identity import ChildIdentity, ChildOut, ChildPatch
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.cases import age_of
from app.services.cases.write_access import unmet_working_with
from app.services.persons import name_matching as names
from app.services.persons import person_details as telling

MOST_CANDIDATES = 500
"""Candidates compared in memory a search: a search is for one child, not for a list of everybody."""


async def listed(session: AsyncSession, actor: Actor, filters: ChildFilters) -> Page[ChildOut]:
    """List the children the actor sees, newest first; with `q`, those whose names match."""
    paging = Paging("children", filters.limit, filters.cursor, {"q": filters.q, "for": actor.id})
    query = select(Child)
    if filters.q is not None:
        query = query.where(col(Child.id).in_(await _matching(session, filters.q)))
    rows, cursor = await paging.records(session, query, col(Child.created_at), col(Child.id))
    cases = await _case_ids(session, [child.id for child in rows])
    return Page(items=[_shown(child, cases.get(child.id, [])) for child in rows], next_cursor=cursor)


async def _matching(session: AsyncSession, q: str) -> list[UUID]:
    """Compare candidates without loading them as records: only those that match are shown, and logged."""
    found = telling.tokens(names.query_keys(q))
    near = (
        select(col(NameToken.owner_id))
        .where(col(NameToken.token).in_(found), col(NameToken.kind) == "child")
        .group_by(col(NameToken.owner_id))
        .order_by(func.count().desc())
        .limit(MOST_CANDIDATES)
    )
    query = select(col(Child.id), col(Child.sealed)).where(col(Child.id).in_(near))
    query = query.execution_options(**log.UNCOLLECTED)
    matching = []
    for child_id, sealed in (await session.execute(query)).all():
        identity = unseal_value("children", "sealed", child_id, sealed)
        if names.matches_query(q, identity["names"], identity.get("nickname")) > 0:
            matching.append(child_id)
    return matching


async def _case_ids(session: AsyncSession, child_ids: list[UUID]) -> dict[UUID, list[UUID]]:
    query = select(col(Case.child_id), col(Case.id)).where(col(Case.child_id).in_(child_ids))
    found: dict[UUID, list[UUID]] = {}
    for child_id, case_id in await session.execute(query.order_by(col(Case.created_at).desc())):
        found.setdefault(child_id, []).append(case_id)
    return found


async def read(session: AsyncSession, child_id: UUID) -> ChildOut:
    """Read one child."""
    return await _read(session, await find(session, Child, child_id))


async def change(
    session: AsyncSession, actor: Actor, child_id: UUID, seen: int, patch: ChildPatch
) -> ChildOut:
    """Correct what is known of a child; every case of it that the actor sees remembers that it happened.

    Raises:
        GateRefused: the actor only looks at the child's cases.
    """
    child = await find_for_change(session, Child, child_id, seen)
    refuse(await unmet_working_with(session, child.id))
    identity = patched(ChildIdentity, {**unseal(child), "sex": child.sex}, patch).model_dump(mode="json")
    identity = await telling.tidied(session, identity)
    child.sex = identity.pop("sex") or "unknown"
    child.province_code = (identity["place_code"] or "")[:2] or None
    seal(child, "sealed", identity)
    await telling.index(session, child.id, "child", child.id, [identity, *await _carers(session, child.id)])
    for case in await session.scalars(select(Case).where(col(Case.child_id) == child.id)):
        case_history.record(session, case, "child_changed", actor, child)
    await session.flush()  # the answer shows what was stored
    return await _read(session, child)


async def _carers(session: AsyncSession, child_id: UUID) -> list[dict[str, Any]]:
    """Return the documents of who cares for a child, as far as the actor sees them."""
    query = select(col(Person.id), col(Person.sealed)).where(col(Person.child_id) == child_id)
    rows = await session.execute(query.execution_options(**log.UNCOLLECTED))
    return [unseal_value("people", "sealed", person_id, sealed) for person_id, sealed in rows]


async def _read(session: AsyncSession, child: Child) -> ChildOut:
    cases = await _case_ids(session, [child.id])
    return _shown(child, cases.get(child.id, []))


def _shown(child: Child, case_ids: list[UUID]) -> ChildOut:
    identity = unseal(child)
    known = {name: identity.get(name) for name in ChildIdentity.model_fields if name != "sex"}
    return ChildOut(
        id=child.id,
        version=child.version,
        sex=child.sex,
        age=age_of(identity),
        case_ids=case_ids,
        **{**known, "languages": known["languages"] or []},
    )
