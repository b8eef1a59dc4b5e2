"""Tables of exact figures about public activities, whose participants First Step does not know by name."""

from itertools import product
from typing import Any

from app.access.report_reader import ReportReader
from app.services.releases.counts import ALL_GRANTS
from app.services.releases.menu import MenuReport, MenuTable
from app.services.releases.periods import ReleasePeriod
from app.services.reports.query import Figure, Group, Period, build_empty_figures, compute_table


async def build_exact_content(
    reader: ReportReader, report: MenuReport, table: MenuTable, period: ReleasePeriod
) -> dict[str, Any]:
    """Return the content of a table. Its last dimension is the figure.

    Raises:
        Unavailable: a statement took too long.
    """
    *grouping, figure = [report.get_dimension(name) for name in table.dimensions]
    days = Period(period.first_day, period.last_day)
    figures = await compute_table(reader, report.report, days, [d.sql for d in grouping], ALL_GRANTS)
    by_group: dict[Group, dict[str, Figure]] = figures.by_group if grouping else {(): figures.total}
    empty = build_empty_figures(report.report.measures)
    groups = product(*(dimension.list_codes() for dimension in grouping))
    cells = [
        {"values": [*group, code], "count": by_group.get(group, empty)[code], "percentage": None}
        for group in groups
        for code in figure.list_codes()
    ]
    return {"cells": cells, "median": None}
