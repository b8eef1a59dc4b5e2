"""Extend the support of a case past 24 months."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import add_months, today
from app.kit.records import get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.exit_plans import CaseExtension
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.states import check_case_open
from app.services.cases.support_period import get_support_end_date, list_case_milestones

MAX_EXTENSION_MONTHS = 12
"""Maximum length of all extensions of a case together, after 24 months of support.

A first extension after the end of support has passed counts from today.
"""


async def extend_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseExtension
) -> CaseSchema:
    """Extend a case past 24 months (the gate "18, 21, 24 months").

    Raises:
        GateRefused: The case is closed, or the date is not within 12 months after 24 months of support.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet([*check_case_open(case), *_check_extension_date(case, payload.until)])
    case.extended_until = payload.until
    case.updated_at = utc_now()
    detail = {"until": payload.until.isoformat(), "reason": payload.reason}
    case_history.record_case_history(session, case, "case_extended", caller, case, detail)
    return await load_case_schema(session, case)


def _check_extension_date(case: Case, until: date) -> list[Fault]:
    previous_end = max(get_support_end_date(case), today())
    if until <= previous_end:
        detail = "`until` must be after today, after 24 months of support, and after the previous extension."
        return [Fault("/until", "until_too_early", detail)]
    latest = _compute_latest_end(case)
    if until > latest:
        detail = (
            f"All extensions together must end at most {MAX_EXTENSION_MONTHS} months after 24 months of support: {latest} or "
            "earlier."
        )
        params = {"months": MAX_EXTENSION_MONTHS, "latest": str(latest)}
        return [Fault("/until", "until_too_late", detail, params)]
    return []


def _compute_latest_end(case: Case) -> date:
    """Return the latest possible end of support. Several extensions do not move it."""
    planned_end = list_case_milestones(case)[-1].on
    if case.extended_until is None:
        planned_end = max(planned_end, today())
    return add_months(planned_end, MAX_EXTENSION_MONTHS)
