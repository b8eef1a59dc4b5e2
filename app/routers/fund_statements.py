"""Endpoints of fund statements: as JSON, spreadsheet and PDF."""

from uuid import UUID

from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import FundLedgerReader
from app.http.responses import build_attachment_response
from app.http.route import Router
from app.http.session import Reader
from app.schemas.fund_statements import FundStatement
from app.schemas.wire import PlainDate
from app.services.fund import statement_files, statements

router = Router(prefix="/funds/{fund_id}/statements/{first_day}/{last_day}", tags=["funds"])
XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF_MEDIA_TYPE = "application/pdf"
_BINARY_CONTENT = {"schema": {"type": "string", "format": "binary"}}


class XlsxResponse(Response):
    """A statement as a spreadsheet."""

    media_type = XLSX_MEDIA_TYPE


class PdfResponse(Response):
    """A statement as a PDF."""

    media_type = PDF_MEDIA_TYPE


@router.get("")
async def get_fund_statement(
    _caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    first_day: PlainDate,
    last_day: PlainDate,
) -> FundStatement:
    """Get the statement of a fund for a period.

    The statement is written for the donor. It contains sums by category and no personal data; `payments` is null below
    5.
    """
    return await statements.get_fund_statement(reader, fund_id, first_day, last_day)


@router.get(
    "/statement.xlsx",
    response_class=XlsxResponse,
    responses={200: {"content": {XLSX_MEDIA_TYPE: _BINARY_CONTENT}}},
)
async def download_fund_statement_xlsx(
    _caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    first_day: PlainDate,
    last_day: PlainDate,
    language: RequestedLanguage,
) -> Response:
    """Download the statement of a fund as a spreadsheet.

    The labels are in English or Khmer. The amounts are numbers, so that they can be summed.
    """
    return _build_file_response(
        XLSX_MEDIA_TYPE,
        *await statement_files.render_fund_statement_xlsx(reader, fund_id, first_day, last_day, language),
    )


@router.get(
    "/statement.pdf",
    response_class=PdfResponse,
    responses={200: {"content": {PDF_MEDIA_TYPE: _BINARY_CONTENT}}},
)
async def download_fund_statement_pdf(
    _caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    first_day: PlainDate,
    last_day: PlainDate,
    language: RequestedLanguage,
) -> Response:
    """Download the statement of a fund as a PDF.

    The labels are in English or Khmer. The PDF is one page to print and sign.
    """
    return _build_file_response(
        PDF_MEDIA_TYPE,
        *await statement_files.render_fund_statement_pdf(reader, fund_id, first_day, last_day, language),
    )


def _build_file_response(media_type: str, file_name: str, content: bytes) -> Response:
    return build_attachment_response(file_name, media_type, content)
