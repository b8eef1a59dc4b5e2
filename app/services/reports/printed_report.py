"""A report to print: title, period and definition, then a bar chart, a table or both."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from app.kit.formatting import format_date, format_number
from app.rendering.printed_file import PrintedFile
from app.rendering.strip_svg import render_strips_svg
from app.rendering.strips import (
    NOTE_GRAY,
    TITLE_SIZE,
    Bar,
    Strip,
    build_bar_chart,
    build_gap,
    build_paragraph,
    build_table,
)
from app.schemas.money import Money
from app.schemas.reports import ReportFigure, ReportMeasure, ReportResult, ReportRow, ReportTable
from app.services.reports.table_rows import (
    GRANT,
    PREVIOUS,
    TOTAL,
    SlowReport,
    get_text,
    list_dimension_titles,
)

MAX_BARS = 60
"""A chart with more groups cannot be read."""
MAX_COLUMNS = 5
"""Number of columns of figures that fit on a page."""
LABELS = {
    "en": {
        "open": "The period is not over. The figures can change.",
        "empty": "Groups without records are omitted.",
        "figure": "Figure",
        "period": "Period",
    },
    "km": {
        "open": "រយៈពេលមិនទាន់ចប់ទេ។ តួលេខអាចផ្លាស់ប្តូរ។",
        "empty": "ក្រុមដែលគ្មានកំណត់ត្រាមិនត្រូវបានបង្ហាញទេ។",
        "figure": "តួលេខ",
        "period": "រយៈពេល",
    },
}


def render_report_svg(result: ReportResult, language: str) -> PrintedFile:
    """Return a picture: a bar chart, or a table if the report has nothing to draw as bars."""
    strips = [*_build_head(result, language)]
    chart = [*_build_chart(result, language)]
    strips += chart or _build_tables(result, language)
    title = get_text(result.report.title, language)
    return render_strips_svg(strips, title, get_text(result.report.definition, language), language)


def render_report_pdf(result: ReportResult, language: str) -> PrintedFile:
    """Return a PDF with the chart and the tables."""
    from app.rendering.strip_pdf import render_strips_pdf  # noqa: PLC0415 - slow to import and rarely needed

    title = get_text(result.report.title, language)
    return render_strips_pdf([build_report_strips(result, language)], title, language)


def build_report_strips(result: ReportResult, language: str) -> list[Strip]:
    """Return the head, the chart and the tables of a report."""
    return [
        *_build_head(result, language),
        *_build_chart(result, language),
        *_build_tables(result, language),
    ]


def build_part_strips(part: ReportResult | SlowReport, language: str) -> list[Strip]:
    """Return a part of the file of a run: a report, or the note about a report that took too long."""
    if isinstance(part, ReportResult):
        return build_report_strips(part, language)
    title, period = part.get_title(language), format_days(part.first_day, part.last_day, language)
    return [
        *build_paragraph(title, TITLE_SIZE, bold=True, following_height=90),
        *build_paragraph(f"{LABELS[language]['period']}: {period}"),
        build_gap(5),
        *build_paragraph(part.build_note(language)),
    ]


def _build_head(result: ReportResult, language: str) -> Iterator[Strip]:
    labels = LABELS[language]
    yield from build_paragraph(
        get_text(result.report.title, language), TITLE_SIZE, bold=True, following_height=90
    )
    yield from build_paragraph(f"{labels['period']}: {format_period(result.current, language)}")
    if result.previous is not None:
        previous = format_period(result.previous, language)
        yield from build_paragraph(f"{PREVIOUS[language].capitalize()}: {previous}")
    if result.grant_code is not None:
        yield from build_paragraph(f"{GRANT[language]}: {result.grant_code}")
    yield build_gap(5)
    yield from build_paragraph(get_text(result.report.definition, language), gray=NOTE_GRAY)
    if not result.is_final:
        yield from build_paragraph(labels["open"], gray=NOTE_GRAY)
    if len(_list_groups(result)) < len(result.current.rows):
        yield from build_paragraph(labels["empty"], gray=NOTE_GRAY)
    yield build_gap(12)


def format_period(table: ReportTable, language: str) -> str:
    """Return the first and the last day of a period."""
    return format_days(table.first_day, table.last_day, language)


def format_days(first_day: date, last_day: date, language: str) -> str:
    """Return two days."""
    return f"{format_date(first_day, language)} … {format_date(last_day, language)}"


def _list_tables(result: ReportResult) -> list[ReportTable]:
    return [table for table in (result.current, result.previous) if table is not None]


def _list_groups(result: ReportResult) -> list[tuple[str, list[ReportRow]]]:
    """Return the label and the rows of each group that has a figure, in order. There is a row per period."""
    rows = zip(*(table.rows for table in _list_tables(result)), strict=True)
    return [
        (" · ".join(value.label for value in group[0].group), list(group))
        for group in rows
        if any(_to_number(figure) for row in group for figure in row.figures.values())
    ]


def _build_chart(result: ReportResult, language: str) -> Iterator[Strip]:
    """Yield a chart of the first figure by group or, without groups, of all counts. A cohort has no chart."""
    counts = [measure for measure in result.report.measures if measure.kind == "count"]
    if result.report.period.kind == "cohort" or not counts:
        return
    if result.by:
        first, title = counts[0], get_text(counts[0].title, language)
        bars = [
            Bar(label, tuple(_to_value(row.figures[first.name], first, language) for row in rows))
            for label, rows in _list_groups(result)
        ]
    else:
        title = get_text(result.report.title, language)
        tables = _list_tables(result)
        bars = [
            Bar(
                get_text(measure.title, language),
                tuple(_to_value(table.total[measure.name], measure, language) for table in tables),
            )
            for measure in counts
        ]
    if 0 < len(bars) <= MAX_BARS:
        series = [format_period(table, language) for table in _list_tables(result)]
        yield from build_bar_chart(title, series, bars)
        yield build_gap(14)


def _to_value(figure: ReportFigure, measure: ReportMeasure, language: str) -> tuple[float | None, str]:
    return _to_number(figure), format_figure(figure, measure.kind, language)


def _build_tables(result: ReportResult, language: str) -> Iterator[Strip]:
    """Yield a table with a row per group if the figures fit into its columns, otherwise with a row per figure."""
    columns = [
        (measure, position, _build_heading(measure, position, language))
        for position in range(len(_list_tables(result)))
        for measure in result.report.measures
    ]
    totals = [table.total for table in _list_tables(result)]
    groups = [(label, [row.figures for row in rows]) for label, rows in _list_groups(result)]
    groups.append((TOTAL[language], totals))
    if len(columns) <= MAX_COLUMNS:
        headings = [" · ".join(list_dimension_titles(result, language)), *(title for *_, title in columns)]
        yield from build_table(
            headings,
            [
                [
                    label,
                    *(format_figure(figures[n][m.name], m.kind, language) for m, n, _ in columns),
                ]
                for label, figures in groups
            ],
        )
        return
    for start in range(0, len(groups), MAX_COLUMNS):
        part = groups[start : start + MAX_COLUMNS]
        yield from build_table(
            [LABELS[language]["figure"], *(label for label, _ in part)],
            [
                [title, *(format_figure(figures[n][m.name], m.kind, language) for _, figures in part)]
                for m, n, title in columns
            ],
        )
        yield build_gap(12)


def _build_heading(measure: ReportMeasure, position: int, language: str) -> str:
    title = get_text(measure.title, language)
    return f"{title} ({PREVIOUS[language]})" if position else title


def _to_number(figure: ReportFigure) -> float | None:
    return float(figure.amount) if isinstance(figure, Money) else figure


def format_figure(figure: ReportFigure, kind: str, language: str) -> str:
    """Return a figure with the digits of the language: `—` without a value, a percentage with its sign."""
    if figure is None:
        return "—"
    if isinstance(figure, Money):
        return format_number(f"{Decimal(figure.amount):,}", language)
    text = f"{figure:,}"
    return format_number(f"{text} %" if kind == "percentage" else text, language)
