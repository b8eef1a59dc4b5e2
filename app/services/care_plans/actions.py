"""Actions of a care plan: the steps towards a goal.

The text of an action can be changed only while the plan is a draft or returned. Its status, date and note can also be
changed in the approved plan; a draft of the next edition is then updated too.
"""

from collections.abc import Set as AbstractSet
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.approval import check_editable
from app.kit.dates import today
from app.kit.records import apply_patch, get_case_for_update, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Action, CarePlan, Goal
from app.models.care_plans import StoredActionTexts
from app.models.encrypted_field import dump_content
from app.models.record import new_id, utc_now
from app.schemas.care_plans import Action as ActionSchema
from app.schemas.care_plans import ActionBase, ActionContent, ActionCreate, ActionUpdate
from app.services.care_plans.plan_parts import (
    check_item_limit,
    increment_versions,
    list_draft_copies,
    raise_if_frozen,
)
from app.services.care_plans.responses import get_action
from app.services.cases.history import record_case_history
from app.services.cases.write_access import check_case_writable
from app.services.persons.life_dates import validate_after_birth

COLUMN_FIELDS = {"by", "due_on", "status", "done_on"}
"""Fields in plain columns, because the agenda and reports query them."""


async def create_goal_action(session: AsyncSession, goal_id: UUID, payload: ActionCreate) -> ActionSchema:
    """Create an action of a goal in a draft plan.

    Raises:
        GateRefused: the plan is frozen, or the goal has the maximum number of actions.
        InvalidInput: `due_on` is before the birth of the child.
    """
    case = await get_case_for_update(session, Goal, goal_id)
    goal = await get_record(session, Goal, goal_id)
    plan = await get_record(session, CarePlan, goal.plan_id)
    limit = await check_item_limit(session, Action, col(Action.goal_id) == goal.id)
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(plan), *limit])
    await validate_after_birth(session, case.child_id, {"/due_on": payload.due_on})
    action = build_action(plan, goal, payload)
    session.add(action)
    increment_versions(plan, goal)
    return await get_action(await open_response_reader(session), action.id)


def build_action(plan: CarePlan, goal: Goal, payload: ActionCreate) -> Action:
    """Return a new action of a goal. The calling function adds it to the session."""
    action_id = payload.id or new_id()
    action = Action(
        id=action_id,
        child_id=plan.child_id,
        case_id=plan.case_id,
        plan_id=plan.id,
        goal_id=goal.id,
        by=payload.by,
        due_on=payload.due_on,
        origin_id=action_id,
    )
    action.content = {"what": payload.what, "by_whom": payload.by_whom}
    return action


async def update_action(
    session: AsyncSession, caller: Caller, action_id: UUID, expected_version: int, patch: ActionUpdate
) -> ActionSchema:
    """Update the text of an action, or record its progress.

    Raises:
        GateRefused: the plan is frozen. In an approved plan only the status, date and note can change.
        InvalidInput: a field is invalid, a date is before the birth of the child, `done_on` is in the future, or the patch sets it on
            an open action.
    """
    case = await get_case_for_update(session, Action, action_id)
    action = await get_version_for_update(session, Action, action_id, expected_version)
    plan = await get_record(session, CarePlan, action.plan_id)
    before = {
        **action.content,
        "note": action.note,
        **action.model_dump(mode="json", include=COLUMN_FIELDS),
    }
    content = apply_patch(ActionContent, before, patch)
    status, done_on = _resolve_status(content, patch.model_fields_set)
    await validate_after_birth(session, case.child_id, {"/due_on": content.due_on, "/done_on": done_on})
    await raise_if_frozen(session, case, plan, ActionBase, before, content.model_dump(mode="json"))
    copies = await list_draft_copies(session, plan, action)
    for action_or_copy in (action, *copies):
        action_or_copy.status, action_or_copy.done_on = status, done_on
        action_or_copy.note = content.note
    action.by, action.due_on = content.by, content.due_on
    _set_texts(action, content)
    if status == "done" != before["status"]:
        detail = {"by": action.by}
        record_case_history(session, case, "action_done", caller, action, detail, occurred_at=done_on)
    action.updated_at = utc_now()
    increment_versions(plan)
    return await get_action(await open_response_reader(session), action.id)


def _set_texts(action: Action, content: ActionContent) -> None:
    """Set the texts if they have changed. Their ciphertext is frozen after the submission of the plan."""
    texts = dump_content(StoredActionTexts, content)
    if texts != action.content:
        action.content = texts


def _resolve_status(content: ActionContent, patched_fields: AbstractSet[str]) -> tuple[str, date | None]:
    """Return the status and `done_on` of an action after a patch.

    A patch with `done_on` and without `status` sets the status: `done` for a date, `open` for null. An action that is
    done or dropped always has a date, by default today. An open action never has one.

    Raises:
        InvalidInput: the patch sets a date on an open action.
    """
    status, done_on = content.status, content.done_on
    if "status" not in patched_fields and "done_on" in patched_fields:
        status = "open" if done_on is None else "done" if status == "open" else status
    if status == "open":
        if "done_on" in patched_fields and done_on is not None:
            detail = "An open action must not have a date. Set the status to `done` or `dropped`."
            raise InvalidInput([Fault("/done_on", "not_ended", detail)])
        return status, None
    return status, done_on or today()
