"""Cases: reading, listing, and the little of them that a PATCH may change."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import NotFound
from app.models import Case, CaseHistory, CaseWorker, Child
from app.models.record import now
from app.schemas.cases import (
    CaseChild,
    CaseContent,
    CaseFilters,
    CaseItem,
    CaseOut,
    CasePatch,
    TimelineFilters,
    TimelineLine,
)
from app.schemas.identity import Age
from app.schemas.wire import Page
from app.services import case_history
from app.services.ages import Birth, today
from app.services.paging import Paging
from app.services.records import find_for_change, patched, require

PLAIN = set(CaseOut.model_fields) - {"child", "co_worker_ids", "summary"}
IN_LISTS = set(CaseItem.model_fields) - {"child"}


async def listed(session: AsyncSession, actor: Actor, filters: CaseFilters) -> Page[CaseItem]:
    """List the cases the actor sees, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("cases", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    conditions = [col(getattr(Case, name)) == value for name, value in wanted.items()]
    query = select(Case, Child).join(Child, col(Child.id) == col(Case.child_id)).where(*conditions)
    rows, cursor = await paging.rows(session, query, col(Case.created_at), col(Case.id))
    return Page[CaseItem].built([_item(row[0], row[1]) for row in rows], cursor)


CO_WORKERS = func.array(
    select(col(CaseWorker.user_id))
    .where(col(CaseWorker.case_id) == col(Case.id))
    .order_by(col(CaseWorker.user_id))
    .scalar_subquery()
)
WITH_CHILD = select(Case, Child, CO_WORKERS).join(Child, col(Child.id) == col(Case.child_id))
ONE = WITH_CHILD.where(col(Case.id) == bindparam("case_id"))


async def read(session: AsyncSession, case_id: UUID) -> CaseOut:
    """Read one case with its child."""
    row = (await session.execute(ONE, {"case_id": case_id})).first()
    if row is None:
        raise NotFound
    return _shown(*row)


async def change(session: AsyncSession, actor: Actor, case_id: UUID, seen: int, patch: CasePatch) -> CaseOut:
    """Change what may be changed without an act."""
    case = await find_for_change(session, Case, case_id, seen)
    content = patched(CaseContent, {"kind": case.kind, **unseal(case)}, patch)
    case.kind = content.kind
    case.updated_at = now()
    seal(case, "sealed", content.model_dump(mode="json", exclude={"kind"}))
    case_history.record(session, case, "case_changed", actor, case)
    await session.flush()  # the answer shows what was stored
    return await shown(session, case)


async def shown(session: AsyncSession, case: Case) -> CaseOut:
    """Return a case that this request has changed as it is read."""
    return await read(session, case.id)


def _shown(case: Case, child: Child, co_worker_ids: list[UUID]) -> CaseOut:
    return CaseOut.model_construct(
        **{name: getattr(case, name) for name in PLAIN},
        child=child_of(child),
        co_worker_ids=co_worker_ids,
        summary=unseal(case).get("summary"),
    )


def _item(case: Case, child: Child) -> dict[str, Any]:
    known = vars(case)
    return {**{name: known[name] for name in IN_LISTS}, "child": _child(child)}


def child_of(child: Child) -> CaseChild:
    """Return a child as far as a case shows it."""
    return CaseChild(**_child(child))


def _child(child: Child) -> dict[str, Any]:
    identity = unseal(child)
    youngest, oldest = Birth.of(identity["birth"]).age_on(day := today())
    return {
        "id": child.id,
        "names": identity["names"],
        "nickname": identity.get("nickname"),
        "sex": child.sex,
        "age": {"min": youngest, "max": oldest, "on": day},
    }


def age_of(identity: dict[str, dict[str, str | int]]) -> Age:
    """Return the age today, as a value or a range."""
    day = today()
    youngest, oldest = Birth.of(identity["birth"]).age_on(day)
    return Age(min=youngest, max=oldest, on=day)


async def timeline(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: TimelineFilters
) -> Page[TimelineLine]:
    """Return what happened to a case, newest first."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(include={"kind"}, exclude_none=True)
    paging = Paging("timeline", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id})
    query = select(CaseHistory).where(col(CaseHistory.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.records(session, query, col(CaseHistory.at), col(CaseHistory.id))
    lines = [
        TimelineLine(**line.model_dump(include=set(TimelineLine.model_fields)), detail=unseal(line))
        for line in rows
    ]
    return Page(items=lines, next_cursor=cursor)
