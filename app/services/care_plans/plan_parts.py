"""Rules that goals and actions of a care plan share: limits, frozen text, versions, and copies in the next edition."""

from collections.abc import Mapping
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.kit.approval import check_editable
from app.kit.state_machine import raise_if_unmet
from app.models import Action, CarePlan, Case, Goal
from app.models.record import utc_now
from app.schemas.care_plans import MAX_ITEMS, ActionBase, GoalBase
from app.services.care_plans.states import APPROVE, check_progress_recordable
from app.services.cases.write_access import check_case_writable

GoalOrAction = TypeVar("GoalOrAction", Goal, Action)


def increment_versions(*records: CarePlan | Goal | Action) -> None:
    """Increment the versions of records. A change of a goal or action also increments the version of its plan."""
    for record in records:
        record.updated_at, record.version = utc_now(), record.version + 1


async def check_item_limit(
    session: AsyncSession, model: type[Goal] | type[Action], *conditions: ColumnElement[bool]
) -> list[Fault]:
    """Return an unmet condition if the maximum number of goals or actions is reached."""
    count = await session.scalar(select(func.count()).select_from(model).where(*conditions))
    if (count or 0) < MAX_ITEMS:
        return []
    return [Fault(None, "too_many", f"The maximum number of {MAX_ITEMS} is reached.")]


async def raise_if_frozen(
    session: AsyncSession,
    case: Case,
    plan: CarePlan,
    text_schema: type[GoalBase | ActionBase],
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    """Reject changes that the status of the plan does not allow.

    The fields of `text_schema` can change only in a draft. Progress can change in a draft and in the approved plan.

    Raises:
        GateRefused: the case is closed, the caller is not staff of the case, or the plan's status does not allow the
            change.
    """
    text_changes = any(before[name] != after[name] for name in text_schema.model_fields)
    raise_if_unmet(
        [
            *await check_case_writable(session, case),
            *(check_editable(plan) if text_changes else check_progress_recordable(plan)),
        ]
    )


async def list_draft_copies(session: AsyncSession, plan: CarePlan, part: GoalOrAction) -> list[GoalOrAction]:
    """Return the copies of a goal or action in a draft of the next edition, so that its progress is recorded there too.

    A copy with another status than the original is not returned. The versions of each returned copy and of its draft
    are incremented.
    """
    if plan.status != APPROVE.target:
        return []
    model = type(part)
    query = (
        select(model, CarePlan)
        .join(CarePlan, col(CarePlan.id) == col(model.plan_id))
        .where(
            col(CarePlan.previous_id) == plan.id,
            col(model.origin_id) == part.origin_id,
            col(model.status) == part.status,
        )
    )
    rows = (await session.execute(query)).all()
    for copy, draft in rows:
        increment_versions(copy, draft)
    return [copy for copy, _ in rows]
