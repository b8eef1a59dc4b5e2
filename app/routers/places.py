"""Places by their NCDD codes."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.http.authorization import Public
from app.http.responses import CacheableResponse, build_cacheable_response
from app.http.route import Router
from app.http.session import Session
from app.schemas.reference import PlaceFilters, PlaceList
from app.services.persons import places

router = Router(
    prefix="/places",
    tags=["reference"],
    dependencies=[Depends(Public("the gazetteer is public"))],
)


@router.get("", response_model=PlaceList, response_class=CacheableResponse)
async def list_places(
    request: Request, session: Session, filters: Annotated[PlaceFilters, Query()]
) -> Response:
    """List provinces, the places of a parent, or places whose name begins with `q` in either script."""
    return build_cacheable_response(request, await places.list_places(session, filters))
