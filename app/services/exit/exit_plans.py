"""The exit plan of a case: what must be true before support ends, and how it tapers off."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import NotFound
from app.kit.approval import comment_of, decide
from app.kit.records import find_for_change, hold, refuse_unseen, require
from app.kit.state_machine import refuse
from app.models import Case, ExitPlan
from app.models.record import now
from app.schemas.decisions import Approval
from app.schemas.exit_plans import ExitPlanEdition, ExitPlanIn, ExitPlanOut
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.cases.write_access import unmet_writing
from app.services.exit.states import APPROVE, REWRITE, UNPLANNED, unmet_plan

SEALED = set(ExitPlanIn.model_fields) - {"ends_on"}
PLAIN = set(ExitPlanOut.model_fields) - set(ExitPlanIn.model_fields) - {"earlier", "decision_comment"}


async def begin(session: AsyncSession, actor: Actor, case: Case) -> None:
    """Lay an empty exit plan on the table, unless somebody began one before."""
    if await of(session, case.id) is None:
        session.add(_new(actor, case))


def _new(actor: Actor, case: Case) -> ExitPlan:
    plan = ExitPlan(child_id=case.child_id, case_id=case.id, author_id=actor.id)
    _store(plan, ExitPlanIn(), [])
    return plan


async def of(session: AsyncSession, case_id: UUID) -> ExitPlan | None:
    """Return the exit plan of a case, if it has one."""
    found: ExitPlan | None = await session.scalar(select(ExitPlan).where(col(ExitPlan.case_id) == case_id))
    return found


async def read(session: AsyncSession, case_id: UUID) -> ExitPlanOut:
    """Read the exit plan of a case."""
    return _shown(await _find(session, case_id))


async def _find(session: AsyncSession, case_id: UUID) -> ExitPlan:
    plan = await of(session, case_id)
    if plan is None:
        await require(session, Case, case_id)
        raise NotFound
    return plan


async def write(
    session: AsyncSession, actor: Actor, case_id: UUID, seen: int | None, told: ExitPlanIn
) -> ExitPlanOut:
    """Write the exit plan of a case, or write it anew; who wrote it last is its author.

    An approved plan becomes a draft again and asks for another approval; what was approved is kept beside it.

    Raises:
        GateRefused: the case is closed.
        Stale, VersionRequired: see `refuse_unseen`.
    """
    case = await hold(session, Case, case_id)
    plan = await of(session, case_id)
    refuse_unseen(plan, seen)
    refuse(await unmet_writing(session, case))
    if plan is None:
        plan = _new(actor, case)
        session.add(plan)
    else:
        plan.version += 1
    _store(plan, told, _earlier(plan))
    plan.author_id, plan.status = actor.id, REWRITE.target
    plan.decided_at = plan.decided_by_id = plan.decision_sealed = None
    await session.flush()  # the answer shows what was stored
    return _shown(plan)


def _store(plan: ExitPlan, told: ExitPlanIn, earlier: list[dict[str, Any]]) -> None:
    plan.ends_on = told.ends_on
    plan.updated_at = now()
    document = told.model_dump(mode="json", include=SEALED)
    document["follow_up_months"] = sorted(set(told.follow_up_months))
    seal(plan, "sealed", {**document, "earlier": earlier})


def _earlier(plan: ExitPlan) -> list[dict[str, Any]]:
    """Return the approved editions before the one that is about to be written."""
    earlier: list[dict[str, Any]] = unseal(plan)["earlier"]
    if plan.status != "approved":
        return earlier
    edition = ExitPlanEdition(
        **_said(plan), **plan.model_dump(include={"author_id", "decided_at", "decided_by_id"})
    )
    return [*earlier, edition.model_dump(mode="json")]


async def approve(
    session: AsyncSession, actor: Actor, case_id: UUID, seen: int, approval: Approval
) -> ExitPlanOut:
    """Approve how a case is to end.

    Raises:
        GateRefused: with every unmet condition; the approver wrote it, or is no supervisor of the team.
    """
    case = await hold(session, Case, case_id)
    plan = await find_for_change(session, ExitPlan, (await _find(session, case_id)).id, seen)
    told = content(plan)
    unmet = [*unmet_open(case), *unmet_plan(told, planned=told.reason_code not in UNPLANNED)]
    decide(plan, actor, case, APPROVE, approval.comment, unmet)
    plan.updated_at = now()
    case_history.record(session, case, "exit_plan_approved", actor, plan)
    await session.flush()  # the answer shows what was stored
    return _shown(plan)


def content(plan: ExitPlan) -> ExitPlanIn:
    """Return what an exit plan says."""
    return ExitPlanIn.model_validate(_said(plan))


def _said(plan: ExitPlan) -> dict[str, Any]:
    document = unseal(plan)
    return {**{name: document[name] for name in SEALED}, "ends_on": plan.ends_on}


def _shown(plan: ExitPlan) -> ExitPlanOut:
    plain: dict[str, Any] = plan.model_dump(include=PLAIN)
    return ExitPlanOut(
        **plain, **_said(plan), decision_comment=comment_of(plan), earlier=unseal(plan)["earlier"]
    )
