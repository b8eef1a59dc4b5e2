"""Follow-ups: how the child is 1, 3 and 6 months after the exit, recorded though the case is closed."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.dates import add_months, today
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_update,
    get_for_update,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, FollowUp
from app.models.record import new_id, utc_now
from app.schemas.exit_plans import FollowUp as FollowUpSchema
from app.schemas.exit_plans import FollowUpContent, FollowUpCreate, FollowUpUpdate
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.exit.follow_up_states import RECORD_HELD, RECORD_MISSED

ENCRYPTED_FIELDS = ("checklist", "note")
MATCH_WINDOW_DAYS = 45
"""Days from the planned one within which a look counts as that."""
COLUMN_FIELDS = set(FollowUpSchema.model_fields) - {"is_overdue", *ENCRYPTED_FIELDS}


def plan_follow_ups(session: AsyncSession, case: Case, months: list[int]) -> None:
    """Put down the follow-ups of a case that closes today."""
    for number in months:
        follow_up = FollowUp(
            child_id=case.child_id, case_id=case.id, months=number, due_on=add_months(today(), number)
        )
        encrypt(follow_up, "sealed", {})
        session.add(follow_up)


async def list_case_follow_ups(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> Page[FollowUpSchema]:
    """List a case's follow-ups, newest first."""
    paging = Paginator("follow_ups", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    rows, cursor = await paging.fetch_records(
        session,
        select(FollowUp).where(col(FollowUp.case_id) == case_id),
        col(FollowUp.created_at),
        col(FollowUp.id),
    )
    if not rows:
        await ensure_exists(session, Case, case_id)
    return Page(items=[_to_schema(follow_up) for follow_up in rows], next_cursor=cursor)


async def get_follow_up(session: AsyncSession, follow_up_id: UUID) -> FollowUpSchema:
    """Read one follow-up."""
    return _to_schema(await get_record(session, FollowUp, follow_up_id))


async def create_case_follow_up(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: FollowUpCreate
) -> FollowUpSchema:
    """Record a follow-up: the planned one that it is, or another look beside them.

    Raises:
        GateRefused: the case is not closed: then it is a support session; the day is not after the exit; nothing was
            planned for the months, or it is recorded.
    """
    case = await get_for_update(session, Case, case_id)  # two looks at once are not both the planned one
    follow_up = await _find_planned_follow_up(session, case, payload)
    working = await check_works_on_case(session, case)
    raise_if_unmet([*_check_content(case, payload), *_check_planned_follow_up(payload, follow_up), *working])
    if follow_up is None:
        follow_up = FollowUp(id=payload.id or new_id(), child_id=case.child_id, case_id=case.id)
        session.add(follow_up)
    else:
        follow_up.version += 1
    _store_result(session, caller, case, follow_up, payload)
    await session.flush()  # the answer shows what was stored
    return _to_schema(follow_up)


async def _find_planned_follow_up(
    session: AsyncSession, case: Case, payload: FollowUpCreate
) -> FollowUp | None:
    query = select(FollowUp).where(col(FollowUp.case_id) == case.id)
    if payload.months is not None:
        query = query.where(col(FollowUp.months) == payload.months)
    else:
        days_apart = func.abs(col(FollowUp.due_on) - payload.held_on)
        waiting = col(FollowUp.status).in_(RECORD_HELD.sources)
        query = (
            query.where(waiting, days_apart <= MATCH_WINDOW_DAYS)
            .order_by(days_apart, col(FollowUp.due_on))
            .limit(1)
        )
    found: FollowUp | None = await session.scalar(query)
    return found


def _check_planned_follow_up(payload: FollowUpCreate, planned: FollowUp | None) -> list[Fault]:
    if planned is not None:
        return check_status(RECORD_HELD, planned.status)
    if payload.months is None:
        return []
    return [Fault("/months", "not_planned", "Nothing was planned for then: leave the months out.")]


async def update_follow_up(
    session: AsyncSession, caller: Caller, follow_up_id: UUID, expected_version: int, patch: FollowUpUpdate
) -> FollowUpSchema:
    """Record a follow-up; one at which nobody was reached may be tried again.

    Raises:
        GateRefused: it is recorded: frozen; or the day it was held or how the child is are missing.
    """
    case = await get_case_for_update(session, FollowUp, follow_up_id)
    follow_up = await get_version_for_update(session, FollowUp, follow_up_id, expected_version)
    raise_if_unmet([*check_status(RECORD_HELD, follow_up.status), *await check_works_on_case(session, case)])
    content = apply_patch(FollowUpContent, _to_document(follow_up), patch)
    raise_if_unmet(_check_content(case, content))
    _store_result(session, caller, case, follow_up, content)
    await session.flush()  # the answer shows what was stored
    return _to_schema(follow_up)


def _store_result(
    session: AsyncSession, caller: Caller, case: Case, follow_up: FollowUp, content: FollowUpContent
) -> None:
    follow_up.held_on, follow_up.wellbeing = content.held_on, content.wellbeing
    follow_up.status = (RECORD_MISSED if content.wellbeing == "not_reached" else RECORD_HELD).target
    follow_up.author_id, follow_up.updated_at = caller.id, utc_now()
    document = content.model_dump(mode="json")
    encrypt(follow_up, "sealed", {name: document[name] for name in ENCRYPTED_FIELDS})
    detail = {"status": follow_up.status}
    case_history.record_case_history(
        session, case, "follow_up_held", caller, follow_up, detail, occurred_at=follow_up.held_on
    )


def _check_content(case: Case, content: FollowUpContent) -> Iterator[Fault]:
    if case.closed_on is None:
        yield Fault(None, "case_open", "The case is open: record a support session.")
    if content.wellbeing is None and content.note is None:
        detail = "Say how the child is, by code or in words, or that nobody was reached."
        yield Fault("/wellbeing", "wellbeing_missing", detail)
    if content.held_on is None:
        yield Fault("/held_on", "held_on_missing", "Say on which day it was.")
    elif content.held_on > today():
        yield Fault("/held_on", "date_in_future", "It has not been held yet.")
    elif case.closed_on is not None and content.held_on < case.closed_on:
        yield Fault("/held_on", "before_exit", "The case was still open that day.")


def _to_document(follow_up: FollowUp) -> dict[str, Any]:
    """Return what a follow-up says as it was told."""
    held_on = follow_up.held_on and follow_up.held_on.isoformat()
    return {"held_on": held_on, "wellbeing": follow_up.wellbeing, **decrypt(follow_up)}


def _is_pending(follow_up: FollowUp) -> bool:
    return follow_up.status in RECORD_HELD.sources


def _to_schema(follow_up: FollowUp) -> FollowUpSchema:
    plain: dict[str, Any] = follow_up.model_dump(include=COLUMN_FIELDS)
    words = decrypt(follow_up)
    return FollowUpSchema(
        **plain,
        is_overdue=_is_pending(follow_up) and follow_up.due_on is not None and follow_up.due_on < today(),
        checklist=words.get("checklist", {}),
        note=words.get("note"),
    )
