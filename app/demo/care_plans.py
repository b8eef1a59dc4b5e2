"""How the demonstration's care plans are written, decided on, worked with and adapted."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.permissions import Permission
from app.demo.assessments import MAX_WEAK_RATING
from app.demo.case_scenarios import AREAS, ApprovalStage
from app.demo.case_simulation import CaseSimulation
from app.schemas.care_plans import (
    ActionCreate,
    ActionUpdate,
    CarePlanAreaUpdate,
    CarePlanCreate,
    CarePlanFilters,
    CarePlanUpdate,
    GoalCreate,
    GoalUpdate,
)
from app.schemas.care_plans import (
    CarePlan as CarePlanSchema,
)
from app.services.care_plans import actions, care_plans, goals
from app.services.care_plans import approve as care_plans_decide
from app.services.care_plans import versions as care_plans_editions

SUPPORTER_AND_FAMILY_AREAS = ("relationships", "shelter_safety")
"""The areas that the plans of supporters and families are about."""


@dataclass(slots=True)
class CarePlanDraft:
    """A plan that is being written, and its version: everything written in it raises that by one."""

    simulation: CaseSimulation
    session: AsyncSession
    plan: CarePlanSchema
    version: int

    async def complete_areas(self) -> None:
        """Answer what is still open: goals for what is weak, and of the others 'no need'; no goal without an action."""
        is_childs = self.plan.subject == "child"
        for area in AREAS if is_childs else SUPPORTER_AND_FAMILY_AREAS:
            found = getattr(self.plan.areas, area)
            for goal in found.goals:
                if goal.status == "open" and not goal.actions:
                    await self.add_action(area, goal.id)
            if found.status is None and is_childs and (found.rating or MAX_WEAK_RATING) > MAX_WEAK_RATING:
                await self.answer_no_need(area)
            elif found.status is None:
                await self.add_goal(area)

    async def answer_no_need(self, area: str) -> None:
        """Say why there is no need."""
        answer = CarePlanAreaUpdate(
            status="no_need", reason=self.simulation.choose_text("areas", area, "no_need")
        )
        with self.simulation.freeze_next_moment():
            await care_plans.replace_care_plan_area(self.session, self.plan.id, area, self.version, answer)
        self.version += 1

    async def add_goal(self, area: str) -> None:
        """Set a goal, with what is done for it."""
        statement, strengths = (
            self.simulation.choose_text("areas", area, name) for name in ("goals", "strengths")
        )
        actions = [self.build_action(area) for _ in range(1 + (self.simulation.rng.random() < 0.2))]
        told = GoalCreate(statement=statement, strengths_used=strengths, actions=actions)
        with self.simulation.freeze_next_moment():
            await goals.create_care_plan_goal(self.session, self.plan.id, area, told)
        self.version += 1

    async def add_action(self, area: str, goal_id: UUID) -> None:
        """Do something more towards a goal."""
        with self.simulation.freeze_next_moment():
            await actions.create_goal_action(self.session, goal_id, self.build_action(area))
        self.version += 1

    def build_action(self, area: str) -> ActionCreate:
        """Say what is done towards a goal, by whom and by when."""
        entry = self.simulation.rng.choice(self.simulation.texts.list_entries("areas", area, "actions"))
        due_on = self.simulation.last_action_at.date() + timedelta(
            days=45 + self.simulation.rng.randrange(200)
        )
        return ActionCreate(by=entry[0], what=self.simulation.texts.get_text(entry), due_on=due_on)

    async def write_texts(self) -> None:
        """Write the safety plan and the views, or the gaps."""
        texts: dict[str, Any] = {"safety_plan": self.simulation.choose_text("safety_plan")}
        if self.plan.subject == "child":
            texts |= {name: self.simulation.choose_text(name) for name in ("child_view", "supporter_view")}
        else:
            texts |= {name: self.simulation.choose_text(name) for name in ("knowledge_gaps", "capacity_gaps")}
            texts["needs_social_work"] = self.simulation.rng.random() < 0.5
        patch = CarePlanUpdate.model_validate(texts)
        with self.simulation.freeze_next_moment():
            self.version = (
                await care_plans.update_care_plan(self.session, self.plan.id, self.version, patch)
            ).version


async def simulate_care_plan(
    life: CaseSimulation,
    days: tuple[date, date, date],
    assessment_id: UUID,
    *,
    subject: str = "child",
    approval_stage: ApprovalStage | None = None,
) -> CarePlanSchema:
    """Play a first plan: begun on the first day, submitted on the second, decided on the third; or up to a stage."""
    async with life.run_as(life.worker, Permission.care_plan_write, days[0]) as (session, actor):
        told = CarePlanCreate(subject=subject, assessment_id=assessment_id)
        begun = await care_plans_editions.create_case_care_plan(session, actor, life.case_id, told)
        draft = CarePlanDraft(life, session, begun, begun.version)
        if approval_stage != "draft":
            await draft.complete_areas()
        await draft.write_texts()
    return (
        begun
        if approval_stage == "draft"
        else await simulate_care_plan_decision(life, days[1:], begun.id, draft.version, approval_stage)
    )


async def simulate_care_plan_decision(
    life: CaseSimulation,
    days: tuple[date, date],
    plan_id: UUID,
    version: int,
    approval_stage: ApprovalStage | None = None,
) -> CarePlanSchema:
    """Submit a plan, and have it approved or returned."""
    async with life.run_as(life.worker, Permission.care_plan_submit, days[0]) as (session, actor):
        waiting = await care_plans_decide.submit_care_plan(session, actor, plan_id, version)
    if approval_stage == "submitted":
        return waiting
    async with life.run_as(life.supervisor, Permission.care_plan_decide, days[1]) as (session, actor):
        if approval_stage == "returned":
            comment = life.choose_text("returned")
            return await care_plans_decide.return_care_plan(session, actor, plan_id, waiting.version, comment)
        comment = life.choose_text("approved")
        return await care_plans_decide.approve_care_plan(session, actor, plan_id, waiting.version, comment)


async def simulate_care_plan_revision(
    life: CaseSimulation, days: tuple[date, date, date], *, approval_stage: ApprovalStage | None = None
) -> None:
    """Write and decide on the edition that a review opened."""
    async with life.run_as(life.worker, Permission.care_plan_write, days[0]) as (session, actor):
        drafts = CarePlanFilters(subject="child", status="draft")
        found = (await care_plans.list_case_care_plans(session, actor, life.case_id, drafts)).items[0]
        draft = CarePlanDraft(life, session, await care_plans.get_care_plan(session, found.id), found.version)
        await draft.complete_areas()
        await draft.write_texts()
    if approval_stage != "draft":
        decided = await simulate_care_plan_decision(life, days[1:], found.id, draft.version, approval_stage)
        life.current_plan = decided if decided.status == "approved" else life.current_plan


async def simulate_care_plan_progress(life: CaseSimulation, day: date) -> None:
    """Tell how the plan in force goes: something that was due is done; a goal for which all is done may be reached."""
    due = [
        (area, goal, action)
        for _, area in (life.current_plan.areas if life.current_plan else ())
        for goal in area.goals
        for action in goal.actions
        if action.due_on <= day
    ]
    if not due:
        return
    area, goal, action = due[0]
    async with life.run_as(life.worker, Permission.care_plan_write, day) as (session, actor):
        done = ActionUpdate.model_validate({"status": "done"})
        await actions.update_action(session, actor, action.id, action.version, done)
        goal.actions.remove(action)
        if not goal.actions and life.scenario.trend > 0:
            achieved = GoalUpdate.model_validate({"status": "achieved"})
            await goals.update_goal(session, actor, goal.id, goal.version, achieved)
            area.goals.remove(goal)
