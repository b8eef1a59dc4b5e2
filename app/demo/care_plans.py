"""How the demonstration's care plans are written, decided on, worked with and adapted."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.permissions import Permission
from app.demo.assessments import WEAK
from app.demo.child import Life
from app.demo.storylines import AREAS, Stage
from app.schemas.care_plans import (
    ActionIn,
    ActionPatch,
    AreaAnswer,
    CarePlanFilters,
    CarePlanIn,
    CarePlanOut,
    CarePlanPatch,
    GoalIn,
    GoalPatch,
)
from app.services.care_plans import approve as care_plans_decide
from app.services.care_plans import areas as care_plans_areas
from app.services.care_plans import care_plans
from app.services.care_plans import versions as care_plans_editions

FOR_OTHERS = ("relationships", "shelter_safety")
"""The areas that the plans of supporters and families are about."""


@dataclass(slots=True)
class Draft:
    """A plan that is being written, and its version: everything written in it raises that by one."""

    life: Life
    session: AsyncSession
    plan: CarePlanOut
    version: int

    async def fill(self) -> None:
        """Answer what is still open: goals for what is weak, and of the others 'no need'; no goal without an action."""
        is_childs = self.plan.subject == "child"
        for area in AREAS if is_childs else FOR_OTHERS:
            found = getattr(self.plan.areas, area)
            for goal in found.goals:
                if goal.status == "open" and not goal.actions:
                    await self.add_action(area, goal.id)
            if found.status is None and is_childs and (found.rating or WEAK) > WEAK:
                await self.pass_over(area)
            elif found.status is None:
                await self.add_goal(area)

    async def pass_over(self, area: str) -> None:
        """Say why there is no need."""
        answer = AreaAnswer(status="no_need", reason=self.life.say("areas", area, "no_need"))
        with self.life.right_after():
            await care_plans_areas.answer(self.session, self.plan.id, area, self.version, answer)
        self.version += 1

    async def add_goal(self, area: str) -> None:
        """Set a goal, with what is done for it."""
        statement, strengths = (self.life.say("areas", area, name) for name in ("goals", "strengths"))
        actions = [self.action(area) for _ in range(1 + (self.life.draw.random() < 0.2))]
        told = GoalIn(statement=statement, strengths_used=strengths, actions=actions)
        with self.life.right_after():
            await care_plans_areas.add_goal(self.session, self.plan.id, area, told)
        self.version += 1

    async def add_action(self, area: str, goal_id: UUID) -> None:
        """Do something more towards a goal."""
        with self.life.right_after():
            await care_plans_areas.add_action(self.session, goal_id, self.action(area))
        self.version += 1

    def action(self, area: str) -> ActionIn:
        """Say what is done towards a goal, by whom and by when."""
        entry = self.life.draw.choice(self.life.voice.entries("areas", area, "actions"))
        due_on = self.life.clock.date() + timedelta(days=45 + self.life.draw.randrange(200))
        return ActionIn(by=entry[0], what=self.life.voice.of(entry), due_on=due_on)

    async def write_texts(self) -> None:
        """Write the safety plan and the views, or the gaps."""
        texts: dict[str, Any] = {"safety_plan": self.life.say("safety_plan")}
        if self.plan.subject == "child":
            texts |= {name: self.life.say(name) for name in ("child_view", "supporter_view")}
        else:
            texts |= {name: self.life.say(name) for name in ("knowledge_gaps", "capacity_gaps")}
            texts["needs_social_work"] = self.life.draw.random() < 0.5
        patch = CarePlanPatch.model_validate(texts)
        with self.life.right_after():
            self.version = (await care_plans.change(self.session, self.plan.id, self.version, patch)).version


async def plan(
    life: Life,
    days: tuple[date, date, date],
    assessment_id: UUID,
    *,
    subject: str = "child",
    stage: Stage | None = None,
) -> CarePlanOut:
    """Play a first plan: begun on the first day, submitted on the second, decided on the third; or up to a stage."""
    async with life.acting(life.worker, Permission.care_plan_write, days[0]) as (session, actor):
        told = CarePlanIn(subject=subject, assessment_id=assessment_id)
        begun = await care_plans_editions.start(session, actor, life.case_id, told)
        draft = Draft(life, session, begun, begun.version)
        if stage != "draft":
            await draft.fill()
        await draft.write_texts()
    return begun if stage == "draft" else await decide(life, days[1:], begun.id, draft.version, stage)


async def decide(
    life: Life, days: tuple[date, date], plan_id: UUID, version: int, stage: Stage | None = None
) -> CarePlanOut:
    """Submit a plan, and have it approved or returned."""
    async with life.acting(life.worker, Permission.care_plan_submit, days[0]) as (session, actor):
        waiting = await care_plans_decide.submit(session, actor, plan_id, version)
    if stage == "submitted":
        return waiting
    async with life.acting(life.supervisor, Permission.care_plan_decide, days[1]) as (session, actor):
        if stage == "returned":
            comment = life.say("returned")
            return await care_plans_decide.send_back(session, actor, plan_id, waiting.version, comment)
        comment = life.say("approved")
        return await care_plans_decide.approve(session, actor, plan_id, waiting.version, comment)


async def adapt(life: Life, days: tuple[date, date, date], *, stage: Stage | None = None) -> None:
    """Write and decide on the edition that a review opened."""
    async with life.acting(life.worker, Permission.care_plan_write, days[0]) as (session, actor):
        drafts = CarePlanFilters(subject="child", status="draft")
        found = (await care_plans.listed(session, actor, life.case_id, drafts)).items[0]
        draft = Draft(life, session, await care_plans.read(session, found.id), found.version)
        await draft.fill()
        await draft.write_texts()
    if stage != "draft":
        decided = await decide(life, days[1:], found.id, draft.version, stage)
        life.plan = decided if decided.status == "approved" else life.plan


async def get_on(life: Life, day: date) -> None:
    """Tell how the plan in force goes: something that was due is done; a goal for which all is done may be reached."""
    due = [
        (area, goal, action)
        for _, area in (life.plan.areas if life.plan else ())
        for goal in area.goals
        for action in goal.actions
        if action.due_on <= day
    ]
    if not due:
        return
    area, goal, action = due[0]
    async with life.acting(life.worker, Permission.care_plan_write, day) as (session, actor):
        done = ActionPatch.model_validate({"status": "done"})
        await care_plans_areas.change_action(session, actor, action.id, action.version, done)
        goal.actions.remove(action)
        if not goal.actions and life.story.trend > 0:
            achieved = GoalPatch.model_validate({"status": "achieved"})
            await care_plans_areas.change_goal(session, actor, goal.id, goal.version, achieved)
            area.goals.remove(goal)
