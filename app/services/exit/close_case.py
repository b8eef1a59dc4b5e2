"""Closing a case: every condition is checked and listed; then nothing of it is left waiting but the follow-ups."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.dates import today
from app.kit.records import get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, ExitPlan, Review, SupportSession
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.exit_plans import CaseClosure
from app.services.care_plans.review_states import CANCEL
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.states import CLOSE
from app.services.cases.write_access import check_works_on_case
from app.services.exit import exit_plans, follow_ups
from app.services.exit.states import REASON_CODES_WITHOUT_FEEDBACK, UNPLANNED_REASON_CODES, check_exit_plan
from app.services.fund import case_closure as disbursements_stop


@dataclass(frozen=True, slots=True)
class ClosureContext:
    """A case that somebody wants to close, and what its end rests on."""

    case: Case
    caller: Caller
    closure: CaseClosure
    exit_plan: ExitPlan | None

    @property
    def is_planned(self) -> bool:
        """Whether support ends as it was meant to, and not because something happened."""
        return self.closure.reason_code not in UNPLANNED_REASON_CODES


async def check_exit_plan_for_closure(_: AsyncSession, ending: ClosureContext) -> list[Fault]:
    """Return what the exit plan lacks for this end. Two people end a case: one wrote the plan, another approved it."""
    plan = ending.exit_plan
    if plan is None or plan.status != "approved":
        return [Fault(None, "exit_plan_not_approved", "A supervisor approves the exit plan first.")]
    told = exit_plans.get_exit_plan_content(plan)
    if not ending.is_planned and told.reason_code != ending.closure.reason_code:
        detail = (
            "The exit plan was approved for another end: write it anew for this one, and have it approved."
        )
        return [Fault(None, "exit_plan_for_another_end", detail)]
    return [
        Fault(None, fault.code, f"In the exit plan: {fault.detail}")
        for fault in check_exit_plan(told, is_planned=ending.is_planned)
    ]


async def check_final_review(session: AsyncSession, ending: ClosureContext) -> list[Fault]:
    """Return the unmet condition that the last completed review did not decide for the exit, or none."""
    last = select(col(Review.decision)).where(
        col(Review.case_id) == ending.case.id, col(Review.status) == "completed"
    )
    decision = await session.scalar(last.order_by(col(Review.number).desc()).limit(1))
    if decision == "begin_exit" or not ending.is_planned:
        return []
    return [Fault(None, "final_review_missing", "The last review decides that the exit begins.")]


async def check_closed_by_case_worker(session: AsyncSession, ending: ClosureContext) -> list[Fault]:
    """Return the unmet condition that the actor does not work on the case, or none."""
    return await check_works_on_case(session, ending.case)


async def check_case_money_settled(session: AsyncSession, ending: ClosureContext) -> list[Fault]:
    """Return what of the case's money is unpaid; and, of an end that was planned, what waits for receipts."""
    return await disbursements_stop.check_disbursements_settled(
        session, ending.case.id, require_receipts=ending.is_planned
    )


CLOSURE_CHECKS: tuple[Callable[[AsyncSession, ClosureContext], Awaitable[list[Fault]]], ...] = (
    check_closed_by_case_worker,
    check_exit_plan_for_closure,
    check_final_review,
    check_case_money_settled,
)
"""Everything that is asked of an end (the gate 'exit')."""


async def close_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, closing: CaseClosure
) -> CaseSchema:
    """Close a case; what was scheduled or planned for it is cancelled, the follow-ups are put down.

    Raises:
        GateRefused: with every unmet condition (the gate 'exit'). An unplanned end relaxes the final review, the taper
            and the follow-ups, and never the approved exit plan with its checklist.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet(check_status(CLOSE, case.status))
    ending = ClosureContext(case, caller, closing, await exit_plans.find_exit_plan(session, case_id))
    raise_if_unmet([fault for condition in CLOSURE_CHECKS for fault in await condition(session, ending)])
    await _cancel_scheduled_work(session, case)
    await disbursements_stop.cancel_future_instalments(session, caller, case)
    case.status, case.closed_on, case.next_review_on = CLOSE.target, today(), None
    case.close_reason, case.updated_at = closing.reason_code, utc_now()
    encrypt(case, "sealed", {**decrypt(case), "outcome": closing.outcome})
    if ending.exit_plan is not None and closing.reason_code not in REASON_CODES_WITHOUT_FEEDBACK:
        follow_ups.plan_follow_ups(
            session, case, exit_plans.get_exit_plan_content(ending.exit_plan).follow_up_months
        )
    case_history.record_case_history(
        session, case, "case_closed", caller, case, {"reason_code": closing.reason_code}
    )
    await session.flush()  # the answer shows what was stored
    return await load_case_schema(session, case)


async def _cancel_scheduled_work(session: AsyncSession, case: Case) -> None:
    """Cancel the scheduled review and the planned sessions, however many there are."""
    at = utc_now()
    await session.execute(
        update(Review)
        .where(col(Review.case_id) == case.id, col(Review.status) == "scheduled")
        .values(status=CANCEL.target, updated_at=at, version=Review.version + 1)
    )
    await session.execute(
        update(SupportSession)
        .where(col(SupportSession.case_id) == case.id, col(SupportSession.status) == "planned")
        .values(status="cancelled", updated_at=at, version=SupportSession.version + 1)
    )
