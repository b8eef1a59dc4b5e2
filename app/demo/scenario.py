"""The order in which the demonstration's stories are told: from a referral as far as each child has come."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.actors import Stage
from app.demo.assessments import Assessed, assess
from app.demo.care_plans import adapt, get_on, plan
from app.demo.child import Life, supervisor_of, team_of
from app.demo.fund import help_with_money
from app.demo.intake import know
from app.demo.reviews import close, extend, follow_up, help_out, plan_exit, reopen, review, transfer
from app.demo.services import go_to_court, keep, refer
from app.demo.storylines import (
    EXTENDED,
    LINKED,
    REOPENED,
    TRANSFERRED,
    UNPLANNED,
    Story,
    exit_ends,
    gone,
    review_days,
)
from app.demo.support import in_a_row, look_ahead, support
from app.schemas.cases import GlassBreaking, Linking
from app.schemas.referrals import ReferralOut
from app.services.cases import staffing as cases_staffing
from app.services.referrals import referrals

CONTACTS = (3, 2, 3, 4)
"""In three months, from child to child."""
PAIRED = frozenset(number for pair in LINKED for number in pair)


async def live(life: Life) -> None:
    """Play a life from the first visit on."""
    story = life.story
    await know(life)
    if story.number % 7 == 0 and story.number not in PAIRED:
        await help_out(life, _day(life, 3))
    if story.arc == "assessment":
        await _be_assessed(life)
        return
    assessed = await assess(life, (_day(life, 6), _day(life, 18), _day(life, 22)))
    await support(life, _day(life, 4), _day(life, 30), 1)
    stage = story.stage if story.arc == "planning" else None
    if stage == "none":
        return
    planned = await plan(life, (_day(life, 26), _day(life, 31), _day(life, 35)), assessed.id, stage=stage)
    if stage is None:
        life.plan = planned
        await _be_supported(life, _day(life, 35))


def _day(life: Life, after: int) -> date:
    """Return a day after the opening of the case, or the last that is played."""
    return min(life.story.opened_on + timedelta(days=after), life.story.last)


async def _be_assessed(life: Life) -> Assessed | None:
    if life.story.stage == "none":
        return None
    days = (_day(life, 3), _day(life, 12), _day(life, 16))
    return await assess(life, days, stage=life.story.stage)


async def _be_supported(life: Life, planned_on: date) -> None:
    """Play the years of support: contacts, services and reviews, up to the end or to today."""
    story = life.story
    days = review_days(story, planned_on)
    await _support_others(life, planned_on)
    if story.number % 5 == 1:
        await in_a_row(life, planned_on + timedelta(days=3))
    decisions = _decisions(story, len(days))
    for number, (begin, day) in enumerate(pairwise([planned_on, *days]), 1):
        await _work(life, begin, day, number)
        if (story.number + number) % 5 == 0:
            await help_with_money(life, begin + timedelta(days=10), number)
        await review(life, number, day, decisions[number - 1])
        if story.number in EXTENDED and number == 7:
            await extend(life)
        if decisions[number - 1] == "adapt":
            await _be_replanned(life, day, is_last=number == len(days))
        if story.number in TRANSFERRED and number == 2:
            await transfer(life, day + timedelta(days=5))
    await _end(life, days[-1] if days else planned_on)


def _decisions(story: Story, count: int) -> list[str]:
    """Return what each review decides."""
    adapted = {2: {2}, 6: {2}, 5: {1, 4}}.get(story.number % 8, set())
    decisions = ["adapt" if number in adapted else "continue" for number in range(1, count + 1)]
    if count and (story.arc == "exiting" or (story.arc == "closed" and story.number not in UNPLANNED)):
        decisions[-1] = "begin_exit"
    return decisions


async def _work(life: Life, begin: date, end: date, number: int) -> None:
    """Play the months up to a review."""
    await support(life, begin + timedelta(days=2), end - timedelta(days=2), CONTACTS[life.story.number % 4])
    if (number == 1 and life.story.number % 3 != 2) or (number == 3 and life.story.number % 8 == 0):
        await refer(life, begin + timedelta(days=20), number)
    if number % 2:
        await get_on(life, end - timedelta(days=1))


async def _be_replanned(life: Life, day: date, *, is_last: bool) -> None:
    """Write the next edition; where it is the newest thing in the case, it may still wait for somebody."""
    story, after = life.story, [min(day + timedelta(days=n), life.story.last) for n in (6, 10, 14)]
    waits = is_last and story.arc == "active" and (story.last - day).days < 40
    stage = story.stage if waits and story.stage != "none" else None
    await adapt(life, (after[0], after[1], after[2]), stage=stage)


async def _support_others(life: Life, day: date) -> None:
    """Assess and plan for the supporter of some children, and the family of a few."""
    number, days = life.story.number, [min(day + timedelta(days=n), life.story.last) for n in range(2, 44, 7)]
    for subject, person_id in (("supporter", life.supporter_id), ("family", life.family_id)):
        wanted = number % 10 == 1 if subject == "supporter" else number % 14 == 2
        if not wanted or person_id is None:
            continue
        first = (days[0], days[1], days[2])
        assessed = await assess(life, first, subject=subject, person_id=person_id)
        await plan(life, (days[3], days[4], days[5]), assessed.id, subject=subject)


async def _end(life: Life, day: date) -> None:
    """Play what comes after the last review."""
    story = life.story
    if story.arc == "active":
        await _go_on(life, day)
    elif story.arc == "exiting":
        is_approved = story.number % 4 != 0
        approved_on = min(day + timedelta(days=8), story.last) if is_approved else None
        await plan_exit(life, day, "goals_met", approved_on=approved_on)
        await _go_on(life, day)
    elif story.number in UNPLANNED:
        ended = gone(day)
        await _keep_records(life, day)
        await plan_exit(
            life, ended - timedelta(days=10), UNPLANNED[story.number], approved_on=ended - timedelta(days=3)
        )
        await close(life, ended, UNPLANNED[story.number])
        await follow_up(life, ended)
    else:
        await _finish(life, day)


async def _go_on(life: Life, since: date) -> None:
    """Play the weeks since the last review, and plan the next ones."""
    story = life.story
    weeks = (story.last - since).days // 7
    if weeks > 2:
        if story.number % 4 == 1:
            await help_with_money(life, story.last - timedelta(days=story.number % 13), 0)
        await support(
            life, since + timedelta(days=3), story.last, max(1, weeks * CONTACTS[story.number % 4] // 13)
        )
        if story.number % 6 == 2:
            await refer(life, since + timedelta(days=5), 5)
    await _keep_records(life, story.last)
    await look_ahead(life)


async def _keep_records(life: Life, until: date) -> None:
    if life.story.kind != "hsb" and life.story.number % 3 != 1:
        await go_to_court(life, until)
    if life.story.number % 5 < 2:
        await keep(life, until)


async def _finish(life: Life, began: date) -> None:
    """Play the exit and the follow-ups."""
    ended = exit_ends(began)
    await _keep_records(life, began)
    await plan_exit(life, began, "goals_met", approved_on=began + timedelta(days=9))
    await support(life, began + timedelta(days=5), ended - timedelta(days=2), 3)
    await close(life, ended, "goals_met")
    await follow_up(life, ended)


async def end(stage: Stage, stories: Sequence[Story]) -> None:
    """Play what comes last: walls around children of one family, children who come back, glass broken just now."""
    by_number = {story.number: story for story in stories}
    for survivor, other in LINKED:
        if survivor in by_number and other in by_number:
            await _link(stage, by_number[survivor], by_number[other])
    for story in stories:
        if story.number in REOPENED:
            await _come_back(stage, story)
    opened = [
        story for story in stories if story.arc == "active" and story.number not in PAIRED | TRANSFERRED
    ]
    for north in (True, False):
        found = next((story for story in opened if story.north is north), None)
        if found is not None:
            await _look_in(stage, found)


async def _link(stage: Stage, one: Story, two: Story) -> None:
    async with stage.playing(demo_people.OVER_ALL_TEAMS, Permission.case_link) as (session, actor):
        case_id, linked_id = [await _case_of(stage, session, actor, story) for story in (one, two)]
        linking = Linking(linked_case_id=linked_id, reason="Cousins: one was harmed by the other.")
        with Life.of(stage, two, case_id).on(two.opened_on + timedelta(days=3)):
            await cases_staffing.link(session, actor, case_id, linking)


async def _come_back(stage: Stage, story: Story) -> None:
    async with stage.playing(supervisor_of(story), Permission.referral_read) as (session, actor):
        life = Life.of(stage, story, await _case_of(stage, session, actor, story))
    await reopen(life, story.last)
    await assess(life, (story.last,) * 3, stage="draft")


async def _case_of(stage: Stage, session: AsyncSession, actor: Actor, story: Story) -> UUID:
    found = await referrals.read(session, actor, stage.cast.referrals[story.number])
    if not isinstance(found, ReferralOut) or found.case_id is None:
        raise TypeError("Every story of a case begins with a referral that was accepted.")
    return found.case_id


async def _look_in(stage: Stage, story: Story) -> None:
    """Break the glass: for a worker of the other team, in an emergency, at this very moment."""
    async with stage.playing(demo_people.OVER_ALL_TEAMS, Permission.referral_read) as (session, actor):
        case_id = await _case_of(stage, session, actor, story)
    (other,) = set(demo_people.TEAMS) - {team_of(story)}
    async with stage.playing(demo_people.WORKERS[other][0], Permission.case_break_glass) as (session, actor):
        reason = "The child called the on-call number; the lead worker is not to be reached."
        await cases_staffing.break_glass(session, actor, case_id, GlassBreaking(reason=reason))
