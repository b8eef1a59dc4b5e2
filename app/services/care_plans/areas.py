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

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit.approval import check_editable
from app.kit.dates import today, validate_not_in_future
from app.kit.records import apply_patch, get_case_for_update, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Action, CarePlan, Case, Goal, PlanArea
from app.models.record import new_id, utc_now
from app.schemas.care_plans import (
    MAX_ITEMS,
    ActionBase,
    ActionContent,
    ActionCreate,
    ActionUpdate,
    CarePlanAreaUpdate,
    GoalBase,
    GoalContent,
    GoalCreate,
    GoalUpdate,
)
from app.schemas.care_plans import (
    Action as ActionSchema,
)
from app.schemas.care_plans import (
    CarePlan as CarePlanSchema,
)
from app.schemas.care_plans import (
    Goal as GoalSchema,
)
from app.services.care_plans.load import action_to_schema, care_plan_to_schema, goal_to_schema, load_care_plan
from app.services.care_plans.states import APPROVE, check_progress_recordable
from app.services.care_plans.submission_checks import check_no_need
from app.services.cases import history as case_history
from app.services.cases.write_access import check_case_writable

GoalOrAction = TypeVar("GoalOrAction", Goal, Action)

ENCRYPTED_ACTION_FIELDS = {"what", "by_whom", "note"}
ACTION_COLUMN_FIELDS = {"by", "due_on", "status", "done_on"}
"""Of an action, in columns of their own: what agendas and reports count."""


async def replace_care_plan_area(
    session: AsyncSession, plan_id: UUID, area: str, expected_version: int, payload: CarePlanAreaUpdate
) -> CarePlanSchema:
    """Answer an area with goals, or with 'no need' and why.

    Raises:
        GateRefused: the plan is frozen, or 'no need' does not fit: the area is weak, or has open goals.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    found = await load_care_plan(session, plan)
    row = found.areas[area]
    untrue = check_no_need(row, found.goals[area]) if payload.status == "no_need" else []
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(plan), *untrue])
    row.status, row.version = payload.status, row.version + 1
    encrypt(row, "sealed", {**decrypt(row), "reason": payload.reason})
    plan.updated_at = utc_now()
    await session.flush()  # the answer shows what was stored
    return care_plan_to_schema(found)


async def create_care_plan_goal(
    session: AsyncSession, plan_id: UUID, area: str, payload: GoalCreate
) -> GoalSchema:
    """Set a goal in an area, with the actions that are told with it; that answers the area.

    Raises:
        GateRefused: the plan is frozen, the area is answered with 'no need', or it has goals enough.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_record(session, CarePlan, plan_id)
    in_area = col(PlanArea.plan_id) == plan.id, col(PlanArea.area) == area
    row = (await session.scalars(select(PlanArea).where(*in_area))).one()
    room = await _check_item_limit(session, Goal, col(Goal.plan_id) == plan.id, col(Goal.area) == area)
    raise_if_unmet(
        [
            *await check_case_writable(session, case),
            *check_editable(plan),
            *_check_area_accepts_goals(row),
            *room,
        ]
    )
    goal = Goal(**_initial_fields(plan, payload.id), area=area)
    encrypt(goal, "sealed", payload.model_dump(include=set(GoalBase.model_fields)))
    session.add(goal)
    row.status, row.version = "goals", row.version + 1
    plan.updated_at, plan.version = utc_now(), plan.version + 1
    await session.flush()  # its actions name it
    actions = [_build_action(plan, goal, one) for one in payload.actions]
    session.add_all(actions)
    await session.flush()  # the answer shows what was stored
    return goal_to_schema(goal, actions)


async def create_goal_action(session: AsyncSession, goal_id: UUID, payload: ActionCreate) -> ActionSchema:
    """Add a step towards a goal.

    Raises:
        GateRefused: the plan is frozen, or the goal has actions enough.
    """
    case = await get_case_for_update(session, Goal, goal_id)
    goal = await get_record(session, Goal, goal_id)
    plan = await get_record(session, CarePlan, goal.plan_id)
    room = await _check_item_limit(session, Action, col(Action.goal_id) == goal.id)
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(plan), *room])
    action = _build_action(plan, goal, payload)
    session.add(action)
    _increment_versions(plan, goal)
    await session.flush()  # the answer shows what was stored
    return action_to_schema(action)


async def get_goal(session: AsyncSession, goal_id: UUID) -> GoalSchema:
    """Read one goal with its actions."""
    return await _load_goal_schema(session, await get_record(session, Goal, goal_id))


async def get_action(session: AsyncSession, action_id: UUID) -> ActionSchema:
    """Read one action."""
    return action_to_schema(await get_record(session, Action, action_id))


