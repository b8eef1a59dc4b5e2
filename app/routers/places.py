"""Places by their NCDD codes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.routers.answers import Route, cacheable
from app.routers.dependencies import Session
from app.routers.guards import Public
from app.schemas.reference import PlaceFilters, PlaceOut
from app.schemas.wire import Page
from app.services import places

router = APIRouter(
    prefix="/places",
    tags=["reference"],
    route_class=Route,
    dependencies=[Depends(Public("the gazetteer is public"))],
)


@router.get("", response_model=Page[PlaceOut])
async def listed(request: Request, session: Session, filters: Annotated[PlaceFilters, Query()]) -> Response:
    """List provinces, the places of a parent, or places whose name begins with `q` in either script."""
    return cacheable(request, await places.listed(session, filters))
