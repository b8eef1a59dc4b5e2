"""Close a case that was opened by mistake, without an exit, and open the follow-ups again that it replaced."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today
from app.kit.entered_in_error import is_valid
from app.models import Assessment, CarePlan, Case, Disbursement, Referral, ServiceReferral, SupportSession
from app.models.record import utc_now
from app.services.cases import history as case_history
from app.services.cases.states import CLOSE
from app.services.exit.close_case import cancel_scheduled_work
from app.services.fund.states import CANCEL, REJECT

REASON_CODE = "opened_in_error"
DECIDED_STATUSES = ("submitted", "approved", "superseded")


def _build_support_conditions(case_id: UUID) -> Mapping[str, ColumnElement[bool]]:
    """Return the condition of each kind of support in a case, by its name in the message."""
    return {
        "held support sessions": exists().where(
            col(SupportSession.case_id) == case_id,
            col(SupportSession.status) == "held",
            is_valid(SupportSession),
        ),
        "submitted assessments": exists().where(
            col(Assessment.case_id) == case_id, col(Assessment.status).in_(DECIDED_STATUSES)
        ),
        "submitted care plans": exists().where(
            col(CarePlan.case_id) == case_id, col(CarePlan.status).in_(DECIDED_STATUSES)
        ),
        "sent service referrals": exists().where(
            col(ServiceReferral.case_id) == case_id, col(ServiceReferral.sent_at).is_not(None)
        ),
        "disbursements": exists().where(
            col(Disbursement.case_id) == case_id,
            col(Disbursement.status).not_in((REJECT.target, CANCEL.target)),
        ),
    }


async def check_case_unused(session: AsyncSession, case: Case, referral_id: UUID) -> list[Fault]:
    """Return a fault for support in a case, and one for other accepted referrals of it. The case must be locked."""
    conditions = _build_support_conditions(case.id)
    other_referrals = exists().where(col(Referral.case_id) == case.id, col(Referral.id) != referral_id)
    columns = [condition.label(f"found_{number}") for number, condition in enumerate(conditions.values())]
    row = (await session.execute(select(*columns, other_referrals.label("other_referrals")))).one()
    found = [name for name, is_found in zip(conditions, row, strict=False) if is_found]
    faults = []
    if found:
        detail = (
            f"The case that the referral opened has {' and '.join(found)}. If they are wrong, mark them as entered in error "
            "or cancel them. Otherwise, close the case with its exit plan first, or merge the child with the right record."
        )
        faults.append(Fault("/case_id", "support_given", detail, {"found": found}))
    if row.other_referrals:
        detail = "Other referrals were accepted for the case that the referral opened. Detach them first."
        faults.append(Fault("/case_id", "other_referrals", detail))
    return faults


async def withdraw_case(session: AsyncSession, caller: Caller, case: Case, reason: str) -> None:
    """Close an unused case that was opened by mistake. No report counts it, and it has no follow-ups."""
    await cancel_scheduled_work(session, case)
    case.status, case.closed_on, case.next_review_on = CLOSE.target, today(), None
    case.close_reason, case.updated_at = REASON_CODE, utc_now()
    case.version += 1
    case.content = {**case.content, "outcome": reason}
    case_history.record_case_history(session, case, "case_closed", caller, case, {"reason_code": REASON_CODE})
    await session.flush()  # the function of the database reads the status


async def restore_follow_ups(session: AsyncSession, case: Case) -> None:
    """Open the follow-ups of earlier cases again that the opening of a case cancelled.

    A function of the database does it, because the caller may not see the earlier cases.
    """
    await session.execute(select(func.access.restore_follow_ups(case.id)))
