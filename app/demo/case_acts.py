"""Simulate acts on a case: exit, closing, follow-ups, extension, reopening, transfer and assignment."""

from datetime import date, timedelta
from typing import Any

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import people as demo_people
from app.demo.case_scenarios import exit_end_day, to_workday
from app.demo.case_simulation import CaseSimulation
from app.kit.dates import add_months, today
from app.schemas.cases import CaseAssignment, CaseTransfer, CaseUpdate
from app.schemas.decisions import ExitPlanApproval
from app.schemas.donor_grants import DonorGrantFilters
from app.schemas.exit_plans import CaseClosure, CaseExtension, CaseReopening, ExitPlanUpdate, FollowUpUpdate
from app.schemas.wire import PageQuery
from app.services import donor_grants
from app.services.cases import cases, extend, staffing
from app.services.exit import close_case, exit_plans, follow_ups, reopen_case

EXIT_CONDITIONS = ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")
HSB_OUTCOMES = (
    "no_further_behaviour",
    "no_further_behaviour",
    "unknown",
    "no_further_behaviour",
    "further_behaviour",
)
WELLBEING_CODES = ("well", "well", "needs_attention", "well", "not_reached", "at_risk")


async def simulate_exit_plan(
    simulation: CaseSimulation, started_on: date, reason_code: str, *, approved_on: date | None
) -> None:
    """Write the exit plan and approve it. Without `approved_on` it waits for approval."""
    payload = ExitPlanUpdate.model_validate(_build_exit_plan(simulation, started_on, reason_code))
    async with simulation.run_as(
        simulation.worker, Permission.exit_plan_write, started_on + timedelta(days=3)
    ) as (session, caller):
        existing = await exit_plans.find_exit_plan(session, simulation.case_id)
        version = existing.version if existing else None
        exit_plan = await exit_plans.replace_exit_plan(session, caller, simulation.case_id, version, payload)
    if approved_on is not None:
        async with simulation.run_as(simulation.supervisor, Permission.exit_plan_decide, approved_on) as (
            session,
            caller,
        ):
            approval = ExitPlanApproval(comment=simulation.choose_text("approved"))
            await exit_plans.approve_exit_plan(
                session, caller, simulation.case_id, exit_plan.version, approval
            )


def _build_exit_plan(simulation: CaseSimulation, started_on: date, reason_code: str) -> dict[str, Any]:
    is_planned = reason_code == "goals_met"
    answers: dict[str, Any] = {condition: {"met": True} for condition in EXIT_CONDITIONS}
    if not is_planned:
        answers["friends"] = {"met": False, "note": simulation.choose_text("exit", "unmet")}
    payload: dict[str, Any] = {
        "reason_code": reason_code,
        "checklist": answers,
        "note": simulation.choose_text("exit", "note"),
    }
    if not is_planned:
        return payload
    steps = ((14, 4), (30, 2), (50, 1))
    taper = [
        {"from": (started_on + timedelta(days=days)).isoformat(), "contacts_per_month": contacts}
        for days, contacts in steps
    ]
    return payload | {
        "taper": taper,
        "ends_on": exit_end_day(started_on).isoformat(),
        "follow_up_months": [1, 3, 6],
    }


async def simulate_case_closing(simulation: CaseSimulation, day: date, reason_code: str) -> None:
    """Close the case."""
    outcome = simulation.choose_text("exit", "outcome" if reason_code == "goals_met" else reason_code)
    async with simulation.run_as(simulation.worker, Permission.case_close, day) as (session, caller):
        case = await cases.get_case(session_reader(session), simulation.case_id)
        hsb_outcome = _choose_hsb_outcome(simulation, 0) if reason_code == "goals_met" else None
        closure = CaseClosure(reason_code=reason_code, outcome=outcome, hsb_outcome=hsb_outcome)
        await close_case.close_case(session, caller, simulation.case_id, case.version, closure)


def _choose_hsb_outcome(simulation: CaseSimulation, contact: int) -> str | None:
    """Return the outcome at the closing (contact 0) or at a follow-up; None for a case of another kind."""
    if simulation.scenario.kind == "survivor":
        return None
    return HSB_OUTCOMES[(simulation.scenario.number + contact) % len(HSB_OUTCOMES)]


def _answer_checklist(simulation: CaseSimulation, index: int, *, is_well: bool) -> dict[str, Any]:
    """Return the answers at a follow-up. One condition is not met if the child is not well."""
    answers: dict[str, Any] = {condition: {"met": True} for condition in EXIT_CONDITIONS}
    if not is_well:
        condition = EXIT_CONDITIONS[(simulation.scenario.number + index) % len(EXIT_CONDITIONS)]
        answers[condition] = {"met": False, "note": simulation.choose_text("exit", "unmet")}
    return answers


