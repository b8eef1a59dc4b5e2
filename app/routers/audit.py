"""The access log, for those who watch over it."""

from typing import Annotated

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
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
    actor: Annotated[Actor, Depends(Requires(Permission.log_read))],
    session: Session,
    filters: Annotated[AccessFilters, Query()],
) -> Page[Access]:
    """Read who did what, newest first: a line for each child shown."""
    return await audit.listed(session, actor, filters)


@router.get("/break-glass")
async def broken_glass(
    actor: Annotated[Actor, Depends(Requires(Permission.broken_glass_read))],
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[BrokenGlass]:
    """Read which cases were opened outside their scope, by whom and why, newest first."""
    return await cases_staffing.broken_glass(session, actor, page)
