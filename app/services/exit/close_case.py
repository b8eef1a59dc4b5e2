"""Closing a case: every condition is checked and listed; then nothing of it is left waiting but the follow-ups."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import today
from app.kit.records import find_for_change
from app.kit.state_machine import refuse, unmet_status
from app.models import Case, ExitPlan, Review, SupportSession
from app.models.record import now
from app.schemas.cases import CaseOut
from app.schemas.exit_plans import Closing
from app.services.care_plans.review_states import CANCEL
from app.services.cases import history as case_history
from app.services.cases.cases import shown
from app.services.cases.states import CLOSE
from app.services.cases.write_access import unmet_working
from app.services.exit import exit_plans, follow_ups
from app.services.exit.states import NOBODY_TO_ASK, UNPLANNED, unmet_plan
from app.services.fund import case_closure as disbursements_stop


@dataclass(frozen=True, slots=True)
class Ending:
    """A case that somebody wants to close, and what its end rests on."""

    case: Case
    actor: Actor
    closing: Closing
    plan: ExitPlan | None

    @property
    def is_planned(self) -> bool:
        """Whether support ends as it was meant to, and not because something happened."""
        return self.closing.reason_code not in UNPLANNED


async def unmet_exit_plan(_: AsyncSession, ending: Ending) -> list[Fault]:
    """Return what the exit plan lacks for this end. Two people end a case: one wrote the plan, another approved it."""
    plan = ending.plan
    if plan is None or plan.status != "approved":
        return [Fault(None, "exit_plan_not_approved", "A supervisor approves the exit plan first.")]
    told = exit_plans.content(plan)
    if not ending.is_planned and told.reason_code != ending.closing.reason_code:
        detail = (
            "The exit plan was approved for another end: write it anew for this one, and have it approved."
        )
        return [Fault(None, "exit_plan_for_another_end", detail)]
    return [
        Fault(None, fault.code, f"In the exit plan: {fault.detail}")
        for fault in unmet_plan(told, planned=ending.is_planned)
    ]


async def unmet_final_review(session: AsyncSession, ending: Ending) -> list[Fault]:
    """Return the unmet condition that the last completed review did not decide for the exit, or none."""
    last = select(col(Review.decision)).where(
        col(Review.case_id) == ending.case.id, col(Review.status) == "completed"
    )
    decision = await session.scalar(last.order_by(col(Review.number).desc()).limit(1))
    if decision == "begin_exit" or not ending.is_planned:
        return []
    return [Fault(None, "final_review_missing", "The last review decides that the exit begins.")]


async def unmet_worker(session: AsyncSession, ending: Ending) -> list[Fault]:
    """Return the unmet condition that the actor does not work on the case, or none."""
    return await unmet_working(session, ending.case)


async def unmet_money(session: AsyncSession, ending: Ending) -> list[Fault]:
    """Return what of the case's money is unpaid; and, of an end that was planned, what waits for receipts."""
    return await disbursements_stop.unmet_settled(session, ending.case.id, receipts=ending.is_planned)


CONDITIONS: tuple[Callable[[AsyncSession, Ending], Awaitable[list[Fault]]], ...] = (
    unmet_worker,
    unmet_exit_plan,
    unmet_final_review,
    unmet_money,
)
"""Everything that is asked of an end (the gate 'exit')."""


async def close(session: AsyncSession, actor: Actor, case_id: UUID, seen: int, closing: Closing) -> CaseOut:
    """Close a case; what was scheduled or planned for it is cancelled, the follow-ups are put down.

    Raises:
        GateRefused: with every unmet condition (the gate 'exit'). An unplanned end relaxes the final review, the taper
            and the follow-ups, and never the approved exit plan with its checklist.
    """
    case = await find_for_change(session, Case, case_id, seen)
    refuse(unmet_status(CLOSE, case.status))
    ending = Ending(case, actor, closing, await exit_plans.of(session, case_id))
    refuse([fault for condition in CONDITIONS for fault in await condition(session, ending)])
    await _cancel_what_waits(session, case)
    await disbursements_stop.stop(session, actor, case)
    case.status, case.closed_on, case.next_review_on = CLOSE.target, today(), None
    case.close_reason, case.updated_at = closing.reason_code, now()
    seal(case, "sealed", {**unseal(case), "outcome": closing.outcome})
    if ending.plan is not None and closing.reason_code not in NOBODY_TO_ASK:
        follow_ups.plan(session, case, exit_plans.content(ending.plan).follow_up_months)
    case_history.record(session, case, "case_closed", actor, case, {"reason_code": closing.reason_code})
    await session.flush()  # the answer shows what was stored
    return await shown(session, case)


async def _cancel_what_waits(session: AsyncSession, case: Case) -> None:
    """Cancel the scheduled review and the planned sessions, however many there are."""
    at = now()
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
