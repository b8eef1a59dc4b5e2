"""A report as a spreadsheet: the figures with a chart, and the definitions."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from app.schemas.codes import get_code_label
from app.schemas.reports import ReportResult
from app.services.reports.table_rows import (
    GRANT,
    Column,
    SlowReport,
    get_text,
    list_columns,
    list_dimension_titles,
    list_rows,
)

SHEET_NAMES = {"en": ("Figures", "Definitions"), "km": ("តួលេខ", "និយមន័យ")}
FIRST_ROW = 3
NUMBER_FORMATS = {"count": "#,##0", "percentage": "0.0", "number": "#,##0.0", "money": "#,##0.00"}
MAX_CHART_ROWS = 60
"""A chart with more groups cannot be read."""
FIELD_LABELS = {
    "en": ("Period", "Definition", "Numerator", "Denominator", "Period rule", "Pitfall"),
    "km": ("រយៈពេល", "និយមន័យ", "ភាគយក", "ភាគបែង", "វិធានរយៈពេល", "ចំណុចត្រូវប្រយ័ត្ន"),
}


def render_xlsx(parts: Sequence[ReportResult | SlowReport], language: str) -> bytes:
    """Return a workbook with the figures and the definition of each report. A slow report has a sheet with a note."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - slow to import and rarely needed

    output = BytesIO()
    # The name of a team that begins with "=" or "http" must stay a text.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(output, options) as workbook:
        for number, part in enumerate(parts, 1):
            prefix = f"{number} " if len(parts) > 1 else ""
            figures_name, definitions_name = (prefix + name for name in SHEET_NAMES[language])
            if isinstance(part, SlowReport):
                _write_note(workbook, workbook.add_worksheet(figures_name), part, language)
                continue
            _write_figures(workbook, workbook.add_worksheet(figures_name), part, language)
            _write_definitions(workbook, workbook.add_worksheet(definitions_name), part, language)
    return output.getvalue()


def _write_note(workbook: Any, sheet: Any, report: SlowReport, language: str) -> None:
    sheet.set_column(0, 0, 90)
    sheet.write_string(0, 0, report.get_title(language), workbook.add_format({"bold": True}))
    sheet.write_string(1, 0, f"{report.first_day} … {report.last_day}")
    sheet.write_string(2, 0, report.build_note(language))


def _write_figures(workbook: Any, sheet: Any, result: ReportResult, language: str) -> None:
    bold = workbook.add_format({"bold": True, "text_wrap": True})
    columns = list_columns(result, language)
    titles = [*list_dimension_titles(result, language), *(column.title for column in columns)]
    sheet.set_column(0, len(titles), 18)
    sheet.write_string(0, 0, get_text(result.report.title, language), bold)
    sheet.write_string(1, 0, f"{result.current.first_day} … {result.current.last_day}")
    for position, title in enumerate(titles):
        sheet.write_string(FIRST_ROW - 1, position, title, bold)
    formats = [workbook.add_format({"num_format": NUMBER_FORMATS[column.kind]}) for column in columns]
    rows = list(list_rows(result, language))
    for n, (group, figures) in enumerate(rows, FIRST_ROW):
        for position, (_, label) in enumerate(group):
            sheet.write_string(n, position, label)
        for position, (figure, number_format) in enumerate(zip(figures, formats, strict=True), len(group)):
            if figure is not None:
                sheet.write_number(n, position, float(figure), number_format)
    sheet.freeze_panes(FIRST_ROW, len(result.by))
    if 0 < len(result.current.rows) <= MAX_CHART_ROWS:
        _insert_chart(workbook, sheet, result, columns)


def _insert_chart(workbook: Any, sheet: Any, result: ReportResult, columns: list[Column]) -> None:
    """Insert a column chart of the first figure by group, under the rows."""
    chart = workbook.add_chart({"type": "column"})
    first, last, width = FIRST_ROW, FIRST_ROW + len(result.current.rows) - 1, len(result.by)
    for position, column in enumerate(columns, width):
        if column.measure == columns[0].measure:
            chart.add_series({
                "name": [sheet.name, FIRST_ROW - 1, position],
                "categories": [sheet.name, first, 0, last, width - 1],
                "values": [sheet.name, first, position, last, position],
            })  # fmt: skip
    chart.set_title({"name": columns[0].title})
    sheet.insert_chart(last + 4, 0, chart)


def _write_definitions(workbook: Any, sheet: Any, result: ReportResult, language: str) -> None:
    bold = workbook.add_format({"bold": True, "valign": "top"})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    report = result.report
    values = (
        f"{result.current.first_day} … {result.current.last_day}",
        get_text(report.definition, language),
        report.numerator,
        report.denominator or "-",
        get_code_label("report_period", report.period.kind, language),
        report.pitfall,
    )
    lines = [*zip(FIELD_LABELS[language], values, strict=True)]
    lines += [(GRANT[language], result.grant_code)] if result.grant_code else []
    lines.append(("", ""))
    lines += [(measure.name, get_text(measure.title, language)) for measure in report.measures]
    for n, (label, value) in enumerate(lines):
        sheet.write_string(n, 0, label, bold)
        sheet.write_string(n, 1, value, wrapped)
