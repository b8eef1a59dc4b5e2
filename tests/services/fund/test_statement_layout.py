"""The pages of a fund's statement as PDF."""

from decimal import Decimal

from app.services.fund_statements.statement_layout import lay_out_statement
from tests.support.printed_pages import extract_text, list_drawn_glyphs, parse_pdf

LONG_NAME = "Nguyễn Thị Hồng Đặng " * 12


def test_statement_of_200_rows_and_a_long_donor_is_printed_completely() -> None:
    # Catches: rows written without a page break.
    rows: list[tuple[str, str | Decimal, str]] = [
        ("Donor", LONG_NAME, ""),
        *((f"Category {number}", Decimal("12.50"), "fewer than 5") for number in range(200)),
    ]
    printed = lay_out_statement(LONG_NAME, rows, "en")
    reader = parse_pdf(printed.content)
    text = extract_text(reader)
    assert text.count("Đặng") == 24
    assert all(f"Category {number}" in text for number in range(200))
    assert text.count("12.50") == 200
    assert len(reader.pages) > 4
    assert printed.missing_characters == 0
    assert all(glyph.glyph_name != ".notdef" for page in reader.pages for glyph in list_drawn_glyphs(page))
