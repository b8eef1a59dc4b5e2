"""What a care plan says: the answer to each area, goals and actions; and, once it is in force, how they go.

Whatever is written in a plan raises the plan's version too. Words are written in a draft only; how it goes also in the
plan in force, and where the next edition is being written already, it learns of that at once.
"""

from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.kit.approval import unmet_writable
from app.kit.dates import refuse_ahead, today
from app.kit.records import find, find_for_change, hold_case, patched
from app.kit.state_machine import refuse
from app.models import Action, CarePlan, Case, Goal, PlanArea
from app.models.record import new_id, now
from app.schemas.care_plans import (
    MOST,
    ActionContent,
    ActionIn,
    ActionOut,
    ActionPatch,
    ActionWords,
    AreaAnswer,
    CarePlanOut,
    GoalContent,
    GoalIn,
    GoalOut,
    GoalPatch,
    GoalWords,
)
from app.services.care_plans.load import shown, shown_action, shown_goal, whole
from app.services.care_plans.states import APPROVE, unmet_progress
from app.services.care_plans.submission_checks import unmet_no_need
from app.services.cases import history as case_history
from app.services.cases.write_access import unmet_writing

Part = TypeVar("Part", Goal, Action)

SEALED = {"what", "by_whom", "note"}
PLAIN = {"by", "due_on", "status", "done_on"}
"""Of an action, in columns of their own: what agendas and reports count."""


async def answer(session: AsyncSession, plan_id: UUID, area: str, seen: int, told: AreaAnswer) -> CarePlanOut:
    """Answer an area with goals, or with 'no need' and why.

    Raises:
        GateRefused: the plan is frozen, or 'no need' does not fit: the area is weak, or has open goals.
    """
    case = await hold_case(session, CarePlan, plan_id)
    plan = await find_for_change(session, CarePlan, plan_id, seen)
    found = await whole(session, plan)
    row = found.areas[area]
    untrue = unmet_no_need(row, found.goals[area]) if told.status == "no_need" else []
    refuse([*await unmet_writing(session, case), *unmet_writable(plan), *untrue])
    row.status, row.version = told.status, row.version + 1
    seal(row, "sealed", {**unseal(row), "reason": told.reason})
    plan.updated_at = now()
    await session.flush()  # the answer shows what was stored
    return shown(found)


async def add_goal(session: AsyncSession, plan_id: UUID, area: str, told: GoalIn) -> GoalOut:
    """Set a goal in an area, with the actions that are told with it; that answers the area.

    Raises:
        GateRefused: the plan is frozen, the area is answered with 'no need', or it has goals enough.
    """
    case = await hold_case(session, CarePlan, plan_id)
    plan = await find(session, CarePlan, plan_id)
    in_area = col(PlanArea.plan_id) == plan.id, col(PlanArea.area) == area
    row = (await session.scalars(select(PlanArea).where(*in_area))).one()
    room = await _unmet_room(session, Goal, col(Goal.plan_id) == plan.id, col(Goal.area) == area)
    refuse([*await unmet_writing(session, case), *unmet_writable(plan), *_unmet_need(row), *room])
    goal = Goal(**_born(plan, told.id), area=area)
    seal(goal, "sealed", told.model_dump(include=set(GoalWords.model_fields)))
    session.add(goal)
    row.status, row.version = "goals", row.version + 1
    plan.updated_at, plan.version = now(), plan.version + 1
    await session.flush()  # its actions name it
    actions = [_action(plan, goal, one) for one in told.actions]
    session.add_all(actions)
    await session.flush()  # the answer shows what was stored
    return shown_goal(goal, actions)


async def add_action(session: AsyncSession, goal_id: UUID, told: ActionIn) -> ActionOut:
    """Add a step towards a goal.

    Raises:
        GateRefused: the plan is frozen, or the goal has actions enough.
    """
    case = await hold_case(session, Goal, goal_id)
    goal = await find(session, Goal, goal_id)
    plan = await find(session, CarePlan, goal.plan_id)
    room = await _unmet_room(session, Action, col(Action.goal_id) == goal.id)
    refuse([*await unmet_writing(session, case), *unmet_writable(plan), *room])
    action = _action(plan, goal, told)
    session.add(action)
    _touch(plan, goal)
    await session.flush()  # the answer shows what was stored
    return shown_action(action)


async def read_goal(session: AsyncSession, goal_id: UUID) -> GoalOut:
    """Read one goal with its actions."""
    return await _with_actions(session, await find(session, Goal, goal_id))


async def read_action(session: AsyncSession, action_id: UUID) -> ActionOut:
    """Read one action."""
    return shown_action(await find(session, Action, action_id))


async def change_goal(
    session: AsyncSession, actor: Actor, goal_id: UUID, seen: int, patch: GoalPatch
) -> GoalOut:
    """Write a goal otherwise, or tell that it was achieved or dropped.

    Raises:
        GateRefused: the plan is frozen; of one in force, only the status changes.
    """
    case = await hold_case(session, Goal, goal_id)
    goal = await find_for_change(session, Goal, goal_id, seen)
    plan = await find(session, CarePlan, goal.plan_id)
    before = {**unseal(goal), "status": goal.status}
    after = patched(GoalContent, before, patch).model_dump(mode="json")
    await _refuse_frozen(session, case, plan, GoalWords, before, after)
    copies = await _in_next_edition(session, plan, goal)
    for one in (goal, *copies):
        one.status = after["status"]
    seal(goal, "sealed", {name: after[name] for name in GoalWords.model_fields})
    if goal.status == "achieved" != before["status"]:
        case_history.record(session, case, "goal_achieved", actor, goal, {"area": goal.area})
    goal.updated_at = now()
    _touch(plan)
    await session.flush()  # the answer shows what was stored
    return await _with_actions(session, goal)


