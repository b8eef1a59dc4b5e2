"""Simulate each case of the demonstration from the accepted referral to the phase of its scenario."""

from datetime import date, timedelta
from itertools import pairwise

from app.demo.assessments import AssessmentReference, simulate_assessment
from app.demo.care_plans import simulate_care_plan, simulate_care_plan_progress, simulate_care_plan_revision
from app.demo.case_acts import (
    simulate_case_closing,
    simulate_case_extension,
    simulate_case_transfer,
    simulate_co_worker_assignment,
    simulate_exit_plan,
    simulate_follow_ups,
    simulate_grant_attribution,
)
from app.demo.case_records import simulate_documents, simulate_legal_steps
from app.demo.case_scenarios import (
    EXTENDED_NUMBERS,
    LINKED_NUMBERS,
    TRANSFERRED_NUMBERS,
    UNPLANNED_CLOSE_REASONS,
    CaseScenario,
    exit_end_day,
    plan_review_days,
    unplanned_closing_day,
)
from app.demo.case_simulation import CaseSimulation
from app.demo.corrections import simulate_corrections
from app.demo.disbursements import simulate_disbursement
from app.demo.intake import simulate_circle_and_consents
from app.demo.reviews import simulate_feedback, simulate_review
from app.demo.service_referrals import simulate_service_referral
from app.demo.support import simulate_planned_sessions, simulate_session_series, simulate_sessions

CONTACTS_PER_QUARTER = (3, 2, 3, 4)
"""Number of support sessions in three months. It depends on the case number."""


async def simulate_case(simulation: CaseSimulation) -> None:
    """Simulate a case from the first visit to the phase of its scenario."""
    scenario = simulation.scenario
    await simulate_circle_and_consents(simulation)
    if scenario.number % 7 == 0 and scenario.number not in LINKED_NUMBERS:
        await simulate_co_worker_assignment(simulation, simulation.day_after_opening(3))
    if scenario.phase == "assessment":
        await _simulate_unfinished_assessment(simulation)
        return
    assessment = await simulate_assessment(
        simulation,
        (simulation.day_after_opening(6), simulation.day_after_opening(18), simulation.day_after_opening(22)),
    )
    await simulate_sessions(simulation, simulation.day_after_opening(4), simulation.day_after_opening(30), 1)
    stage = scenario.approval_stage if scenario.phase == "planning" else None
    if stage == "none":
        return
    care_plan = await simulate_care_plan(
        simulation,
        (
            simulation.day_after_opening(26),
            simulation.day_after_opening(31),
            simulation.day_after_opening(35),
        ),
        assessment.id,
        approval_stage=stage,
    )
    if stage is None:
        simulation.current_plan = care_plan
        await _simulate_support(simulation, simulation.day_after_opening(35))


async def _simulate_unfinished_assessment(simulation: CaseSimulation) -> AssessmentReference | None:
    if simulation.scenario.approval_stage == "none":
        return None
    days = (
        simulation.day_after_opening(3),
        simulation.day_after_opening(12),
        simulation.day_after_opening(16),
    )
    return await simulate_assessment(simulation, days, approval_stage=simulation.scenario.approval_stage)


async def _simulate_support(simulation: CaseSimulation, planned_on: date) -> None:
    """Simulate sessions, services, money and reviews until the case ends or the simulated time is over."""
    scenario = simulation.scenario
    days = plan_review_days(scenario, planned_on)
    await _simulate_supporter_and_family(simulation, planned_on)
    if scenario.number % 3 != 2:
        await simulate_grant_attribution(simulation, planned_on + timedelta(days=1))
    if scenario.number % 5 == 1:
        await simulate_session_series(simulation, planned_on + timedelta(days=3))
    decisions = _choose_review_decisions(scenario, len(days))
    for number, (begin, day) in enumerate(pairwise([planned_on, *days]), 1):
        await _simulate_review_period(simulation, begin, day, number)
        if (scenario.number + number) % 5 == 0:
            await simulate_disbursement(simulation, begin + timedelta(days=10), number)
        await simulate_review(simulation, number, day, decisions[number - 1])
        if (scenario.number + number) % 3 == 0:
            await simulate_feedback(simulation, "child", "review", day)
        if scenario.number in EXTENDED_NUMBERS and number == 7:
            await simulate_case_extension(simulation)
        if decisions[number - 1] == "adapt":
            await _simulate_plan_revision(simulation, day, is_last=number == len(days))
        if scenario.number in TRANSFERRED_NUMBERS and number == 2:
            await simulate_case_transfer(simulation, day + timedelta(days=5))
    await _simulate_case_end(simulation, days[-1] if days else planned_on)


def _choose_review_decisions(scenario: CaseScenario, count: int) -> list[str]:
    """Return the decision of each review."""
    adapting_reviews = {2: {2}, 6: {2}, 5: {1, 4}}.get(scenario.number % 8, set())
    decisions = ["adapt" if number in adapting_reviews else "continue" for number in range(1, count + 1)]
    if count and (
        scenario.phase == "exiting"
        or (scenario.phase == "closed" and scenario.number not in UNPLANNED_CLOSE_REASONS)
    ):
        decisions[-1] = "begin_exit"
    return decisions


