"""Endpoints of the caseload standard."""

from app.http.permissions import CaseloadStandardEditor, CaseloadStandardReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.caseload_standards import CaseloadStandard, CaseloadStandardUpdate
from app.services.supervision import caseload_standards

router = Router(prefix="/caseload-standard", tags=["supervision"])


@router.get("")
async def get_caseload_standard(_caller: CaseloadStandardReader, reader: Reader) -> CaseloadStandard:
    """Get the caseload standard.

    The report `caseload` and the overview of a team compare the workers with it. A new installation has the limits of the
    Minimum Standards for Child Protection.
    """
    return await caseload_standards.get_caseload_standard(reader)


@router.patch("")
async def update_caseload_standard(
    _caller: CaseloadStandardEditor,
    session: Session,
    expected_version: ExpectedVersion,
    payload: CaseloadStandardUpdate,
) -> CaseloadStandard:
    """Change the caseload standard.

    The change applies immediately, also to reports about earlier periods. The access log contains the old and new
    values.
    """
    return await caseload_standards.update_caseload_standard(session, expected_version, payload)
