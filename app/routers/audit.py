"""The access log, for those who watch over it."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import AccessLogReader, BreakGlassLogReader
from app.http.route import Router
from app.http.session import Session
from app.schemas.audit import Access, AccessFilters
from app.schemas.cases import BrokenGlass
from app.schemas.wire import Page, PageQuery
from app.services import audit
from app.services.cases import staffing as cases_staffing

router = Router(prefix="/audit", tags=["audit"])


@router.get("/accesses")
async def accesses(
    caller: AccessLogReader,
    session: Session,
    filters: Annotated[AccessFilters, Query()],
) -> Page[Access]:
    """Read who did what, newest first: a line for each child shown."""
    return await audit.list_accesses(session, caller, filters)


@router.get("/break-glass")
async def broken_glass(
    caller: BreakGlassLogReader,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[BrokenGlass]:
    """Read which cases were opened outside their scope, by whom and why, newest first."""
    return await cases_staffing.list_break_glass_grants(session, caller, page)
