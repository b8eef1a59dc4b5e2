"""Follow-ups: contacts with the child or family 1, 3 and 6 months after the case was closed."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault
from app.kit.dates import add_months, today
from app.kit.list_query import ListQuery
from app.kit.records import (
    apply_patch,
    ensure_visible,
    get_case_for_update,
    get_for_update,
    get_version_for_update,
)
from app.kit.reference_names import staff_names, to_ref
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, FollowUp
from app.models.encrypted_field import dump_content
from app.models.exit_plans import StoredFollowUpContent
from app.models.record import new_id, utc_now
from app.schemas.exit_plans import FollowUp as FollowUpSchema
from app.schemas.exit_plans import FollowUpContent, FollowUpCreate, FollowUpList, FollowUpUpdate
from app.schemas.wire import PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.consents.gate import load_register
from app.services.exit.exit_plan_checks import check_hsb_outcome, split_checklist, to_hsb_outcome
from app.services.exit.follow_up_states import RECORD_HELD, RECORD_MISSED

MATCH_WINDOW_DAYS = 45
"""Maximum number of days between `held_on` and the due day of the planned follow-up that a request without `months`
records.
"""
COLUMN_FIELDS = [name for name in FollowUpSchema.model_fields if name in FollowUp.model_fields]
SELECT_FOLLOW_UPS = select(
    *(getattr(FollowUp, name) for name in COLUMN_FIELDS),
    *staff_names(FollowUp, "author"),
    col(FollowUp.content_encrypted),
)
FOLLOW_UP_QUERY = ReadQuery(
    SELECT_FOLLOW_UPS.where(col(FollowUp.id) == bindparam("follow_up_id")), shows=ShownRecord("follow_up")
)
CASE_FOLLOW_UPS = ListQuery(
    "follow_ups",
    FollowUp,
    SELECT_FOLLOW_UPS,
    filters={"case_id": col(FollowUp.case_id) == bindparam("case_id")},
    sorts={"created_at": col(FollowUp.created_at)},
    shows=ShownRecord("follow_up"),
)


def plan_follow_ups(session: AsyncSession, case: Case, months: list[int]) -> None:
    """Create the planned follow-ups of a case that is closed today. `months` are counted from today."""
    for number in months:
        follow_up = FollowUp(
            child_id=case.child_id, case_id=case.id, months=number, due_on=add_months(today(), number)
        )
        follow_up.content = {}
        session.add(follow_up)


async def list_case_follow_ups(
    reader: RecordReader, caller: Caller, case_id: UUID, page_query: PageQuery
) -> FollowUpList:
    """List the follow-ups of a case, newest first by creation.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_FOLLOW_UPS.fetch_page(reader, caller, page_query, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return FollowUpList.from_trusted_items([_row_to_dict(row) for row in page.rows], **page.fields)


async def get_follow_up(reader: RecordReader, follow_up_id: UUID) -> FollowUpSchema:
    """Return one follow-up.

    Raises:
        NotFound: the follow-up does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(FOLLOW_UP_QUERY, follow_up_id=follow_up_id)
    return FollowUpSchema(**_row_to_dict(row))


def _row_to_dict(row: Any) -> dict[str, Any]:
    content = FollowUp.content.decrypt(row.id, row.content_encrypted)
    is_pending = row.status in RECORD_HELD.sources
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "author": to_ref(row.author_id, row.author_name),
        "is_overdue": is_pending and row.due_on is not None and row.due_on < today(),
        "checklist": content.get("checklist", {}),
        "note": content.get("note"),
    }


async def create_case_follow_up(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: FollowUpCreate
) -> FollowUpSchema:
    """Record a follow-up.

    With `months`, it is the one planned for these months. Without `months`, it is the planned one due nearest to
    `held_on` within `MATCH_WINDOW_DAYS`, or an additional one if there is none.

    Raises:
        GateRefused: the case is open, the caller is not staff of the case, the date is before the closing or in the
            future, no follow-up is planned for `months`, the planned one is held already, or the consent register does not
            permit the contact.
    """
    # The lock prevents two concurrent requests from recording the same planned follow-up.
    case = await get_for_update(session, Case, case_id)
    follow_up = await _find_planned_follow_up(session, case, payload)
    raise_if_unmet(
        [
            *_check_content(case, payload),
            *_check_planned_follow_up(payload, follow_up),
            *await check_works_on_case(session, case),
            *await _check_contact_consent(session, case, payload),
        ]
    )
    if follow_up is None:
        follow_up = FollowUp(id=payload.id or new_id(), child_id=case.child_id, case_id=case.id)
        session.add(follow_up)
    else:
        follow_up.version += 1
    _store_result(session, caller, case, follow_up, payload)
    return await get_follow_up(await open_response_reader(session), follow_up.id)


async def _find_planned_follow_up(
    session: AsyncSession, case: Case, payload: FollowUpCreate
) -> FollowUp | None:
    """Return the planned follow-up that a request records, or None.

    With `months`, it is the follow-up planned for these months. Without `months`, it is the one that is due nearest to
    `held_on`, within `MATCH_WINDOW_DAYS`, and not held yet.
    """
    query = select(FollowUp).where(col(FollowUp.case_id) == case.id)
    if payload.months is not None:
        query = query.where(col(FollowUp.months) == payload.months)
    else:
        days_apart = func.abs(col(FollowUp.due_on) - payload.held_on)
        is_not_held = col(FollowUp.status).in_(RECORD_HELD.sources)
        query = (
            query.where(is_not_held, days_apart <= MATCH_WINDOW_DAYS)
            .order_by(days_apart, col(FollowUp.due_on))
            .limit(1)
        )
    return await session.scalar(query)


def _check_planned_follow_up(payload: FollowUpCreate, follow_up: FollowUp | None) -> list[Fault]:
    if follow_up is not None:
        return check_status(RECORD_HELD, follow_up.status)
    if payload.months is None:
        return []
    return [
        Fault(
            "/months",
            "not_planned",
            "No follow-up is planned for these months. Omit `months` to record an additional one.",
        )
    ]


async def update_follow_up(
    session: AsyncSession, caller: Caller, follow_up_id: UUID, expected_version: int, patch: FollowUpUpdate
) -> FollowUpSchema:
    """Record a due or missed follow-up.

    Raises:
        GateRefused: the follow-up was held already, the caller is not staff of the case, the date is missing or not
            valid, or both the wellbeing and the note are missing.
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the follow-up was changed since the caller read it.
    """
    case = await get_case_for_update(session, FollowUp, follow_up_id)
    follow_up = await get_version_for_update(session, FollowUp, follow_up_id, expected_version)
    raise_if_unmet([*check_status(RECORD_HELD, follow_up.status), *await check_works_on_case(session, case)])
    content = apply_patch(FollowUpContent, _to_document(follow_up), patch)
    raise_if_unmet([*_check_content(case, content), *await _check_contact_consent(session, case, content)])
    _store_result(session, caller, case, follow_up, content)
    return await get_follow_up(await open_response_reader(session), follow_up.id)


def _store_result(
    session: AsyncSession, caller: Caller, case: Case, follow_up: FollowUp, content: FollowUpContent
) -> None:
    follow_up.held_on, follow_up.wellbeing = content.held_on, content.wellbeing
    follow_up.status = (RECORD_MISSED if content.wellbeing == "not_reached" else RECORD_HELD).target
    follow_up.hsb_outcome = content.hsb_outcome
    if follow_up.status == RECORD_HELD.target:
        follow_up.hsb_outcome = to_hsb_outcome(case, content.hsb_outcome)
    follow_up.conditions_met, follow_up.conditions_unmet = split_checklist(content.checklist)
    follow_up.author_id, follow_up.updated_at = caller.id, utc_now()
    follow_up.content = dump_content(StoredFollowUpContent, content)
    detail = {"status": follow_up.status}
    case_history.record_case_history(
        session, case, "follow_up_held", caller, follow_up, detail, occurred_at=follow_up.held_on
    )


async def _check_contact_consent(session: AsyncSession, case: Case, content: FollowUpContent) -> list[Fault]:
    """Return faults unless the consent register permits the contact. An unreached family was not contacted."""
    if content.wellbeing == "not_reached":
        return []
    register = await load_register(session, case.child_id, case.id)
    return list(register.check_with_basis("follow_up_contact"))


def _check_content(case: Case, content: FollowUpContent) -> Iterator[Fault]:
    if case.closed_on is None:
        yield Fault(None, "case_open", "The case is open. Record a support session instead.")
    if content.wellbeing is None and content.note is None:
        detail = "`wellbeing` or `note` is required. Use `not_reached` if the family was not reached."
        yield Fault("/wellbeing", "wellbeing_missing", detail)
    yield from check_hsb_outcome(case, content.hsb_outcome)
    if content.held_on is None:
        yield Fault("/held_on", "held_on_missing", "The date of the follow-up is required.")
    elif case.closed_on is not None and content.held_on < case.closed_on:
        yield Fault("/held_on", "before_exit", "Must not be before the case was closed.")


def _to_document(follow_up: FollowUp) -> dict[str, object]:
    """Return the content of a follow-up as JSON, to apply a merge patch to it."""
    held_on = follow_up.held_on and follow_up.held_on.isoformat()
    columns = follow_up.model_dump(include={"wellbeing", "hsb_outcome"})
    return {"held_on": held_on, **columns, **follow_up.content}