async def update_goal(
    session: AsyncSession, caller: Caller, goal_id: UUID, expected_version: int, patch: GoalUpdate
) -> GoalSchema:
    """Write a goal otherwise, or tell that it was achieved or dropped.

    Raises:
        GateRefused: the plan is frozen; of one in force, only the status changes.
    """
    case = await get_case_for_update(session, Goal, goal_id)
    goal = await get_version_for_update(session, Goal, goal_id, expected_version)
    plan = await get_record(session, CarePlan, goal.plan_id)
    before = {**decrypt(goal), "status": goal.status}
    after = apply_patch(GoalContent, before, patch).model_dump(mode="json")
    await _raise_if_frozen(session, case, plan, GoalBase, before, after)
    copies = await _list_draft_copies(session, plan, goal)
    for one in (goal, *copies):
        one.status = after["status"]
    encrypt(goal, "sealed", {name: after[name] for name in GoalBase.model_fields})
    if goal.status == "achieved" != before["status"]:
        case_history.record_case_history(session, case, "goal_achieved", caller, goal, {"area": goal.area})
    goal.updated_at = utc_now()
    _increment_versions(plan)
    await session.flush()  # the answer shows what was stored
    return await _load_goal_schema(session, goal)


async def update_action(
    session: AsyncSession, caller: Caller, action_id: UUID, expected_version: int, patch: ActionUpdate
) -> ActionSchema:
    """Write an action otherwise, or tell how it went.

    Raises:
        GateRefused: the plan is frozen; of one in force, only status, date and note change.
        InvalidInput: the date lies ahead, or is that of an action that is still to be done.
    """
    case = await get_case_for_update(session, Action, action_id)
    action = await get_version_for_update(session, Action, action_id, expected_version)
    plan = await get_record(session, CarePlan, action.plan_id)
    before = {**decrypt(action), **action.model_dump(mode="json", include=ACTION_COLUMN_FIELDS)}
    known = apply_patch(ActionContent, before, patch)
    status, done_on = _resolve_action_status(known, patch.model_fields_set)
    await _raise_if_frozen(session, case, plan, ActionBase, before, known.model_dump(mode="json"))
    copies = await _list_draft_copies(session, plan, action)
    for one in (action, *copies):
        one.status, one.done_on = status, done_on
        encrypt(one, "sealed", {**decrypt(one), "note": known.note})
    action.by, action.due_on = known.by, known.due_on
    encrypt(action, "sealed", known.model_dump(include=ENCRYPTED_ACTION_FIELDS))
    if status == "done" != before["status"]:
        case_history.record_case_history(
            session, case, "action_done", caller, action, {"by": action.by}, occurred_at=done_on
        )
    action.updated_at = utc_now()
    _increment_versions(plan)
    await session.flush()  # the answer shows what was stored
    return action_to_schema(action)


def _initial_fields(plan: CarePlan, chosen: UUID | None) -> dict[str, Any]:
    """Return what a goal or an action begins with; its own id is its origin."""
    id_ = chosen or new_id()
    return {
        "id": id_,
        "origin_id": id_,
        "child_id": plan.child_id,
        "case_id": plan.case_id,
        "plan_id": plan.id,
    }


def _build_action(plan: CarePlan, goal: Goal, payload: ActionCreate) -> Action:
    action = Action(
        **_initial_fields(plan, payload.id), goal_id=goal.id, by=payload.by, due_on=payload.due_on
    )
    encrypt(action, "sealed", {"what": payload.what, "by_whom": payload.by_whom, "note": None})
    return action


def _increment_versions(*records: CarePlan | Goal | Action) -> None:
    for record in records:
        record.updated_at, record.version = utc_now(), record.version + 1


async def _load_goal_schema(session: AsyncSession, goal: Goal) -> GoalSchema:
    query = select(Action).where(col(Action.goal_id) == goal.id)
    actions = await session.scalars(query.order_by(col(Action.created_at), col(Action.id)))
    return goal_to_schema(goal, actions.all())


def _check_area_accepts_goals(row: PlanArea) -> list[Fault]:
    if row.status != "no_need":
        return []
    detail = "The area is answered with 'no need': answer it with goals first."
    return [Fault("/status", "no_need", detail)]


async def _check_item_limit(
    session: AsyncSession, kind: type[Goal] | type[Action], *here: ColumnElement[bool]
) -> list[Fault]:
    count = await session.scalar(select(func.count()).select_from(kind).where(*here))
    return (
        [Fault(None, "too_many", f"There are {MAX_ITEMS} of them already.")]
        if (count or 0) >= MAX_ITEMS
        else []
    )


async def _raise_if_frozen(
    session: AsyncSession,
    case: Case,
    plan: CarePlan,
    words: type[GoalBase | ActionBase],
    before: Any,
    after: Any,
) -> None:
    """Refuse to change words of what others rely on, and anything of what is waiting or out of force."""
    reworded = any(before[name] != after[name] for name in words.model_fields)
    raise_if_unmet(
        [
            *await check_case_writable(session, case),
            *(check_editable(plan) if reworded else check_progress_recordable(plan)),
        ]
    )


async def _list_draft_copies(session: AsyncSession, plan: CarePlan, part: GoalOrAction) -> list[GoalOrAction]:
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
        _increment_versions(copy, edition)
    return [copy for copy, _ in rows]


def _resolve_action_status(known: ActionContent, told: set[str]) -> tuple[str, date | None]:
    """Return status and date of an action: one that ended has a date, today unless told; a date alone says 'done'."""
    status, done_on = known.status, known.done_on
    if "status" not in told and "done_on" in told:
        status = "open" if done_on is None else "done" if status == "open" else status
    if status == "open":
        if "done_on" in told and done_on is not None:
            raise InvalidInput([Fault("/done_on", "not_ended", "What is still to be done has no such date.")])
        return status, None
    validate_not_in_future({"/done_on": done_on})
    return status, done_on or today()
