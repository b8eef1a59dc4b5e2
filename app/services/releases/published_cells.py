"""The cells of a table as they are published: rounded counts, percentages of rounded counts, and the hash of the table."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from app.services.releases.counts import MIN_MEDIAN_COUNT, Cell, ReportCounts
from app.services.releases.menu import MenuReport, MenuTable
from app.services.releases.random_rounding import build_cell_label, round_randomly

MIN_DENOMINATOR = 20
"""Smallest rounded count of which a percentage is published."""


class CellRounding:
    """Rounds the counts of a report in one period. A cell has the same count in every table that contains it."""

    def __init__(self, report: MenuReport, period: str, counts: ReportCounts, key: bytes) -> None:
        self._report, self._period, self._key = report, period, key
        self._names = [dimension.name for dimension in report.dimensions]
        self._counts = Counter[Cell]()
        for cells in counts.by_quarter.values():
            self._counts.update(cells)

    def round_cell(self, values: Mapping[str, str]) -> int:
        """Return the published count of the facts with these values. Totals are rounded like any other count."""
        count = sum(
            number
            for cell, number in self._counts.items()
            if all(cell[self._names.index(name)] == value for name, value in values.items())
        )
        label = build_cell_label(self._report.name, self._period, values)
        return round_randomly(count, label, self._key)


def build_table_content(
    report: MenuReport, table: MenuTable, rounding: CellRounding, median: float | None, names: Iterable[str]
) -> dict[str, Any]:
    """Return the content of a table. `names` are the tables of the release, whose counts can be denominators."""
    codes = {dimension.name: dimension.list_codes() for dimension in report.dimensions}
    cells = [
        _build_cell(report, table, rounding, values, set(names))
        for values in product(*(codes[name] for name in table.dimensions))
    ]
    if table.dimensions or cells[0]["count"] < MIN_MEDIAN_COUNT:
        median = None
    return {"cells": cells, "median": median}


def _build_cell(
    report: MenuReport, table: MenuTable, rounding: CellRounding, values: Cell, names: set[str]
) -> dict[str, Any]:
    by_name = dict(zip(table.dimensions, values, strict=True))
    count = rounding.round_cell(by_name)
    rest = {name: value for name, value in by_name.items() if name not in report.outcomes}
    wider = "_by_".join([report.name, *rest])
    percentage = None
    if len(rest) < len(by_name) and wider in names:
        percentage = compute_percentage(count, rounding.round_cell(rest))
    return {"values": list(values), "count": count, "percentage": percentage}


def compute_percentage(count: int, denominator: int) -> int | None:
    """Return a whole percentage of two rounded counts, or None if the denominator is too small.

    The counts are rounded independently, so that a part can be larger than the whole. The result is at most 100.
    """
    return None if denominator < MIN_DENOMINATOR else min(100, round(100 * count / denominator))


def compute_table_hash(table: MenuTable, period: str, edition: int, content: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of the canonical form of a table: JSON without spaces, with sorted keys, in UTF-8."""
    document = {
        "table": table.name,
        "report": table.report,
        "period": period,
        "edition": edition,
        "dimensions": list(table.dimensions),
        **content,
    }
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()
