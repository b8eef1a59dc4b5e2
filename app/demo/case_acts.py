"""Exit, follow-ups, extension, reopening, transfer and staffing."""

from datetime import date, timedelta
from typing import Any

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import exit_end_day, to_workday
from app.demo.case_simulation import CaseSimulation
from app.kit.dates import add_months
from app.schemas.cases import CaseAssignment, CaseTransfer
from app.schemas.decisions import ExitPlanApproval
from app.schemas.exit_plans import CaseClosure, CaseExtension, CaseReopening, ExitPlanUpdate, FollowUpUpdate
from app.schemas.wire import PageQuery
from app.services.cases import cases
from app.services.cases import extend as cases_extend
from app.services.cases import staffing as cases_staffing
from app.services.exit import close_case as cases_close
from app.services.exit import exit_plans, follow_ups
from app.services.exit import reopen_case as cases_reopen

EXIT_CONDITIONS = ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")
WELLBEING_CODES = ("well", "well", "needs_attention", "well", "not_reached", "at_risk")


async def simulate_exit_plan(
    life: CaseSimulation, began: date, reason: str, *, approved_on: date | None
) -> None:
    """Write how the case ends, and have it approved, unless it still waits for that."""
    told = ExitPlanUpdate.model_validate(_build_exit_plan(life, began, reason))
    async with life.run_as(life.worker, Permission.exit_plan_write, began + timedelta(days=3)) as (
        session,
        actor,
    ):
        known = await exit_plans.find_exit_plan(session, life.case_id)
        version = known.version if known else None
        written = await exit_plans.replace_exit_plan(session, actor, life.case_id, version, told)
    if approved_on is not None:
        async with life.run_as(life.supervisor, Permission.exit_plan_decide, approved_on) as (session, actor):
            approval = ExitPlanApproval(comment=life.choose_text("approved"))
            await exit_plans.approve_exit_plan(session, actor, life.case_id, written.version, approval)


def _build_exit_plan(life: CaseSimulation, began: date, reason: str) -> dict[str, Any]:
    is_planned = reason == "goals_met"
    all_met = is_planned and life.scenario.number % 2 == 0
    answers: dict[str, Any] = {condition: {"met": True} for condition in EXIT_CONDITIONS}
    if not all_met:
        answers["friends"] = {"met": False, "note": life.choose_text("exit", "unmet")}
    told: dict[str, Any] = {
        "reason_code": reason,
        "checklist": answers,
        "note": life.choose_text("exit", "note"),
    }
    if not is_planned:
        return told
    steps = ((7, 4), (30, 2), (50, 1))
    taper = [
        {"from": (began + timedelta(days=after)).isoformat(), "contacts_per_month": contacts}
        for after, contacts in steps
    ]
    return told | {"taper": taper, "ends_on": exit_end_day(began).isoformat(), "follow_up_months": [1, 3, 6]}


async def simulate_case_closing(life: CaseSimulation, day: date, reason: str) -> None:
    """Close the case."""
    words = life.choose_text("exit", "outcome" if reason == "goals_met" else reason)
    async with life.run_as(life.worker, Permission.case_close, day) as (session, actor):
        known = await cases.get_case(session, life.case_id)
        closing = CaseClosure(reason_code=reason, outcome=words)
        await cases_close.close_case(session, actor, life.case_id, known.version, closing)


async def simulate_follow_ups(life: CaseSimulation, closed_on: date) -> None:
    """Ask how the child is, one, three and six months after the exit, as far as that has come; a few are late."""
    due = [add_months(closed_on, months) for months in (1, 3, 6)]
    held = [day for day in due if day + timedelta(days=4) <= life.scenario.last_day]
    held = held[: len(held) - (life.scenario.number % 6 == 0)]
    if not held:
        return
    async with life.run_as_lead_worker(Permission.follow_up_record) as (session, actor):
        found = (await follow_ups.list_case_follow_ups(session, actor, life.case_id, PageQuery())).items
        waiting = sorted((one for one in found if one.due_on), key=lambda one: str(one.due_on))
        for turn, (one, day) in enumerate(zip(waiting, held, strict=False)):
            wellbeing = WELLBEING_CODES[(life.scenario.number // 3 + turn) % len(WELLBEING_CODES)]
            with life.freeze_day(day + timedelta(days=4)):
                told = {"held_on": max(to_workday(day + timedelta(days=4)), closed_on).isoformat()}
                told |= {"wellbeing": wellbeing, "note": life.choose_text("follow_up", wellbeing)}
                patch = FollowUpUpdate.model_validate(told)
                await follow_ups.update_follow_up(session, actor, one.id, one.version, patch)


async def simulate_case_extension(life: CaseSimulation) -> None:
    """Extend the case past its 24 months, in time."""
    async with life.run_as(
        demo_people.PROGRAMME_MANAGER, Permission.case_extend, add_months(life.scenario.opened_on, 23)
    ) as (session, actor):
        known = await cases.get_case(session, life.case_id)
        until = add_months(life.scenario.opened_on, 28 + life.scenario.number % 3)
        extension = CaseExtension(until=until, reason=life.choose_text("extension"))
        await cases_extend.extend_case(session, actor, life.case_id, known.version, extension)


async def simulate_case_reopening(life: CaseSimulation, day: date) -> None:
    """Open a new case for a child that comes back; the life goes on in it."""
    async with life.run_as(life.supervisor, Permission.case_reopen, day) as (session, actor):
        known = await cases.get_case(session, life.case_id)
        told = CaseReopening(reason=life.choose_text("reopening"))
        life.case_id = (await cases_reopen.reopen_case(session, actor, life.case_id, known.version, told)).id
        life.current_plan = None


async def simulate_case_transfer(life: CaseSimulation, day: date) -> None:
    """Give the case to the other team."""
    (team,) = set(demo_people.TEAMS) - {life.team}
    reason = life.choose_text("transfer")
    async with life.run_as(demo_people.PROGRAMME_MANAGER, Permission.case_transfer, day) as (session, actor):
        known = await cases.get_case(session, life.case_id)
        life.move_to_team(team)
        lead = life.context.ids.user_ids[life.worker]
        move = CaseTransfer(team_id=life.context.ids.team_ids[team], lead_worker_id=lead, reason=reason)
        await cases_staffing.transfer_case(session, actor, life.case_id, known.version, move)


async def simulate_co_worker_assignment(life: CaseSimulation, day: date) -> None:
    """Have a second worker of the team join."""
    mates = [one for one in demo_people.WORKERS[life.team] if one != life.worker]
    async with life.run_as(life.supervisor, Permission.case_assign, day) as (session, actor):
        known = await cases.get_case(session, life.case_id)
        people = life.context.ids.user_ids
        told = CaseAssignment(
            lead_worker_id=people[life.worker],
            co_worker_ids=[people[mates[life.scenario.number % len(mates)]]],
        )
        await cases_staffing.assign_case(session, actor, life.case_id, known.version, told)