async def change_action(
    session: AsyncSession, actor: Actor, action_id: UUID, seen: int, patch: ActionPatch
) -> ActionOut:
    """Write an action otherwise, or tell how it went.

    Raises:
        GateRefused: the plan is frozen; of one in force, only status, date and note change.
        InvalidInput: the date lies ahead, or is that of an action that is still to be done.
    """
    case = await hold_case(session, Action, action_id)
    action = await find_for_change(session, Action, action_id, seen)
    plan = await find(session, CarePlan, action.plan_id)
    before = {**unseal(action), **action.model_dump(mode="json", include=PLAIN)}
    known = patched(ActionContent, before, patch)
    status, done_on = _ended(known, patch.model_fields_set)
    await _refuse_frozen(session, case, plan, ActionWords, before, known.model_dump(mode="json"))
    copies = await _in_next_edition(session, plan, action)
    for one in (action, *copies):
        one.status, one.done_on = status, done_on
        seal(one, "sealed", {**unseal(one), "note": known.note})
    action.by, action.due_on = known.by, known.due_on
    seal(action, "sealed", known.model_dump(include=SEALED))
    if status == "done" != before["status"]:
        case_history.record(session, case, "action_done", actor, action, {"by": action.by}, at=done_on)
    action.updated_at = now()
    _touch(plan)
    await session.flush()  # the answer shows what was stored
    return shown_action(action)


def _born(plan: CarePlan, chosen: UUID | None) -> dict[str, Any]:
    """Return what a goal or an action begins with; its own id is its origin."""
    id_ = chosen or new_id()
    return {
        "id": id_,
        "origin_id": id_,
        "child_id": plan.child_id,
        "case_id": plan.case_id,
        "plan_id": plan.id,
    }


def _action(plan: CarePlan, goal: Goal, told: ActionIn) -> Action:
    action = Action(**_born(plan, told.id), goal_id=goal.id, by=told.by, due_on=told.due_on)
    seal(action, "sealed", {"what": told.what, "by_whom": told.by_whom, "note": None})
    return action


def _touch(*records: CarePlan | Goal | Action) -> None:
    for record in records:
        record.updated_at, record.version = now(), record.version + 1


async def _with_actions(session: AsyncSession, goal: Goal) -> GoalOut:
    query = select(Action).where(col(Action.goal_id) == goal.id)
    actions = await session.scalars(query.order_by(col(Action.created_at), col(Action.id)))
    return shown_goal(goal, actions.all())


def _unmet_need(row: PlanArea) -> list[Fault]:
    if row.status != "no_need":
        return []
    detail = "The area is answered with 'no need': answer it with goals first."
    return [Fault("/status", "no_need", detail)]


async def _unmet_room(
    session: AsyncSession, kind: type[Goal] | type[Action], *here: ColumnElement[bool]
) -> list[Fault]:
    count = await session.scalar(select(func.count()).select_from(kind).where(*here))
    return [Fault(None, "too_many", f"There are {MOST} of them already.")] if (count or 0) >= MOST else []


async def _refuse_frozen(
    session: AsyncSession,
    case: Case,
    plan: CarePlan,
    words: type[GoalWords | ActionWords],
    before: Any,
    after: Any,
) -> None:
    """Refuse to change words of what others rely on, and anything of what is waiting or out of force."""
    reworded = any(before[name] != after[name] for name in words.model_fields)
    refuse(
        [*await unmet_writing(session, case), *(unmet_writable(plan) if reworded else unmet_progress(plan))]
    )


async def _in_next_edition(session: AsyncSession, plan: CarePlan, part: Part) -> list[Part]:
    """Return the part's copy in the edition that is being written, while it stands as the part does; versions rise."""
    if plan.status != APPROVE.target:
        return []
    kind = type(part)
    query = (
        select(kind, CarePlan)
        .join(CarePlan, col(CarePlan.id) == col(kind.plan_id))
        .where(
            col(CarePlan.previous_id) == plan.id,
            col(kind.origin_id) == part.origin_id,
            col(kind.status) == part.status,
        )
    )
    rows = (await session.execute(query)).all()
    for copy, edition in rows:
        _touch(copy, edition)
    return [copy for copy, _ in rows]


def _ended(known: ActionContent, told: set[str]) -> tuple[str, date | None]:
    """Return status and date of an action: one that ended has a date, today unless told; a date alone says 'done'."""
    status, done_on = known.status, known.done_on
    if "status" not in told and "done_on" in told:
        status = "open" if done_on is None else "done" if status == "open" else status
    if status == "open":
        if "done_on" in told and done_on is not None:
            raise InvalidInput([Fault("/done_on", "not_ended", "What is still to be done has no such date.")])
        return status, None
    refuse_ahead({"/done_on": done_on})
    return status, done_on or today()
