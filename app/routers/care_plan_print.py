"""The printable care plan."""

from uuid import UUID

from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import CarePlanPrinter
from app.http.route import Router
from app.http.session import Session
from app.services.care_plans import pdf as care_plan_print

router = Router(prefix="/care-plans", tags=["care-plans"])


class PdfResponse(Response):
    """A PDF to be shown or printed."""

    media_type = "application/pdf"


_BINARY_CONTENT = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/{plan_id}/print.pdf",
    response_class=PdfResponse,
    responses={200: {"content": {PdfResponse.media_type: _BINARY_CONTENT}}},
)
async def download_care_plan_pdf(
    _caller: CarePlanPrinter,
    session: Session,
    plan_id: UUID,
    language: RequestedLanguage,
) -> Response:
    """Print a care plan for the court and the family, as PDF, in English or Khmer; a draft says that it is one."""
    return _build_pdf_response(
        *await care_plan_print.render_care_plan_pdf(session, plan_id, language), language
    )


def _build_pdf_response(name: str, content: bytes, language: str) -> PdfResponse:
    told = {"Content-Language": language, "Vary": "Accept-Language"}
    return PdfResponse(content, headers={"Content-Disposition": f'inline; filename="{name}"', **told})
