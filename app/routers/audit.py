"""The access log, for those who watch over it."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import AccessLogReader, BreakGlassLogReader
from app.http.route import Router
from app.http.session import Session
from app.schemas.audit import AccessEntry, AccessEntryFilters
from app.schemas.cases import BreakGlassGrant
from app.schemas.wire import Page, PageQuery
from app.services import audit
from app.services.cases import break_glass

router = Router(prefix="/audit", tags=["audit"])


@router.get("/accesses")
async def list_access_entries(
    caller: AccessLogReader,
    session: Session,
    filters: Annotated[AccessEntryFilters, Query()],
) -> Page[AccessEntry]:
    """Read who did what, newest first: a line for each child shown."""
    return await audit.list_access_entries(session, caller, filters)


@router.get("/break-glass")
async def list_break_glass_grants(
    caller: BreakGlassLogReader,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[BreakGlassGrant]:
    """Read which cases were opened outside their scope, by whom and why, newest first."""
    return await break_glass.list_break_glass_grants(session, caller, page)
