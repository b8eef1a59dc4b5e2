"""A report as CSV (RFC 4180)."""

import csv
import io
import re

from app.schemas.reports import ReportResult
from app.services.reports.table_rows import list_columns, list_rows

BYTE_ORDER_MARK = "\ufeff"
FORMULA_START = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""The beginning of a text that spreadsheet programs run as a formula. The characters are those that OWASP lists, with their
full-width forms. Spaces before them are no protection, because some programs remove them on import.
"""


def render_csv(result: ReportResult, language: str, *, with_byte_order_mark: bool) -> bytes:
    """Return the rows of a report. Each dimension has a column of codes and one of labels."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    headings = [heading for name in result.by for heading in (name, f"{name}_label")]
    columns = list_columns(result, language)
    writer.writerow([*headings, *(f"previous_{c.measure}" if c.is_previous else c.measure for c in columns)])
    for group, figures in list_rows(result, language):
        texts = [defuse_formula(text) for pair in group for text in pair]
        writer.writerow([*texts, *("" if figure is None else str(figure) for figure in figures)])
    return ((BYTE_ORDER_MARK if with_byte_order_mark else "") + output.getvalue()).encode()


def defuse_formula(text: str) -> str:
    """Return a text that no spreadsheet program runs as a formula: a formula gets an apostrophe in front."""
    return f"'{text}" if FORMULA_START.match(text) else text
