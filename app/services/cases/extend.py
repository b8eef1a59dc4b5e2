"""Extend the support of a case past 24 months."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today
from app.kit.records import get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.exit_plans import CaseExtension
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.states import check_case_open
from app.services.cases.support_period import get_support_end_date


async def extend_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseExtension
) -> CaseSchema:
    """Extend a case past 24 months (the gate "18, 21, 24 months").

    Raises:
        GateRefused: The case is closed, or the date is not after the current end of support.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet([*check_case_open(case), *_check_extension_date(case, payload.until)])
    case.extended_until = payload.until
    case.updated_at = utc_now()
    detail = {"until": payload.until.isoformat(), "reason": payload.reason}
    case_history.record_case_history(session, case, "case_extended", caller, case, detail)
    await session.flush()  # the query of the response bypasses the session
    return await load_case_schema(session, case)


def _check_extension_date(case: Case, until: date) -> list[Fault]:
    if until > max(get_support_end_date(case), today()):
        return []
    detail = "`until` must be after today, after 24 months of support, and after the previous extension."
    return [Fault("/until", "until_too_early", detail)]
