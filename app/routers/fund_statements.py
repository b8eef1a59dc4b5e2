"""What a donor is told of a fund and a period: on screen, as a spreadsheet, as a page."""

from uuid import UUID

from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import FundLedgerReader
from app.http.route import Router
from app.http.session import Session
from app.routers.attachments import attachment
from app.schemas.fund_statements import Statement
from app.schemas.wire import Day
from app.services.fund import statement_files as fund_statement_files
from app.services.fund import statements as fund_statements

router = Router(prefix="/funds/{fund_id}/statements/{first_day}/{last_day}", tags=["funds"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"
_BINARY = {"schema": {"type": "string", "format": "binary"}}


class Spreadsheet(Response):
    """A statement as a spreadsheet."""

    media_type = XLSX


class StatementPage(Response):
    """A statement as a page."""

    media_type = PDF


@router.get("")
async def read(
    _caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    first_day: Day,
    last_day: Day,
) -> Statement:
    """Read what a fund's donor is told of a period."""
    return await fund_statements.get_fund_statement(session, fund_id, first_day, last_day)


@router.get("/statement.xlsx", response_class=Spreadsheet, responses={200: {"content": {XLSX: _BINARY}}})
async def spreadsheet(
    _caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    first_day: Day,
    last_day: Day,
    language: RequestedLanguage,
) -> Response:
    """Download a statement as a spreadsheet."""
    return _file(
        XLSX,
        *await fund_statement_files.render_fund_statement_xlsx(
            session, fund_id, first_day, last_day, language
        ),
    )


@router.get("/statement.pdf", response_class=StatementPage, responses={200: {"content": {PDF: _BINARY}}})
async def page(
    _caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    first_day: Day,
    last_day: Day,
    language: RequestedLanguage,
) -> Response:
    """Download a statement as a page to print."""
    return _file(
        PDF,
        *await fund_statement_files.render_fund_statement_pdf(
            session, fund_id, first_day, last_day, language
        ),
    )


def _file(media_type: str, name: str, content: bytes) -> Response:
    return attachment(name, media_type, content)
