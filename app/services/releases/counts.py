"""Count the facts of a release with the database role of the reports."""

from collections import Counter
from dataclasses import dataclass

from app.access.report_reader import ReportReader
from app.kit.dates import today
from app.services.releases.menu import MenuReport
from app.services.releases.periods import ReleasePeriod
from app.services.reports.definition import UNKNOWN
from app.services.reports.query import Period, build_units_sql, compute_table, count_classified_facts

MIN_MEDIAN_COUNT = 10
"""Smallest number of facts whose median is published."""
Cell = tuple[str, ...]
"""The values of all dimensions of a report, in their order."""


ALL_GRANTS = None
"""Value of the parameter for a grant: a release counts the records of all grants."""


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """The true counts of a report in one period."""

    by_quarter: dict[str, dict[Cell, int]]
    """The counts of the finest cells, by the quarters of the period."""
    median: float | None
    """The median, or None if the report has none or too few facts."""


async def count_facts(reader: ReportReader, report: MenuReport, period: ReleasePeriod) -> ReportCounts:
    """Return the counts of a report.

    Raises:
        Unavailable: a statement took too long.
    """
    quarters = {str(part): await _count_cells(reader, report, part) for part in _list_parts(report, period)}
    return ReportCounts(quarters, await _compute_median(reader, report, period))


def _list_parts(report: MenuReport, period: ReleasePeriod) -> list[ReleasePeriod]:
    """Return the quarters of the period, or the year itself if the report has no tables of quarters."""
    return [period] if report.periods == "years" else period.list_quarters()


async def _count_classified_cells(
    reader: ReportReader, report: MenuReport, part: ReleasePeriod
) -> dict[Cell, int]:
    """Return the counts of a report whose facts are classified in Python."""
    period = Period(part.first_day, part.last_day)
    facts = await count_classified_facts(reader, report.report, period, ALL_GRANTS)
    positions = [report.report.find_position(dimension.sql) for dimension in report.dimensions]
    counts = Counter[Cell]()
    for codes, number in facts.items():
        counts[tuple(codes[position] for position in positions)] += number
    return dict(counts)


async def _count_cells(reader: ReportReader, report: MenuReport, quarter: ReleasePeriod) -> dict[Cell, int]:
    if report.report.needs_run:
        return await _count_classified_cells(reader, report, quarter)
    names = [f"value_{number}" for number, _ in enumerate(report.dimensions)]
    values = ", ".join(
        f"coalesce({dimension.sql}, '{UNKNOWN}') AS {name}"
        for dimension, name in zip(report.dimensions, names, strict=True)
    )
    sql = f"""
        {build_units_sql(report.report)}
        SELECT {values}, count(*) AS facts FROM units GROUP BY {", ".join(names)}
    """  # noqa: S608 - every name comes from the menu
    rows = await reader.fetch(sql, quarter.first_day, quarter.last_day, today(), ALL_GRANTS)
    return {tuple(row[name] for name in names): row["facts"] for row in rows}


async def _compute_median(reader: ReportReader, report: MenuReport, period: ReleasePeriod) -> float | None:
    if report.median_measure is not None:
        days = Period(period.first_day, period.last_day)
        figures = (await compute_table(reader, report.report, days, [])).total
        median, exits = figures[report.median_measure], figures["exits"]
        is_published = isinstance(exits, int) and exits >= MIN_MEDIAN_COUNT
        return median if is_published and isinstance(median, float) else None
    if report.median is None:
        return None
    sql = f"""
        {build_units_sql(report.report)}
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY {report.median}) AS median, count({report.median}) AS facts
          FROM units
    """  # noqa: S608 - every name comes from the menu
    (row,) = await reader.fetch(sql, period.first_day, period.last_day, today(), ALL_GRANTS)
    return None if row["facts"] < MIN_MEDIAN_COUNT else round(float(row["median"]), 1)
