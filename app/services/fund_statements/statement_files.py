"""Files of a fund's statement for the donor: a spreadsheet or a PDF, in English or Khmer."""

import asyncio
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from uuid import UUID

from app.access.reader import RecordReader
from app.rendering.printed_file import PrintedFile
from app.schemas.codes import get_code_label
from app.schemas.fund_statements import FundStatement
from app.services.fund_statements.statements import get_fund_statement

AMOUNT_FIELDS = (
    "opening",
    "deposits",
    "received",
    "given_back",
    "spent",
    "rounding",
    "closing",
)
LABELS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Fund statement", "donor": "Donor", "grant_code": "Grant", "period": "Period",
        "opening": "Balance at the beginning", "deposits": "Deposits", "received": "Received from closed funds",
        "given_back": "Returned when the fund was closed", "spent": "Spent", "rounding": "Rounding differences", "closing": "Balance at the end",
        "category": "Spending by category",
        "payments": "Payments", "few": "fewer than 5", "other": "Other categories",
    },
    "km": {
        "title": "របាយការណ៍មូលនិធិ", "donor": "ម្ចាស់ជំនួយ", "grant_code": "លេខកូដជំនួយ", "period": "រយៈពេល",
        "opening": "សមតុល្យដើមគ្រា", "deposits": "ការដាក់ប្រាក់", "received": "ទទួលពីមូលនិធិដែលបានបិទ",
        "given_back": "បានប្រគល់វិញពេលបិទមូលនិធិ", "spent": "បានចំណាយ", "rounding": "លម្អៀងនៃការបង្គត់ប្រាក់",
        "closing": "សមតុល្យចុងគ្រា",
        "category": "ចំណាយលើ",
        "payments": "ចំនួនលើក", "few": "តិចជាង ៥", "other": "ប្រភេទផ្សេងទៀត",
    },
}  # fmt: skip


async def render_fund_statement_xlsx(
    reader: RecordReader, fund_id: UUID, first_day: date, last_day: date, language: str
) -> tuple[str, bytes]:
    """Return the file name and the content of a statement as a spreadsheet."""
    statement = await get_fund_statement(reader, fund_id, first_day, last_day)
    content = await asyncio.to_thread(_render_xlsx, statement, language)
    return _build_file_name(statement, "xlsx"), content


async def render_fund_statement_pdf(
    reader: RecordReader, fund_id: UUID, first_day: date, last_day: date, language: str
) -> tuple[str, PrintedFile]:
    """Return the file name and the content of a statement as a PDF."""
    statement = await get_fund_statement(reader, fund_id, first_day, last_day)
    content = await asyncio.to_thread(_render_pdf, statement, language)
    return _build_file_name(statement, "pdf"), content


def _build_file_name(statement: FundStatement, extension: str) -> str:
    return f"statement-{statement.first_day}-{statement.last_day}.{extension}"


def build_statement_rows(statement: FundStatement, language: str) -> Iterator[tuple[str, str | Decimal, str]]:
    """Yield the rows of a statement as label, value, and unit or number of payments."""
    labels = LABELS[language]
    yield labels["donor"], statement.donor, ""
    yield labels["grant_code"], statement.grant_code or "—", ""
    yield labels["period"], f"{statement.first_day} … {statement.last_day}", ""
    for name in AMOUNT_FIELDS:
        yield labels[name], Decimal(getattr(statement, name).amount), statement.currency
    yield labels["category"], "", labels["payments"]
    for line in statement.lines:
        category = (
            labels["other"]
            if line.category is None
            else get_code_label("assistance_category", line.category, language)
        )
        count = labels["few"] if line.payments is None else str(line.payments)
        yield category, Decimal(line.spent.amount), count


def _render_xlsx(statement: FundStatement, language: str) -> bytes:
    from xlsxwriter import Workbook  # noqa: PLC0415 - slow to import and rarely needed

    output = BytesIO()
    # A donor's name that begins with "=" or "http" must stay a text.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(output, options) as workbook:
        sheet = workbook.add_worksheet()
        bold = workbook.add_format({"bold": True})
        number = workbook.add_format({"num_format": "#,##0.00" if statement.currency == "USD" else "#,##0"})
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 2, 24)
        sheet.write_string(0, 0, f"{LABELS[language]['title']}: {statement.name}", bold)
        for row, (label, value, note) in enumerate(build_statement_rows(statement, language), 2):
            sheet.write_string(row, 0, label)
            if isinstance(value, Decimal):
                sheet.write_number(row, 1, float(value), number)
            else:
                sheet.write_string(row, 1, value)
            sheet.write_string(row, 2, note)
    return output.getvalue()


def _render_pdf(statement: FundStatement, language: str) -> PrintedFile:
    from app.services.fund_statements.statement_layout import lay_out_statement  # noqa: PLC0415 - slow to import and rarely needed

    title = f"{LABELS[language]['title']}: {statement.name}"
    return lay_out_statement(title, build_statement_rows(statement, language), language)
