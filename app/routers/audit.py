"""Endpoints that list the access log, the break-glass grants and the clinical handovers."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import AccessLogReader, BreakGlassLogReader
from app.http.route import Router
from app.http.session import Reader
from app.schemas.audit import AccessEntryFilters, AccessEntryList
from app.schemas.break_glass import BreakGlassFilters, BreakGlassGrantList
from app.schemas.clinical_handovers import ClinicalHandoverFilters, ClinicalHandoverList
from app.services import audit
from app.services.cases import break_glass
from app.services.support import clinical_handovers

router = Router(prefix="/audit", tags=["audit"])


@router.get("/accesses")
async def list_access_entries(
    caller: AccessLogReader,
    reader: Reader,
    filters: Annotated[AccessEntryFilters, Query()],
) -> AccessEntryList:
    """List the access log, newest first.

    Returns one entry per request and child. A rejected request has an entry for each child that it refers to, by the id of
    the child or of one of the child's records. A request about no child has one entry without a child. Reading the access
    log is itself recorded.

    The list ends when `next_cursor` is null. Before that, a page can have fewer than `limit` entries, or none: for some
    combinations of filters, one page examines at most 2,000 requests or entries.
    """
    return await audit.list_access_entries(reader, caller, filters)


@router.get("/break-glass")
async def list_break_glass_grants(
    caller: BreakGlassLogReader,
    reader: Reader,
    filters: Annotated[BreakGlassFilters, Query()],
) -> BreakGlassGrantList:
    """List break-glass grants, newest first.

    Returns the grants of emergency access with their users and reasons. Supervisors receive the grants of their team
    members and those for the cases of their team.
    """
    return await break_glass.list_break_glass_grants(reader, caller, filters)


@router.get("/clinical-handovers")
async def list_clinical_handovers(
    caller: BreakGlassLogReader,
    reader: Reader,
    filters: Annotated[ClinicalHandoverFilters, Query()],
) -> ClinicalHandoverList:
    """List clinical handovers, newest first.

    Returns the handovers of earlier clinical notes with their workers and reasons. Data protection officers receive all
    of them, staff those of their cases.
    """
    return await clinical_handovers.list_clinical_handovers(reader, caller, filters)
