"""Cases: reading, listing, and the little of them that a PATCH may change."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.actor import Actor
from app.access.log import Shown
from app.access.vault import seal, unseal, unseal_value
from app.errors import NotFound
from app.kit.dates import Birth, today
from app.kit.pagination import Paging
from app.kit.records import find_for_change, patched
from app.kit.state_machine import refuse
from app.models import Case, CaseWorker, Child
from app.models.record import now
from app.schemas.cases import (
    CaseChild,
    CaseContent,
    CaseFilters,
    CaseItem,
    CaseOut,
    CasePatch,
)
from app.schemas.identity import Age
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.write_access import unmet_writing

PLAIN = [
    name for name in CaseOut.model_fields if name not in {"child", "co_worker_ids", "summary", "outcome"}
]
IN_LISTS = [name for name in CaseItem.model_fields if name != "child"]
IDS = [name for name in IN_LISTS if CaseItem.model_fields[name].annotation is UUID]
"""Written as text at once: the driver's own UUIDs take the serialiser twenty times as long."""
LISTED = select(*(getattr(Case, name) for name in IN_LISTS), col(Child.sex), col(Child.sealed)).join(
    Child, col(Child.id) == col(Case.child_id)
)
"""A page of cases is read as plain columns: two records of the ORM a line cost more than the rest of the answer."""


async def listed(session: AsyncSession, actor: Actor, filters: CaseFilters) -> Page[CaseItem]:
    """List the cases the actor sees, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("cases", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    conditions = [col(getattr(Case, name)) == value for name, value in wanted.items()]
    rows, cursor = await paging.plain(session, LISTED.where(*conditions), col(Case.created_at), col(Case.id))
    log.show(session, (Shown(row.child_id, row.id, "case", row.id) for row in rows))
    day = today()
    return Page[CaseItem].built([_item(row, day) for row in rows], cursor)


CO_WORKERS = func.array(
    select(col(CaseWorker.user_id))
    .where(col(CaseWorker.case_id) == col(Case.id))
    .order_by(col(CaseWorker.user_id))
    .scalar_subquery()
)
ONE = (
    select(
        *(getattr(Case, name) for name in PLAIN),
        CO_WORKERS.label("co_worker_ids"),
        col(Case.sealed),
        col(Child.sex),
        col(Child.sealed).label("child_sealed"),
    )
    .join(Child, col(Child.id) == col(Case.child_id))
    .where(col(Case.id) == bindparam("case_id"))
    .execution_options(**log.UNCOLLECTED)
)


async def read(session: AsyncSession, case_id: UUID) -> CaseOut:
    """Read one case with its child."""
    row = (await session.execute(ONE, {"case_id": case_id})).first()
    if row is None:
        raise NotFound
    log.show(session, [Shown(row.child_id, row.id, "case", row.id)])
    return _out(row)


async def change(session: AsyncSession, actor: Actor, case_id: UUID, seen: int, patch: CasePatch) -> CaseOut:
    """Change what may be changed without an act, until the case is closed.

    Raises:
        GateRefused: the case is closed, or the actor only looks at it.
    """
    case = await find_for_change(session, Case, case_id, seen)
    refuse(await unmet_writing(session, case))
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


def _out(row: Any) -> CaseOut:
    words = unseal_value("cases", "sealed", row.id, row.sealed) if row.sealed else {}
    identity = unseal_value("children", "sealed", row.child_id, row.child_sealed)
    return CaseOut.model_construct(
        **dict(zip((*PLAIN, "co_worker_ids"), row, strict=False)),
        child=CaseChild(**_child(row.child_id, row.sex, identity, today())),
        summary=words.get("summary"),
        outcome=words.get("outcome"),
    )


def _item(row: Any, day: date) -> dict[str, Any]:
    identity = unseal_value("children", "sealed", row.child_id, row.sealed)
    item = dict(zip(IN_LISTS, row, strict=False))
    for name in IDS:
        item[name] = str(item[name])
    item["child"] = _child(item["child_id"], row.sex, identity, day)
    return item


def child_of(child: Child) -> CaseChild:
    """Return a child as far as a case shows it."""
    return CaseChild(**_child(child.id, child.sex, unseal(child), today()))


def _child(child_id: UUID | str, sex: str, identity: dict[str, Any], day: date) -> dict[str, Any]:
    youngest, oldest = Birth.of(identity["birth"]).age_on(day)
    return {
        "id": child_id,
        "names": identity["names"],
        "nickname": identity.get("nickname"),
        "sex": sex,
        "age": {"min": youngest, "max": oldest, "on": day},
    }


def age_of(identity: dict[str, dict[str, str | int]]) -> Age:
    """Return the age today, as a value or a range."""
    day = today()
    youngest, oldest = Birth.of(identity["birth"]).age_on(day)
    return Age(min=youngest, max=oldest, on=day)
