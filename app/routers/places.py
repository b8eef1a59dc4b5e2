"""Endpoints of the places of Cambodia."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.http.authorization import PublicEndpoint
from app.http.responses import CacheableResponse, build_cacheable_response
from app.http.route import Router
from app.http.session import Session
from app.schemas.reference import PlaceDetails, PlaceFilters, PlaceList
from app.schemas.wire import PlaceCode
from app.services.persons import places

router = Router(
    prefix="/places",
    tags=["reference"],
    dependencies=[Depends(PublicEndpoint("the gazetteer is public information"))],
)


@router.get("", response_model=PlaceList, response_class=CacheableResponse)
async def list_places(
    request: Request, session: Session, filters: Annotated[PlaceFilters, Query()]
) -> Response:
    """List places in order of their codes.

    `parent` selects the places directly inside another place, `q` the places whose name in Khmer or Latin script begins
    with the text, `codes` the places with one of the codes. Without these parameters, the list contains the provinces.
    Responses can be cached.
    """
    return build_cacheable_response(request, await places.list_places(session, filters))


@router.get("/{code}", response_model=PlaceDetails, response_class=CacheableResponse)
async def get_place(request: Request, session: Session, code: PlaceCode) -> Response:
    """Get a place.

    `path` contains the province, district, commune and village, as far as the code goes. The response can be cached.
    """
    return build_cacheable_response(request, await places.get_place(session, code))
