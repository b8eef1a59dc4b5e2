"""The order in which the demonstration's stories are told: from a referral as far as each child has come."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.assessments import AssessmentReference, simulate_assessment
from app.demo.care_plans import simulate_care_plan, simulate_care_plan_progress, simulate_care_plan_revision
from app.demo.case_acts import (
    simulate_case_closing,
    simulate_case_extension,
    simulate_case_reopening,
    simulate_case_transfer,
    simulate_co_worker_assignment,
    simulate_exit_plan,
    simulate_follow_ups,
)
from app.demo.case_records import simulate_documents, simulate_legal_steps
from app.demo.case_scenarios import (
    EXTENDED_NUMBERS,
    LINKED_PAIRS,
    REOPENED_NUMBERS,
    TRANSFERRED_NUMBERS,
    UNPLANNED_CLOSE_REASONS,
    CaseScenario,
    exit_end_day,
    plan_review_days,
    unplanned_closing_day,
)
from app.demo.case_simulation import CaseSimulation, initial_supervisor, initial_team
from app.demo.fund import simulate_disbursement
from app.demo.intake import simulate_circle_and_consents
from app.demo.organisation import DemoContext
from app.demo.reviews import simulate_review
from app.demo.service_referrals import simulate_service_referral
from app.demo.support import simulate_planned_sessions, simulate_session_series, simulate_sessions
from app.schemas.cases import BreakGlassRequest, CaseLinkCreate
from app.schemas.referrals import Referral as ReferralSchema
from app.services.cases import break_glass, case_links
from app.services.referrals import referrals

CONTACTS_PER_QUARTER = (3, 2, 3, 4)
"""In three months, from child to child."""
LINKED_NUMBERS = frozenset(number for pair in LINKED_PAIRS for number in pair)


async def simulate_case(life: CaseSimulation) -> None:
    """Play a life from the first visit on."""
    story = life.scenario
    await simulate_circle_and_consents(life)
    if story.number % 7 == 0 and story.number not in LINKED_NUMBERS:
        await simulate_co_worker_assignment(life, _day_after_opening(life, 3))
    if story.phase == "assessment":
        await _simulate_unfinished_assessment(life)
        return
    assessed = await simulate_assessment(
        life, (_day_after_opening(life, 6), _day_after_opening(life, 18), _day_after_opening(life, 22))
    )
    await simulate_sessions(life, _day_after_opening(life, 4), _day_after_opening(life, 30), 1)
    stage = story.approval_stage if story.phase == "planning" else None
    if stage == "none":
        return
    planned = await simulate_care_plan(
        life,
        (_day_after_opening(life, 26), _day_after_opening(life, 31), _day_after_opening(life, 35)),
        assessed.id,
        approval_stage=stage,
    )
    if stage is None:
        life.current_plan = planned
        await _simulate_support(life, _day_after_opening(life, 35))


def _day_after_opening(life: CaseSimulation, after: int) -> date:
    """Return a day after the opening of the case, or the last that is played."""
    return min(life.scenario.opened_on + timedelta(days=after), life.scenario.last_day)


async def _simulate_unfinished_assessment(life: CaseSimulation) -> AssessmentReference | None:
    if life.scenario.approval_stage == "none":
        return None
    days = (_day_after_opening(life, 3), _day_after_opening(life, 12), _day_after_opening(life, 16))
    return await simulate_assessment(life, days, approval_stage=life.scenario.approval_stage)


async def _simulate_support(life: CaseSimulation, planned_on: date) -> None:
    """Play the years of support: contacts, services and reviews, up to the end or to today."""
    story = life.scenario
    days = plan_review_days(story, planned_on)
    await _simulate_supporter_and_family(life, planned_on)
    if story.number % 5 == 1:
        await simulate_session_series(life, planned_on + timedelta(days=3))
    decisions = _choose_review_decisions(story, len(days))
    for number, (begin, day) in enumerate(pairwise([planned_on, *days]), 1):
        await _simulate_review_period(life, begin, day, number)
        if (story.number + number) % 5 == 0:
            await simulate_disbursement(life, begin + timedelta(days=10), number)
        await simulate_review(life, number, day, decisions[number - 1])
        if story.number in EXTENDED_NUMBERS and number == 7:
            await simulate_case_extension(life)
        if decisions[number - 1] == "adapt":
            await _simulate_plan_revision(life, day, is_last=number == len(days))
        if story.number in TRANSFERRED_NUMBERS and number == 2:
            await simulate_case_transfer(life, day + timedelta(days=5))
    await _simulate_case_end(life, days[-1] if days else planned_on)


def _choose_review_decisions(story: CaseScenario, count: int) -> list[str]:
    """Return what each review decides."""
    adapted = {2: {2}, 6: {2}, 5: {1, 4}}.get(story.number % 8, set())
    decisions = ["adapt" if number in adapted else "continue" for number in range(1, count + 1)]
    if count and (
        story.phase == "exiting" or (story.phase == "closed" and story.number not in UNPLANNED_CLOSE_REASONS)
    ):
        decisions[-1] = "begin_exit"
    return decisions


async def _simulate_review_period(life: CaseSimulation, begin: date, end: date, number: int) -> None:
    """Play the months up to a review."""
    await simulate_sessions(
        life,
        begin + timedelta(days=2),
        end - timedelta(days=2),
        CONTACTS_PER_QUARTER[life.scenario.number % 4],
    )
    if (number == 1 and life.scenario.number % 3 != 2) or (number == 3 and life.scenario.number % 8 == 0):
        await simulate_service_referral(life, begin + timedelta(days=20), number)
    if number % 2:
        await simulate_care_plan_progress(life, end - timedelta(days=1))


async def _simulate_plan_revision(life: CaseSimulation, day: date, *, is_last: bool) -> None:
    """Write the next edition; where it is the newest thing in the case, it may still wait for somebody."""
    story, after = life.scenario, [min(day + timedelta(days=n), life.scenario.last_day) for n in (6, 10, 14)]
    waits = is_last and story.phase == "active" and (story.last_day - day).days < 40
    stage = story.approval_stage if waits and story.approval_stage != "none" else None
    await simulate_care_plan_revision(life, (after[0], after[1], after[2]), approval_stage=stage)


async def _simulate_supporter_and_family(life: CaseSimulation, day: date) -> None:
    """Assess and plan for the supporter of some children, and the family of a few."""
    number, days = (
        life.scenario.number,
        [min(day + timedelta(days=n), life.scenario.last_day) for n in range(2, 44, 7)],
    )
    for subject, person_id in (("supporter", life.supporter_id), ("family", life.family_member_id)):
        wanted = number % 10 == 1 if subject == "supporter" else number % 14 == 2
        if not wanted or person_id is None:
            continue
        first = (days[0], days[1], days[2])
        assessed = await simulate_assessment(life, first, subject=subject, person_id=person_id)
        await simulate_care_plan(life, (days[3], days[4], days[5]), assessed.id, subject=subject)


async def _simulate_case_end(life: CaseSimulation, day: date) -> None:
    """Play what comes after the last review."""
    story = life.scenario
    if story.phase == "active":
        await _simulate_weeks_since_review(life, day)
    elif story.phase == "exiting":
        is_approved = story.number % 4 != 0
        approved_on = min(day + timedelta(days=8), story.last_day) if is_approved else None
        await simulate_exit_plan(life, day, "goals_met", approved_on=approved_on)
        await _simulate_weeks_since_review(life, day)
    elif story.number in UNPLANNED_CLOSE_REASONS:
        ended = unplanned_closing_day(day)
        await _simulate_records(life, day)
        await simulate_exit_plan(
            life,
            ended - timedelta(days=10),
            UNPLANNED_CLOSE_REASONS[story.number],
            approved_on=ended - timedelta(days=3),
        )
        await simulate_case_closing(life, ended, UNPLANNED_CLOSE_REASONS[story.number])
        await simulate_follow_ups(life, ended)
    else:
        await _simulate_planned_exit(life, day)


async def _simulate_weeks_since_review(life: CaseSimulation, since: date) -> None:
    """Play the weeks since the last review, and plan the next ones."""
    story = life.scenario
    weeks = (story.last_day - since).days // 7
    if weeks > 2:
        if story.number % 4 == 1:
            await simulate_disbursement(life, story.last_day - timedelta(days=story.number % 13), 0)
        await simulate_sessions(
            life,
            since + timedelta(days=3),
            story.last_day,
            max(1, weeks * CONTACTS_PER_QUARTER[story.number % 4] // 13),
        )
        if story.number % 6 == 2:
            await simulate_service_referral(life, since + timedelta(days=5), 5)
    await _simulate_records(life, story.last_day)
    await simulate_planned_sessions(life)


async def _simulate_records(life: CaseSimulation, until: date) -> None:
    if life.scenario.kind != "hsb" and life.scenario.number % 3 != 1:
        await simulate_legal_steps(life, until)
    if life.scenario.number % 5 < 2:
        await simulate_documents(life, until)


async def _simulate_planned_exit(life: CaseSimulation, began: date) -> None:
    """Play the exit and the follow-ups."""
    ended = exit_end_day(began)
    await _simulate_records(life, began)
    await simulate_exit_plan(life, began, "goals_met", approved_on=began + timedelta(days=9))
    await simulate_sessions(life, began + timedelta(days=5), ended - timedelta(days=2), 3)
    await simulate_case_closing(life, ended, "goals_met")
    await simulate_follow_ups(life, ended)


async def simulate_closing_events(stage: DemoContext, stories: Sequence[CaseScenario]) -> None:
    """Play what comes last: walls around children of one family, children who come back, glass broken just now."""
    by_number = {story.number: story for story in stories}
    for survivor, other in LINKED_PAIRS:
        if survivor in by_number and other in by_number:
            await _link_cases(stage, by_number[survivor], by_number[other])
    for story in stories:
        if story.number in REOPENED_NUMBERS:
            await _simulate_returning_child(stage, story)
    opened = [
        story
        for story in stories
        if story.phase == "active" and story.number not in LINKED_NUMBERS | TRANSFERRED_NUMBERS
    ]
    for north in (True, False):
        found = next((story for story in opened if story.is_siem_reap is north), None)
        if found is not None:
            await _simulate_break_glass(stage, found)


async def _link_cases(stage: DemoContext, one: CaseScenario, two: CaseScenario) -> None:
    async with stage.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.case_link) as (session, actor):
        case_id, linked_id = [await _get_case_id(stage, session, actor, story) for story in (one, two)]
        linking = CaseLinkCreate(linked_case_id=linked_id, reason="Cousins: one was harmed by the other.")
        with CaseSimulation.create(stage, two, case_id).freeze_day(two.opened_on + timedelta(days=3)):
            await case_links.create_case_link(session, actor, case_id, linking)


async def _simulate_returning_child(stage: DemoContext, story: CaseScenario) -> None:
    async with stage.run_as(initial_supervisor(story), Permission.referral_read) as (session, actor):
        life = CaseSimulation.create(stage, story, await _get_case_id(stage, session, actor, story))
    await simulate_case_reopening(life, story.last_day)
    await simulate_assessment(life, (story.last_day,) * 3, approval_stage="draft")


async def _get_case_id(
    stage: DemoContext, session: AsyncSession, caller: Caller, story: CaseScenario
) -> UUID:
    found = await referrals.get_referral(session, caller, stage.ids.referral_ids[story.number])
    if not isinstance(found, ReferralSchema) or found.case_id is None:
        raise TypeError("Every story of a case begins with a referral that was accepted.")
    return found.case_id


async def _simulate_break_glass(stage: DemoContext, story: CaseScenario) -> None:
    """Break the glass: for a worker of the other team, in an emergency, at this very moment."""
    async with stage.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.referral_read) as (
        session,
        actor,
    ):
        case_id = await _get_case_id(stage, session, actor, story)
    (other,) = set(demo_people.TEAMS) - {initial_team(story)}
    async with stage.run_as(demo_people.WORKERS[other][0], Permission.case_break_glass) as (session, actor):
        reason = "The child called the on-call number; the lead worker is not to be reached."
        await break_glass.break_glass(session, actor, case_id, BreakGlassRequest(reason=reason))
