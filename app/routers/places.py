"""Places by their NCDD codes."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.routers.answers import cacheable
from app.routers.dependencies import Session
from app.routers.guards import Public
from app.routers.routes import Router
from app.schemas.reference import PlaceFilters, PlaceOut
from app.schemas.wire import Page
from app.services import places

router = Router(
    prefix="/places",
    tags=["reference"],
    dependencies=[Depends(Public("the gazetteer is public"))],
)


@router.get("", response_model=Page[PlaceOut])
async def listed(request: Request, session: Session, filters: Annotated[PlaceFilters, Query()]) -> Response:
    """List provinces, the places of a parent, or places whose name begins with `q` in either script."""
    return cacheable(request, await places.listed(session, filters))
