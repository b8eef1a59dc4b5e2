"""Endpoints of fund statements: as JSON, spreadsheet and PDF."""

from uuid import UUID

from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import FundLedgerReader
from app.http.printed_responses import PDF_CONTENT, PdfResponse, build_pdf_response
from app.http.responses import build_attachment_response, describe_attachment
from app.http.route import Router
from app.http.session import Reader
from app.schemas.dates import PlanDate
from app.schemas.fund_statements import FundStatement
from app.services.fund_statements import statement_files, statements

router = Router(prefix="/funds/{fund_id}/statements/{first_day}/{last_day}", tags=["funds"])
XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class XlsxResponse(Response):
    """A statement as a spreadsheet."""

    media_type = XLSX_MEDIA_TYPE


@router.get("")
async def get_fund_statement(
    _caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    first_day: PlanDate,
    last_day: PlanDate,
) -> FundStatement:
    """Get the statement of a fund for a period.

    The statement is written for the donor. The period consists of whole calendar months. The statement contains sums by
    category and no personal data. A payment is reported in the month in which five payments of its category wait, or five of
    all categories at the end of a quarter, so that no sum belongs to fewer than five payments.
    """
    return await statements.get_fund_statement(reader, fund_id, first_day, last_day)


@router.get(
    "/statement.xlsx",
    response_class=XlsxResponse,
    responses=describe_attachment(XLSX_MEDIA_TYPE),
)
async def download_fund_statement_xlsx(
    _caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    first_day: PlanDate,
    last_day: PlanDate,
    language: RequestedLanguage,
) -> Response:
    """Download the statement of a fund as a spreadsheet.

    The labels are in English or Khmer. The amounts are numbers, so that they can be summed.
    """
    return _build_xlsx_response(
        *await statement_files.render_fund_statement_xlsx(reader, fund_id, first_day, last_day, language)
    )


def _build_xlsx_response(file_name: str, content: bytes) -> Response:
    return build_attachment_response(file_name, XLSX_MEDIA_TYPE, content)


@router.get(
    "/statement.pdf",
    response_class=PdfResponse,
    responses=PDF_CONTENT,
)
async def download_fund_statement_pdf(
    _caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    first_day: PlanDate,
    last_day: PlanDate,
    language: RequestedLanguage,
) -> Response:
    """Download the statement of a fund as a PDF.

    The labels are in English or Khmer. The PDF is one page to print and sign.
    """
    return build_pdf_response(
        *await statement_files.render_fund_statement_pdf(reader, fund_id, first_day, last_day, language),
        language,
        "attachment",
    )
