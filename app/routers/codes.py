"""Endpoints of code lists with their English and Khmer labels."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request, Response

from app.http.authorization import PublicEndpoint
from app.http.problem_details import get_preferred_language
from app.http.responses import CacheableResponse, build_cacheable_response
from app.http.route import Router
from app.schemas.reference import CodeList, CodeListIndex, FaultCodeList
from app.schemas.wire import PageQuery
from app.services import code_lists

router = Router(
    prefix="/codes",
    tags=["reference"],
    dependencies=[Depends(PublicEndpoint("a sign-in page needs the labels, which are public"))],
)

AcceptLanguageHeader = Annotated[
    str, Header(alias="Accept-Language", description="Language of `label` and `title`: `en` or `km`.")
]


@router.get("", response_model=CodeListIndex, response_class=CacheableResponse)
async def list_code_lists(
    request: Request, page: Annotated[PageQuery, Query()], accept_language: AcceptLanguageHeader = "en"
) -> Response:
    """List the code lists in alphabetical order of their names.

    Each list contains its codes with English and Khmer labels. Responses can be cached.
    """
    return build_cacheable_response(
        request, code_lists.list_code_lists(get_preferred_language(accept_language), page)
    )


@router.get("/fault", response_model=FaultCodeList, response_class=CacheableResponse)
async def get_fault_code_list(request: Request, accept_language: AcceptLanguageHeader = "en") -> Response:
    """Get the list of fault codes.

    Contains every code of a validation error, an unmet condition or a warning, with an English explanation and, where there
    is one, a Khmer one. The index of the code lists does not contain it. The response can be cached.
    """
    return build_cacheable_response(
        request, code_lists.get_fault_code_list(get_preferred_language(accept_language))
    )


@router.get("/{name}", response_model=CodeList, response_class=CacheableResponse)
async def get_code_list(
    request: Request,
    name: Annotated[str, Path(pattern="^[a-z_]{1,60}$")],
    accept_language: AcceptLanguageHeader = "en",
) -> Response:
    """Get a code list.

    Contains the codes with English and Khmer labels, in the order of display. The response can be cached.
    """
    return build_cacheable_response(
        request, code_lists.get_code_list(name, get_preferred_language(accept_language))
    )
