"""Code lists: what is stored as a code, and what people call it in English and Khmer."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request, Response

from app.http.authorization import Public
from app.http.problem_details import get_preferred_language
from app.http.responses import CacheableResponse, build_cacheable_response
from app.http.route import Router
from app.schemas.reference import CodeList, CodeListIndex
from app.schemas.wire import PageQuery
from app.services import code_lists

router = Router(
    prefix="/codes",
    tags=["reference"],
    dependencies=[Depends(Public("labels are no secret, and a sign-in page needs them"))],
)

AcceptLanguageHeader = Annotated[str, Header(alias="Accept-Language", description="en or km")]


@router.get("", response_model=CodeListIndex, response_class=CacheableResponse)
async def list_code_lists(
    request: Request, page: Annotated[PageQuery, Query()], accept_language: AcceptLanguageHeader = "en"
) -> Response:
    """List the code lists, by name."""
    return build_cacheable_response(
        request, code_lists.list_code_lists(get_preferred_language(accept_language), page)
    )


@router.get("/{name}", response_model=CodeList, response_class=CacheableResponse)
async def get_code_list(
    request: Request,
    name: Annotated[str, Path(pattern="^[a-z_]{1,60}$")],
    accept_language: AcceptLanguageHeader = "en",
) -> Response:
    """Read one code list."""
    return build_cacheable_response(
        request, code_lists.get_code_list(name, get_preferred_language(accept_language))
    )
