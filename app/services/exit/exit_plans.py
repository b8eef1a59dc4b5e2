"""The exit plan of a case: the conditions for ending support, and the taper of contacts."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.kit.approval import record_decision
from app.kit.records import get_for_update, get_version_for_update, validate_expected_version
from app.kit.reference_names import fetch_staff_refs, staff_names, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, ExitPlan
from app.models.encrypted_field import dump_content
from app.models.exit_plans import StoredExitPlanContent, StoredExitPlanEdition, StoredExitPlanTexts
from app.models.record import utc_now
from app.schemas.decisions import ExitPlanApproval
from app.schemas.exit_plans import ExitPlan as ExitPlanSchema
from app.schemas.exit_plans import ExitPlanUpdate
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_case_writable
from app.services.exit.exit_plan_checks import (
    UNPLANNED_REASON_CODES,
    check_dates_ahead,
    check_exit_plan,
    split_checklist,
)
from app.services.exit.states import APPROVE, REVISE
from app.services.persons.life_dates import validate_after_birth

COLUMN_FIELDS = [name for name in ExitPlanSchema.model_fields if name in ExitPlan.model_fields]
EXIT_PLAN_QUERY = ReadQuery(
    select(
        *(getattr(ExitPlan, name) for name in COLUMN_FIELDS),
        *staff_names(ExitPlan, "author", "decided_by"),
        col(ExitPlan.content_encrypted),
        col(ExitPlan.decision_comment_encrypted),
    ).where(col(ExitPlan.case_id) == bindparam("case_id")),
    shows=ShownRecord("exit_plan"),
)


async def ensure_exit_plan(session: AsyncSession, caller: Caller, case: Case) -> None:
    """Create an empty exit plan if the case has none."""
    if await find_exit_plan(session, case.id) is None:
        session.add(_build_plan(caller, case))


def _build_plan(caller: Caller, case: Case) -> ExitPlan:
    plan = ExitPlan(child_id=case.child_id, case_id=case.id, author_id=caller.id)
    _store_content(plan, ExitPlanUpdate(), [])
    return plan


async def find_exit_plan(session: AsyncSession, case_id: UUID) -> ExitPlan | None:
    """Return the exit plan of a case, or None."""
    return await session.scalar(select(ExitPlan).where(col(ExitPlan.case_id) == case_id))


async def get_exit_plan(reader: RecordReader, case_id: UUID) -> ExitPlanSchema:
    """Return the exit plan of a case.

    Raises:
        NotFound: the case has no exit plan, or the caller cannot see it.
    """
    row = await reader.fetch_required(EXIT_PLAN_QUERY, case_id=case_id)
    content = ExitPlan.content.decrypt(row.id, row.content_encrypted)
    return ExitPlanSchema(
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "author", "decided_by"),
        **{**content, "earlier": await _add_names(reader, content["earlier"])},
        decision_comment=ExitPlan.decision_comment.decrypt(row.id, row.decision_comment_encrypted),
    )


async def _add_names(
    reader: RecordReader, editions: Sequence[StoredExitPlanEdition]
) -> list[dict[str, object]]:
    """Return the earlier editions with the names of their authors and approvers."""
    if not editions:
        return []
    ids = {edition[name] for edition in editions for name in ("author_id", "decided_by_id")}
    staff = await fetch_staff_refs(reader, ids)
    return [
        {
            **edition,
            "author": staff[edition["author_id"]],
            "decided_by": staff[edition["decided_by_id"]],
        }
        for edition in editions
    ]


async def replace_exit_plan(
    session: AsyncSession,
    caller: Caller,
    case_id: UUID,
    expected_version: int | None,
    payload: ExitPlanUpdate,
) -> ExitPlanSchema:
    """Create or replace the exit plan of a case. The caller becomes its author.

    An approved plan becomes a draft again and needs a new approval. The approved edition is kept in `earlier`.

    Raises:
        GateRefused: the case is closed, or the caller is not staff of the case.
        InvalidInput: a date is before the birth of the child.
        StaleVersion, VersionRequired: see `validate_expected_version`.
    """
    case = await get_for_update(session, Case, case_id)
    plan = await find_exit_plan(session, case_id)
    validate_expected_version(plan, expected_version)
    raise_if_unmet(await check_case_writable(session, case))
    days = {f"/taper/{index}/from": step.starts_on for index, step in enumerate(payload.taper)}
    await validate_after_birth(session, case.child_id, {**days, "/ends_on": payload.ends_on})
    if plan is None:
        plan = _build_plan(caller, case)
        session.add(plan)
    else:
        plan.version += 1
    _store_content(plan, payload, _list_approved_editions(plan))
    _make_draft(plan, caller)
    return await get_exit_plan(await open_response_reader(session), case_id)


async def withdraw_exit_plan(session: AsyncSession, caller: Caller, case: Case) -> None:
    """Make the exit plan of a case that returns to active support a draft without dates.

    An approved edition is kept in `earlier`.
    """
    plan = await find_exit_plan(session, case.id)
    if plan is None:
        return
    plan.version += 1
    content = get_exit_plan_content(plan).model_copy(update={"taper": [], "ends_on": None})
    _store_content(plan, content, _list_approved_editions(plan))
    _make_draft(plan, caller)


def _make_draft(plan: ExitPlan, caller: Caller) -> None:
    plan.author_id, plan.status = caller.id, REVISE.target
    plan.decided_at = plan.decided_by_id = plan.decision_comment = None


def _store_content(plan: ExitPlan, payload: ExitPlanUpdate, earlier: list[StoredExitPlanEdition]) -> None:
    plan.ends_on = payload.ends_on
    plan.conditions_met, plan.conditions_unmet = split_checklist(payload.checklist)
    plan.updated_at = utc_now()
    texts = dump_content(StoredExitPlanTexts, payload)
    texts["follow_up_months"] = sorted(set(payload.follow_up_months))
    plan.content = {**texts, "earlier": earlier}


def _list_approved_editions(plan: ExitPlan) -> list[StoredExitPlanEdition]:
    """Return the approved editions of a plan before it is replaced. They include the current one if it is approved."""
    content = plan.content
    if plan.status != "approved":
        return content["earlier"]
    columns = plan.model_dump(mode="json", include={"ends_on", "author_id", "decided_at", "decided_by_id"})
    approved_edition = cast("StoredExitPlanEdition", {**_get_texts(content), **columns})
    return [*content["earlier"], approved_edition]


async def approve_exit_plan(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, approval: ExitPlanApproval
) -> ExitPlanSchema:
    """Approve the exit plan of a case.

    Raises:
        NotFound: the case has no exit plan, or the caller cannot see it.
        GateRefused: with every unmet condition. The plan is not a draft or not complete, the case is closed, or the
            caller is the author or not a supervisor of the team.
        StaleVersion: the plan was changed since the caller read it.
    """
    case = await get_for_update(session, Case, case_id)
    plan_id = select(col(ExitPlan.id)).where(col(ExitPlan.case_id) == case_id).scalar_subquery()
    plan = await get_version_for_update(session, ExitPlan, plan_id, expected_version)
    content = get_exit_plan_content(plan)
    is_planned = content.reason_code not in UNPLANNED_REASON_CODES
    unmet = [
        *check_case_open(case),
        *check_exit_plan(content, is_planned=is_planned),
        *(check_dates_ahead(content) if is_planned else ()),
    ]
    await record_decision(session, plan, caller, case, APPROVE, approval.comment, unmet)
    plan.updated_at = utc_now()
    case_history.record_case_history(session, case, "exit_plan_approved", caller, plan)
    return await get_exit_plan(await open_response_reader(session), case_id)


def get_exit_plan_content(plan: ExitPlan) -> ExitPlanUpdate:
    """Return the decrypted content of an exit plan."""
    return ExitPlanUpdate.model_validate({**_get_texts(plan.content), "ends_on": plan.ends_on})


def _get_texts(content: StoredExitPlanContent) -> dict[str, object]:
    return {name: value for name, value in content.items() if name != "earlier"}
