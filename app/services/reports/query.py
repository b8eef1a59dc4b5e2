"""Compute the figures of a report with one SQL statement."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from app.access.report_reader import ReportReader
from app.kit.dates import add_months, today
from app.schemas.money import Money
from app.services.reports.definition import UNKNOWN, Measure, Report
from app.services.reports.population import POPULATION_SQL

Figure: TypeAlias = int | float | Money | None
Group: TypeAlias = tuple[str, ...]
"""The codes of a group, one per dimension."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a report, both included."""

    first_day: date
    last_day: date

    @property
    def previous(self) -> "Period":
        """The period of the same length that ends the day before. Whole months are preceded by as many whole months."""
        last_day = self.first_day - timedelta(days=1)
        if self.first_day.day == 1 and (self.last_day + timedelta(days=1)).day == 1:
            months = (
                (self.last_day.year - self.first_day.year) * 12
                + self.last_day.month
                - self.first_day.month
                + 1
            )
            return Period(add_months(self.first_day, -months), last_day)
        return Period(last_day - (self.last_day - self.first_day), last_day)


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a report for one period: by group, and in total."""

    by_group: dict[Group, dict[str, Figure]]
    total: dict[str, Figure]


async def compute_table(
    reader: ReportReader, report: Report, period: Period, by: Sequence[str], grant_code: str | None = None
) -> Table:
    """Return the figures of a period, grouped by the given dimensions. Without dimensions, there is only the total.

    With a grant, only the records with its code are counted.

    Raises:
        Unavailable: the statement took too long.
    """
    if report.classify is not None:
        return await _count_classified(reader, report, period, by, grant_code)
    rows = await reader.fetch(build_sql(report, by), period.first_day, period.last_day, today(), grant_code)
    (total,) = (row for row in rows if row["is_total"])
    groups = {
        tuple(row[name] or UNKNOWN for name in by): _build_figures(report.measures, row)
        for row in rows
        if not row["is_total"]
    }
    return Table(groups, _build_figures(report.measures, total))


async def _count_classified(
    reader: ReportReader, report: Report, period: Period, by: Sequence[str], grant_code: str | None
) -> Table:
    """Return the number of facts per group, for a report whose facts are classified in Python."""
    counts = Counter[Group]()
    for cell, facts in (await count_classified_facts(reader, report, period, grant_code)).items():
        counts[tuple(cell[report.find_position(name)] for name in by)] += facts
    (measure,) = report.measures
    groups: dict[Group, dict[str, Figure]] = {
        group: {measure.name: facts} for group, facts in counts.items() if by
    }
    return Table(groups, {measure.name: counts.total()})


async def count_classified_facts(
    reader: ReportReader, report: Report, period: Period, grant_code: str | None
) -> Counter[Group]:
    """Return the number of facts by the codes of all dimensions. No more than a batch of facts is in memory.

    Raises:
        Unavailable: the statement took too long.
    """
    sql = f"{build_units_sql(report)} SELECT * FROM units"  # noqa: S608 - every name comes from the definition
    counts = Counter[Group]()
    arguments = (period.first_day, period.last_day, today(), grant_code)
    async for facts in reader.fetch_batches(sql, *arguments):
        # Decryption uses the processor. A thread leaves the event loop to other work.
        counts += await asyncio.to_thread(_classify_facts, report, facts)
    return counts


def _classify_facts(report: Report, facts: Sequence[Mapping[str, Any]]) -> Counter[Group]:
    classify = report.classify
    if classify is None:
        msg = f"The facts of {report.name} are grouped in SQL."
        raise TypeError(msg)
    cells = map(classify, facts)
    return Counter(tuple(cell[dimension.name] for dimension in report.dimensions) for cell in cells)


def build_sql(report: Report, by: Sequence[str]) -> str:
    """Return the statement of a report. Its parameters are the first and last day of the period, today and a grant or NULL.

    Every name in the statement comes from the definition of the report.
    """
    measures = ", ".join(f"{measure.sql} AS {measure.name}" for measure in report.measures if measure.sql)
    groups = [f"coalesce({name}, '{UNKNOWN}')" for name in by]
    named_groups = "".join(f"{group} AS {name}, " for group, name in zip(groups, by, strict=True))
    grouping = f"GROUP BY GROUPING SETS (({', '.join(groups)}), ())" if by else ""
    is_total = f"grouping({groups[0]}) = 1" if by else "true"
    return f"""
        {build_units_sql(report)}
        SELECT {is_total} AS is_total, {named_groups} {measures} FROM units {grouping}
    """  # noqa: S608 - every name comes from the definition of the report


def build_units_sql(report: Report) -> str:
    """Return the WITH clause that defines `units`, the rows that the report counts in a period. It has the same parameters."""
    only_units = f"DISTINCT ON ({report.unit})" if report.unit else ""
    latest_first = f"ORDER BY {report.unit}, starts_on DESC, id DESC" if report.unit else ""
    return f"""
        WITH {POPULATION_SQL},
        facts AS ({report.facts}),
        units AS (SELECT {only_units} *{report.period.extra_columns} FROM facts WHERE {report.period.condition} {latest_first})
    """  # noqa: S608 - every name comes from the definition of the report


def build_empty_figures(measures: Sequence[Measure]) -> dict[str, Figure]:
    """Return the figures of a group without facts."""
    return _build_figures(
        measures, {measure.name: None if measure.kind == "number" else 0 for measure in measures}
    )


def _build_figures(measures: Sequence[Measure], row: Mapping[str, Any]) -> dict[str, Figure]:
    return {measure.name: _build_figure(measure, row) for measure in measures}


def _build_figure(measure: Measure, row: Mapping[str, Any]) -> Figure:
    if measure.kind == "percentage":
        return _divide(row[measure.numerator], row[measure.denominator])
    value: Any = row[measure.name]
    if measure.kind == "money":
        return Money.from_minor_units(int(value or 0), measure.currency or "")
    if measure.summarize is not None:
        value = measure.summarize(value or ())
    if measure.kind == "number":
        return None if value is None else _round(Decimal(value))
    return int(value)


def _divide(numerator: int, denominator: int) -> float | None:
    """Return a percentage with one decimal place, or None without a denominator."""
    return _round(Decimal(100 * numerator) / denominator) if denominator else None


def _round(value: Decimal) -> float:
    return float(value.quantize(Decimal("0.1"), ROUND_HALF_UP))
