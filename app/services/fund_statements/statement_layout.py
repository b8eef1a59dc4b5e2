"""Lay out a fund's statement on PDF pages: a heading and a table of amounts."""

from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal

from app.rendering.page_flow import BODY_STYLE, CONTENT_WIDTH, LEFT_MARGIN, PageFlow
from app.rendering.pdf import TextStyle
from app.rendering.printed_file import PrintedFile

HEADING_STYLE, NOTE_STYLE = TextStyle(16, bold=True), TextStyle(9, gray=0.35)
LABEL_WIDTH, VALUE_LEFT, VALUE_RIGHT, NOTE_LEFT = 240.0, 250.0, 404.0, 414.0
"""Columns of the table: label, value (amounts are right-aligned) and unit or number of payments."""


def lay_out_statement(
    title: str, rows: Iterable[tuple[str, str | Decimal, str]], language: str
) -> PrintedFile:
    """Return the statement as a PDF."""
    flow = PageFlow(title, language)
    with closing(flow.pdf):
        flow.add_page()
        flow.write_text(title, HEADING_STYLE)
        flow.y += 12
        for label, value, note in rows:
            _write_row(flow, label, value, note)
        return flow.pdf.finish()


def _write_row(flow: PageFlow, label: str, value: str | Decimal, note: str) -> None:
    """Write a row on one page. An amount is right-aligned; a text starts at the left of its column and is wrapped."""
    pdf, text = flow.pdf, str(value)
    text_width = CONTENT_WIDTH - VALUE_LEFT if not note else VALUE_RIGHT - VALUE_LEFT
    value_left = (
        VALUE_RIGHT - pdf.measure_text(text, BODY_STYLE) if isinstance(value, Decimal) else VALUE_LEFT
    )
    label_lines = pdf.wrap_text(label, LABEL_WIDTH, BODY_STYLE)
    value_lines = pdf.wrap_text(text, text_width, BODY_STYLE)
    note_lines = pdf.wrap_text(note, CONTENT_WIDTH - NOTE_LEFT, NOTE_STYLE)
    line_count = max(len(label_lines), len(value_lines), len(note_lines))
    flow.ensure_space(line_count * BODY_STYLE.line_height + 4)
    flow.write_columns(
        [
            (0.0, label_lines, BODY_STYLE),
            (value_left, value_lines, BODY_STYLE),
            (NOTE_LEFT, note_lines, NOTE_STYLE),
        ]
    )
    pdf.draw_rule(LEFT_MARGIN, flow.y, CONTENT_WIDTH, 0.3, 0.7)
    flow.y += 4