async def _simulate_review_period(simulation: CaseSimulation, begin: date, end: date, number: int) -> None:
    """Simulate the sessions and services between two reviews."""
    await simulate_sessions(
        simulation,
        begin + timedelta(days=2),
        end - timedelta(days=2),
        CONTACTS_PER_QUARTER[simulation.scenario.number % 4],
    )
    if (number == 1 and simulation.scenario.number % 3 != 2) or (
        number == 3 and simulation.scenario.number % 8 == 0
    ):
        await simulate_service_referral(simulation, begin + timedelta(days=20), number)
    if number % 2:
        await simulate_care_plan_progress(simulation, end - timedelta(days=1))


async def _simulate_plan_revision(simulation: CaseSimulation, day: date, *, is_last: bool) -> None:
    """Write the next version of the care plan. After the last review it may still wait for submission or approval."""
    scenario = simulation.scenario
    days = [min(day + timedelta(days=offset), scenario.last_day) for offset in (6, 10, 14)]
    is_pending = is_last and scenario.phase == "active" and (scenario.last_day - day).days < 40
    stage = scenario.approval_stage if is_pending and scenario.approval_stage != "none" else None
    await simulate_care_plan_revision(simulation, (days[0], days[1], days[2]), approval_stage=stage)


async def _simulate_supporter_and_family(simulation: CaseSimulation, day: date) -> None:
    """Simulate assessments and care plans of supporters and families, for some of the cases."""
    number = simulation.scenario.number
    days = [min(day + timedelta(days=offset), simulation.scenario.last_day) for offset in range(2, 44, 7)]
    for subject, person_id in (
        ("supporter", simulation.supporter_id),
        ("family", simulation.family_member_id),
    ):
        is_included = number % 10 == 1 if subject == "supporter" else number % 14 == 2
        if not is_included or person_id is None:
            continue
        assessment_days = (days[0], days[1], days[2])
        assessment = await simulate_assessment(
            simulation, assessment_days, subject=subject, person_id=person_id
        )
        await simulate_care_plan(simulation, (days[3], days[4], days[5]), assessment.id, subject=subject)


async def _simulate_case_end(simulation: CaseSimulation, day: date) -> None:
    """Simulate the events after the last review."""
    scenario = simulation.scenario
    if scenario.phase == "active":
        await _simulate_weeks_since_review(simulation, day)
    elif scenario.phase == "exiting":
        is_approved = scenario.number % 4 != 0
        approved_on = min(day + timedelta(days=8), scenario.last_day) if is_approved else None
        await simulate_exit_plan(simulation, day, "goals_met", approved_on=approved_on)
        await _simulate_weeks_since_review(simulation, day)
    elif scenario.number in UNPLANNED_CLOSE_REASONS:
        closed_on = unplanned_closing_day(day)
        await _simulate_records(simulation, day)
        await simulate_exit_plan(
            simulation,
            closed_on - timedelta(days=10),
            UNPLANNED_CLOSE_REASONS[scenario.number],
            approved_on=closed_on - timedelta(days=3),
        )
        await simulate_case_closing(simulation, closed_on, UNPLANNED_CLOSE_REASONS[scenario.number])
        await simulate_follow_ups(simulation, closed_on)
    else:
        await _simulate_planned_exit(simulation, day)


async def _simulate_weeks_since_review(simulation: CaseSimulation, reviewed_on: date) -> None:
    """Simulate the weeks since the last review, and plan the next sessions."""
    scenario = simulation.scenario
    weeks = (scenario.last_day - reviewed_on).days // 7
    if weeks > 2:
        if scenario.number % 4 == 1:
            await simulate_disbursement(
                simulation, scenario.last_day - timedelta(days=scenario.number % 13), 0
            )
        await simulate_sessions(
            simulation,
            reviewed_on + timedelta(days=3),
            scenario.last_day,
            max(1, weeks * CONTACTS_PER_QUARTER[scenario.number % 4] // 13),
        )
        if scenario.number % 6 == 2:
            await simulate_service_referral(simulation, reviewed_on + timedelta(days=5), 5)
    await _simulate_records(simulation, scenario.last_day)
    await simulate_planned_sessions(simulation)


async def _simulate_records(simulation: CaseSimulation, until: date) -> None:
    if simulation.scenario.kind != "hsb" and simulation.scenario.number % 3 != 1:
        await simulate_legal_steps(simulation, until)
    if simulation.scenario.number % 5 < 2:
        await simulate_documents(simulation, until)
    await simulate_corrections(simulation, until)


async def _simulate_planned_exit(simulation: CaseSimulation, exit_started_on: date) -> None:
    """Simulate the exit plan, the closing and the follow-ups."""
    closed_on = exit_end_day(exit_started_on)
    await _simulate_records(simulation, exit_started_on)
    await simulate_exit_plan(
        simulation, exit_started_on, "goals_met", approved_on=exit_started_on + timedelta(days=9)
    )
    await simulate_sessions(simulation, exit_started_on + timedelta(days=5), closed_on - timedelta(days=2), 3)
    for giver in ("child", "caregiver"):
        await simulate_feedback(simulation, giver, "exit", closed_on - timedelta(days=1))
    await simulate_case_closing(simulation, closed_on, "goals_met")
    await simulate_follow_ups(simulation, closed_on)
