"""A fund's statement as a file for the donor: a spreadsheet, or a page to sign; in English or Khmer."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from io import BytesIO
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.schemas.codes import get_code_label
from app.schemas.fund_statements import FundStatement
from app.services.fund import statements as fund_statements

STATEMENT_ROWS = ("opening", "deposits", "received", "given_back", "spent", "closing", "reserved", "advanced")
LABELS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Statement of a fund", "donor": "Donor", "grant_code": "Grant", "period": "Period",
        "opening": "Balance at the beginning", "deposits": "Deposits", "received": "From funds that were closed",
        "given_back": "Given back as the fund was closed", "spent": "Spent", "closing": "Balance at the end",
        "reserved": "of it promised", "advanced": "of it paid, receipts to come", "category": "Spent on",
        "payments": "Payments", "few": "fewer than 5",
    },
    "km": {
        "title": "របាយការណ៍មូលនិធិ", "donor": "ម្ចាស់ជំនួយ", "grant_code": "លេខកូដជំនួយ", "period": "រយៈពេល",
        "opening": "សមតុល្យដើមគ្រា", "deposits": "ប្រាក់បានទទួល", "received": "ទទួលពីមូលនិធិដែលបានបិទ",
        "given_back": "បានប្រគល់វិញពេលបិទមូលនិធិ", "spent": "បានចំណាយ", "closing": "សមតុល្យចុងគ្រា",
        "reserved": "ក្នុងនោះបានកក់ទុក", "advanced": "ក្នុងនោះបានបើក រង់ចាំបង្កាន់ដៃ", "category": "ចំណាយលើ",
        "payments": "ចំនួនលើក", "few": "តិចជាង ៥",
    },
}  # fmt: skip


async def render_fund_statement_xlsx(
    session: AsyncSession, fund_id: UUID, first_day: date, last_day: date, language: str
) -> tuple[str, bytes]:
    """Return a statement as a spreadsheet, with a name for the file."""
    told = await fund_statements.get_fund_statement(session, fund_id, first_day, last_day)
    return _build_file_name(told, "xlsx"), await asyncio.to_thread(_render_xlsx, told, language)


async def render_fund_statement_pdf(
    session: AsyncSession, fund_id: UUID, first_day: date, last_day: date, language: str
) -> tuple[str, bytes]:
    """Return a statement as a PDF, with a name for the file."""
    told = await fund_statements.get_fund_statement(session, fund_id, first_day, last_day)
    return _build_file_name(told, "pdf"), await asyncio.to_thread(_render_pdf, told, language)


def _build_file_name(payload: FundStatement, ending: str) -> str:
    return f"statement-{payload.first_day}-{payload.last_day}.{ending}"


def build_statement_rows(payload: FundStatement, language: str) -> Iterator[tuple[str, str | Decimal, str]]:
    """Yield the rows of a statement: what, how much or who, and how often."""
    words = LABELS[language]
    yield words["donor"], payload.donor, ""
    yield words["grant_code"], payload.grant_code or "—", ""
    yield words["period"], f"{payload.first_day} … {payload.last_day}", ""
    for name in STATEMENT_ROWS:
        yield words[name], Decimal(getattr(payload, name).amount), payload.currency
    yield words["category"], "", words["payments"]
    for line in payload.lines:
        count = words["few"] if line.payments is None else str(line.payments)
        yield (
            get_code_label("assistance_category", line.category, language),
            Decimal(line.spent.amount),
            count,
        )


def _render_xlsx(payload: FundStatement, language: str) -> bytes:
    from xlsxwriter import Workbook  # noqa: PLC0415 - slow to import, and seldom needed

    file = BytesIO()
    # Nothing a donor's name begins with is a formula: texts stay texts.
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        number = book.add_format({"num_format": "#,##0.00" if payload.currency == "USD" else "#,##0"})
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 2, 24)
        sheet.write_string(0, 0, f"{LABELS[language]['title']}: {payload.name}", bold)
        for place, (what, much, often) in enumerate(build_statement_rows(payload, language), 2):
            sheet.write_string(place, 0, what)
            if isinstance(much, Decimal):
                sheet.write_number(place, 1, float(much), number)
            else:
                sheet.write_string(place, 1, much)
            sheet.write_string(place, 2, often)
    return file.getvalue()


def _render_pdf(payload: FundStatement, language: str) -> bytes:
    from app.rendering.pdf import PdfDocument, TextStyle  # noqa: PLC0415 - same

    title = f"{LABELS[language]['title']}: {payload.name}"
    paper = PdfDocument(title, language)
    with closing(paper):
        paper.add_page()
        y = 64.0
        for line in paper.wrap_text(title, 480, TextStyle(16, bold=True)):
            paper.write_line(56, y, line, TextStyle(16, bold=True))
            y += TextStyle(16).line_height
        y += 12
        for what, much, often in build_statement_rows(payload, language):
            paper.write_line(56, y, what, TextStyle(10))
            paper.write_line(460 - paper.measure_text(str(much), TextStyle(10)), y, str(much), TextStyle(10))
            paper.write_line(470, y, often, TextStyle(9, gray=0.35))
            paper.draw_rule(56, y + TextStyle(10).line_height, 483, 0.3, 0.7)
            y += TextStyle(10).line_height + 4
        return bytes(paper.output())
