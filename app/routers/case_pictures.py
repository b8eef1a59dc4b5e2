"""A case as a picture."""

from uuid import UUID

from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import CaseChartReader
from app.http.route import Router
from app.http.session import Session
from app.services.reviews import ecomap
from app.services.reviews import progress_chart as progress

router = Router(prefix="/cases", tags=["cases"])


class SvgResponse(Response):
    """An SVG drawing to be shown in place; it needs nothing that the policy of every answer forbids."""

    media_type = "image/svg+xml"


@router.get("/{case_id}/ecomap.svg", response_class=SvgResponse)
async def get_case_ecomap(
    _caller: CaseChartReader,
    session: Session,
    case_id: UUID,
    language: RequestedLanguage,
) -> Response:
    """Draw the child in the middle of family, community and services."""
    return _build_svg_response(await ecomap.render_ecomap(session, case_id, language), language)


@router.get("/{case_id}/progress.svg", response_class=SvgResponse)
async def get_case_progress_chart(
    _caller: CaseChartReader,
    session: Session,
    case_id: UUID,
    language: RequestedLanguage,
) -> Response:
    """Draw how each area was rated in assessments and reviews."""
    return _build_svg_response(await progress.render_progress_chart(session, case_id, language), language)


def _build_svg_response(drawing: str, language: str) -> SvgResponse:
    told = {"Content-Disposition": "inline", "Content-Language": language, "Vary": "Accept-Language"}
    return SvgResponse(drawing, headers=told)