async def simulate_follow_ups(simulation: CaseSimulation, closed_on: date) -> None:
    """Record the follow-ups one, three and six months after the exit. Some cases have an overdue follow-up."""
    due_dates = [add_months(closed_on, months) for months in (1, 3, 6)]
    past_dates = [day for day in due_dates if day + timedelta(days=4) <= simulation.scenario.last_day]
    past_dates = past_dates[: len(past_dates) - (simulation.scenario.number % 6 == 0)]
    if not past_dates:
        return
    async with simulation.run_as_lead_worker(Permission.follow_up_record) as (session, caller):
        reader = session_reader(session)
        page = await follow_ups.list_case_follow_ups(reader, caller, simulation.case_id, PageQuery())
        due = sorted(
            (follow_up for follow_up in page.validate_items().items if follow_up.due_on),
            key=lambda follow_up: str(follow_up.due_on),
        )
        for index, (follow_up, day) in enumerate(zip(due, past_dates, strict=False)):
            wellbeing = WELLBEING_CODES[(simulation.scenario.number // 3 + index) % len(WELLBEING_CODES)]
            with simulation.freeze_day(day + timedelta(days=4)):
                payload: dict[str, Any] = {
                    "held_on": max(to_workday(day + timedelta(days=4)), closed_on).isoformat(),
                    "wellbeing": wellbeing,
                    "note": simulation.choose_text("follow_up", wellbeing),
                }
                if wellbeing != "not_reached":
                    payload["hsb_outcome"] = _choose_hsb_outcome(simulation, index + 1)
                    payload["checklist"] = _answer_checklist(simulation, index, is_well=wellbeing == "well")
                patch = FollowUpUpdate.model_validate(payload)
                await follow_ups.update_follow_up(session, caller, follow_up.id, follow_up.version, patch)


async def simulate_grant_attribution(simulation: CaseSimulation, day: date) -> None:
    """Attribute the case to one of the grants."""
    async with simulation.run_as(simulation.supervisor, Permission.case_change, day) as (session, caller):
        filters = DonorGrantFilters(sort="code")
        page = await donor_grants.list_donor_grants(session_reader(session), caller, filters)
        grants = page.validate_items().items
        case = await cases.get_case(session_reader(session), simulation.case_id)
        patch = CaseUpdate.model_validate(
            {"grant_code": grants[simulation.scenario.number % len(grants)].code}
        )
        await cases.update_case(session, caller, simulation.case_id, case.version, patch)


async def simulate_case_extension(simulation: CaseSimulation) -> None:
    """Extend the case beyond 24 months, one month before that date."""
    async with simulation.run_as(
        demo_people.PROGRAMME_MANAGER, Permission.case_extend, add_months(simulation.scenario.opened_on, 23)
    ) as (session, caller):
        case = await cases.get_case(session_reader(session), simulation.case_id)
        until = add_months(simulation.scenario.opened_on, 28 + simulation.scenario.number % 3)
        extension = CaseExtension(until=until, reason=simulation.choose_text("extension"))
        await extend.extend_case(session, caller, simulation.case_id, case.version, extension)


async def simulate_case_reopening(simulation: CaseSimulation, day: date) -> None:
    """Reopen the case. The simulation continues in the new case."""
    async with simulation.run_as(simulation.supervisor, Permission.case_reopen, day) as (session, caller):
        case = await cases.get_case(session_reader(session), simulation.case_id)
        reopening = CaseReopening.model_validate(
            {
                "reason": simulation.choose_text("reopening"),
                "consent": {
                    "given_by": ["child", "caregiver"],
                    "method": "oral",
                    "on": today().isoformat(),
                    "scope": ["services", "follow_up_contact", "share_with_providers"],
                },
            }
        )
        new_case = await reopen_case.reopen_case(session, caller, simulation.case_id, case.version, reopening)
        simulation.case_id = new_case.id
        simulation.current_plan = None


async def simulate_case_transfer(simulation: CaseSimulation, day: date) -> None:
    """Transfer the case to the other team."""
    (team,) = set(demo_people.TEAMS) - {simulation.team}
    reason = simulation.choose_text("transfer")
    async with simulation.run_as(demo_people.PROGRAMME_MANAGER, Permission.case_transfer, day) as (
        session,
        caller,
    ):
        case = await cases.get_case(session_reader(session), simulation.case_id)
        simulation.move_to_team(team)
        transfer = CaseTransfer(
            team_id=simulation.context.ids.team_ids[team],
            lead_worker_id=simulation.context.ids.user_ids[simulation.worker],
            reason=reason,
        )
        await staffing.transfer_case(session, caller, simulation.case_id, case.version, transfer)


async def simulate_co_worker_assignment(simulation: CaseSimulation, day: date) -> None:
    """Assign a second worker of the team as co-worker."""
    colleagues = [mailbox for mailbox in demo_people.WORKERS[simulation.team] if mailbox != simulation.worker]
    co_worker = colleagues[simulation.scenario.number % len(colleagues)]
    user_ids = simulation.context.ids.user_ids
    async with simulation.run_as(simulation.supervisor, Permission.case_assign, day) as (session, caller):
        case = await cases.get_case(session_reader(session), simulation.case_id)
        assignment = CaseAssignment(
            lead_worker_id=user_ids[simulation.worker], co_worker_ids=[user_ids[co_worker]]
        )
        await staffing.assign_case(session, caller, simulation.case_id, case.version, assignment)
