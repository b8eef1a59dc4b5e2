"""Close a case: check every condition of the gate "exit", cancel scheduled work, create the follow-ups."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today
from app.kit.entered_in_error import is_valid
from app.kit.records import get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, ExitPlan, Review, SupportSession
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.exit_plans import CaseClosure
from app.services.care_plans import review_states
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.states import CLOSE
from app.services.cases.write_access import check_works_on_case
from app.services.exit import exit_plans, follow_ups
from app.services.exit.exit_plan_checks import (
    REASON_CODES_WITHOUT_FOLLOW_UPS,
    UNPLANNED_REASON_CODES,
    check_conditions_met,
    check_dates_reached,
    check_exit_plan,
    check_hsb_outcome,
    to_hsb_outcome,
)
from app.services.fund import case_closure as fund_closure
from app.services.support import session_states

FOR_ANOTHER_END = Fault(
    None,
    "exit_plan_for_another_end",
    "The exit plan was approved for another closure reason. It must be changed and approved again.",
)


@dataclass(frozen=True, slots=True)
class ClosureContext:
    """The case to be closed, and the data that the closure checks need."""

    case: Case
    caller: Caller
    closure: CaseClosure
    exit_plan: ExitPlan | None

    @property
    def is_planned(self) -> bool:
        """Whether support ends as planned. The final review, the taper and the follow-ups are then required."""
        return self.closure.reason_code not in UNPLANNED_REASON_CODES


async def check_exit_plan_for_closure(_: AsyncSession, context: ClosureContext) -> list[Fault]:
    """Return the unmet conditions on the exit plan: approved, for this closure reason, complete, and its dates reached.

    The author of the plan cannot approve it. At least two people are therefore involved in closing every case.
    """
    plan = context.exit_plan
    if plan is None or plan.status != "approved":
        return [Fault(None, "exit_plan_not_approved", "The exit plan must be approved by a supervisor.")]
    content = exit_plans.get_exit_plan_content(plan)
    if not context.is_planned and content.reason_code != context.closure.reason_code:
        return [FOR_ANOTHER_END]
    faults = [
        *check_exit_plan(content, is_planned=context.is_planned),
        *(check_dates_reached(content) if context.is_planned else ()),
        *(check_conditions_met(content) if context.closure.reason_code == "goals_met" else ()),
    ]
    # The dates of a plan for an unplanned end are not compared with the day of its approval.
    other_end = (
        [FOR_ANOTHER_END] if content.reason_code in UNPLANNED_REASON_CODES and context.is_planned else []
    )
    return [*other_end, *(Fault(None, fault.code, f"Exit plan: {fault.detail}") for fault in faults)]


async def check_final_review(session: AsyncSession, context: ClosureContext) -> list[Fault]:
    """Return a fault if the case ends as planned and its last completed review did not decide to begin the exit."""
    query = select(col(Review.decision)).where(
        col(Review.case_id) == context.case.id, col(Review.status) == "completed"
    )
    decision = await session.scalar(query.order_by(col(Review.number).desc()).limit(1))
    if decision == "begin_exit" or not context.is_planned:
        return []
    return [
        Fault(None, "final_review_missing", "The last completed review must have the decision `begin_exit`.")
    ]


async def check_closed_by_case_worker(session: AsyncSession, context: ClosureContext) -> list[Fault]:
    """Return a fault unless the caller is staff of the case."""
    return await check_works_on_case(session, context.case)


async def check_case_money_settled(session: AsyncSession, context: ClosureContext) -> list[Fault]:
    """Return faults for unpaid disbursements of the case and, if it ends as planned, for unreconciled disbursements."""
    return await fund_closure.check_disbursements_settled(
        session, context.case.id, require_receipts=context.is_planned
    )


async def check_outcome_of_kind(_: AsyncSession, context: ClosureContext) -> list[Fault]:
    """Return a fault if an outcome for harmful sexual behaviour is given for a case of another kind."""
    return check_hsb_outcome(context.case, context.closure.hsb_outcome)


CLOSURE_CHECKS: tuple[Callable[[AsyncSession, ClosureContext], Awaitable[list[Fault]]], ...] = (
    check_closed_by_case_worker,
    check_exit_plan_for_closure,
    check_final_review,
    check_case_money_settled,
    check_outcome_of_kind,
)
"""All conditions of the gate "exit"."""


async def close_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseClosure
) -> CaseSchema:
    """Close a case, cancel its scheduled review, planned sessions and future instalments, and create the follow-ups.

    If support ends unplanned, the final review, the taper and the follow-ups are not required. The approved exit plan
    and its checklist are always required.

    Raises:
        GateRefused: with every unmet condition of `CLOSURE_CHECKS`, or because the case is closed.
        StaleVersion: the case was changed since the caller read it.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet(check_status(CLOSE, case.status))
    context = ClosureContext(case, caller, payload, await exit_plans.find_exit_plan(session, case_id))
    raise_if_unmet([fault for check in CLOSURE_CHECKS for fault in await check(session, context)])
    await cancel_scheduled_work(session, case)
    await fund_closure.cancel_future_instalments(session, caller, case)
    case.status, case.closed_on, case.next_review_on = CLOSE.target, today(), None
    case.close_reason, case.updated_at = payload.reason_code, utc_now()
    case.hsb_outcome = to_hsb_outcome(case, payload.hsb_outcome)
    case.content = {**case.content, "outcome": payload.outcome}
    if context.exit_plan is not None and payload.reason_code not in REASON_CODES_WITHOUT_FOLLOW_UPS:
        months = exit_plans.get_exit_plan_content(context.exit_plan).follow_up_months
        follow_ups.plan_follow_ups(session, case, months)
    detail = {"reason_code": payload.reason_code}
    case_history.record_case_history(session, case, "case_closed", caller, case, detail)
    await session.flush()  # report a database error before the response is built
    return await load_case_schema(session, case)


async def cancel_scheduled_work(session: AsyncSession, case: Case) -> None:
    """Cancel the scheduled review and all planned sessions, with one statement for each table."""
    now = utc_now()
    await session.execute(
        update(Review)
        .where(col(Review.case_id) == case.id, col(Review.status) == "scheduled")
        .values(status=review_states.CANCEL.target, updated_at=now, version=Review.version + 1)
    )
    await session.execute(
        update(SupportSession)
        .where(
            col(SupportSession.case_id) == case.id,
            col(SupportSession.status) == "planned",
            is_valid(SupportSession),
        )
        .values(status=session_states.CANCEL.target, updated_at=now, version=SupportSession.version + 1)
    )
