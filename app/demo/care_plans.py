"""Simulate care plans: drafting, approval, progress and new editions."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.permissions import Permission
from app.access.reader import session_reader
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
from app.services.care_plans import actions, approve, care_plans, editions, goals, responses

SUPPORTER_AND_FAMILY_AREAS = ("relationships", "shelter_safety")
"""Areas of the care plans of supporters and families."""


@dataclass(slots=True)
class CarePlanDraft:
    """A draft care plan and its current version. Every change increments the version."""

    simulation: CaseSimulation
    session: AsyncSession
    plan: CarePlanSchema
    version: int

    async def complete_areas(self) -> None:
        """Answer every open area: a goal for a weak area, otherwise 'no need'. Open goals get an action."""
        is_child_plan = self.plan.subject == "child"
        for name in AREAS if is_child_plan else SUPPORTER_AND_FAMILY_AREAS:
            area = getattr(self.plan.areas, name)
            for goal in area.goals:
                if goal.status == "open" and not goal.actions:
                    await self.add_action(name, goal.id)
            is_strong = (area.rating or MAX_WEAK_RATING) > MAX_WEAK_RATING
            if area.status is None and is_child_plan and is_strong:
                await self.answer_no_need(name)
            elif area.status is None:
                await self.add_goal(name)

    async def answer_no_need(self, area: str) -> None:
        """Record that an area has no need, with a reason."""
        answer = CarePlanAreaUpdate(
            status="no_need", reason=self.simulation.choose_text("areas", area, "no_need")
        )
        with self.simulation.freeze_next_moment():
            await care_plans.replace_care_plan_area(self.session, self.plan.id, area, self.version, answer)
        self.version += 1

    async def add_goal(self, area: str) -> None:
        """Add a goal with one or two actions."""
        statement, strengths = (
            self.simulation.choose_text("areas", area, name) for name in ("goals", "strengths")
        )
        actions = [self.build_action(area) for _ in range(1 + (self.simulation.rng.random() < 0.2))]
        payload = GoalCreate(statement=statement, strengths_used=strengths, actions=actions)
        with self.simulation.freeze_next_moment():
            await goals.create_care_plan_goal(self.session, self.plan.id, area, payload)
        self.version += 1

    async def add_action(self, area: str, goal_id: UUID) -> None:
        """Add an action to a goal."""
        with self.simulation.freeze_next_moment():
            await actions.create_goal_action(self.session, goal_id, self.build_action(area))
        self.version += 1

    def build_action(self, area: str) -> ActionCreate:
        """Return the payload of an action with a responsible party and a due date."""
        entry = self.simulation.rng.choice(self.simulation.texts.list_entries("areas", area, "actions"))
        due_on = self.simulation.last_action_at.date() + timedelta(
            days=45 + self.simulation.rng.randrange(200)
        )
        return ActionCreate(by=entry[0], what=self.simulation.texts.get_text(entry), due_on=due_on)

    async def write_texts(self) -> None:
        """Write the safety plan, and the views (plan of a child) or the gaps (other plans)."""
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
    simulation: CaseSimulation,
    days: tuple[date, date, date],
    assessment_id: UUID,
    *,
    subject: str = "child",
    approval_stage: ApprovalStage | None = None,
) -> CarePlanSchema:
    """Simulate a first care plan: draft on the first day, submission on the second, decision on the third.

    With an `approval_stage` the simulation ends at that stage.
    """
    async with simulation.run_as(simulation.worker, Permission.care_plan_write, days[0]) as (session, caller):
        payload = CarePlanCreate(subject=subject, assessment_id=assessment_id)
        plan = await editions.create_case_care_plan(session, caller, simulation.case_id, payload)
        draft = CarePlanDraft(simulation, session, plan, plan.version)
        if approval_stage != "draft":
            await draft.complete_areas()
        await draft.write_texts()
    if approval_stage == "draft":
        return plan
    return await simulate_care_plan_decision(simulation, days[1:], plan.id, draft.version, approval_stage)


async def simulate_care_plan_decision(
    simulation: CaseSimulation,
    days: tuple[date, date],
    plan_id: UUID,
    version: int,
    approval_stage: ApprovalStage | None = None,
) -> CarePlanSchema:
    """Submit a care plan, then approve or return it."""
    async with simulation.run_as(simulation.worker, Permission.care_plan_submit, days[0]) as (
        session,
        caller,
    ):
        plan = await approve.submit_care_plan(session, caller, plan_id, version)
    if approval_stage == "submitted":
        return plan
    async with simulation.run_as(simulation.supervisor, Permission.care_plan_decide, days[1]) as (
        session,
        caller,
    ):
        if approval_stage == "returned":
            comment = simulation.choose_text("returned")
            return await approve.return_care_plan(session, caller, plan_id, plan.version, comment)
        comment = simulation.choose_text("approved")
        return await approve.approve_care_plan(session, caller, plan_id, plan.version, comment)


async def simulate_care_plan_revision(
    simulation: CaseSimulation, days: tuple[date, date, date], *, approval_stage: ApprovalStage | None = None
) -> None:
    """Complete and decide on the new version of the care plan that a review has created."""
    async with simulation.run_as(simulation.worker, Permission.care_plan_write, days[0]) as (session, caller):
        filters = CarePlanFilters(subject="child", status=["draft"])
        reader = session_reader(session)
        drafts = await care_plans.list_case_care_plans(reader, caller, simulation.case_id, filters)
        plan = await responses.get_care_plan(reader, drafts.validate_items().items[0].id)
        draft = CarePlanDraft(simulation, session, plan, plan.version)
        await draft.complete_areas()
        await draft.write_texts()
    if approval_stage != "draft":
        plan = await simulate_care_plan_decision(simulation, days[1:], plan.id, draft.version, approval_stage)
        simulation.current_plan = plan if plan.status == "approved" else simulation.current_plan


async def simulate_care_plan_progress(simulation: CaseSimulation, day: date) -> None:
    """Complete one due action of the approved plan. A goal without open actions may be achieved."""
    due_actions = [
        (area, goal, action)
        for _, area in (simulation.current_plan.areas if simulation.current_plan else ())
        for goal in area.goals
        for action in goal.actions
        if action.due_on <= day
    ]
    if not due_actions:
        return
    area, goal, action = due_actions[0]
    async with simulation.run_as(simulation.worker, Permission.care_plan_write, day) as (session, caller):
        done = ActionUpdate.model_validate({"status": "done"})
        await actions.update_action(session, caller, action.id, action.version, done)
        goal.actions.remove(action)
        if not goal.actions and simulation.scenario.trend > 0:
            achieved = GoalUpdate.model_validate({"status": "achieved"})
            await goals.update_goal(session, caller, goal.id, goal.version, achieved)
            area.goals.remove(goal)
