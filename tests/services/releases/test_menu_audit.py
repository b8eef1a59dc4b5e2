"""The audit of every report of the menu: the quarters of a year, a correction, and the year."""

import time
from collections import Counter
from random import Random

import pytest

from app.services.releases.counts import Cell, ReportCounts
from app.services.releases.disclosure_audit import DisclosureAudit
from app.services.releases.menu import MenuReport
from app.services.releases.menu_reports import MENU
from app.services.releases.published_cells import CellRounding, build_table_content
from app.services.releases.release_audit import (
    AUDIT_SECONDS,
    AuditedRelease,
    AuditedTable,
    build_populations,
    find_tables_to_drop,
    group_dimensions,
)

KEY = b"a key of tests, always the same."
QUARTERS = tuple(f"2025-Q{number}" for number in (1, 2, 3, 4))
FACTS = 40
"""Number of facts in a quarter, as few as First Step has."""
AUDITED = [name for name, report in MENU.items() if not report.is_exact]


def create_counts(report: MenuReport, rng: Random) -> dict[Cell, int]:
    """Return the counts of facts of which a few codes of each dimension have the most."""
    codes = [dimension.list_codes() for dimension in report.dimensions]
    weights = [[rng.paretovariate(1) for _ in values] for values in codes]
    return dict(Counter(
        tuple(rng.choices(values, weight)[0] for values, weight in zip(codes, weights, strict=True))
        for _ in range(FACTS)
    ))  # fmt: skip


def change_counts(counts: dict[Cell, int], cell: Cell) -> dict[Cell, int]:
    """Return the counts after the correction of one fact."""
    changed = Counter(counts)
    changed[next(iter(counts))] -= 1
    changed[cell] += 1
    return dict(+changed)


def build_release(
    report: MenuReport, name: str, period: str, counts: dict[str, dict[Cell, int]]
) -> AuditedRelease:
    tables = list(report.list_tables())
    rounding = CellRounding(report, period, ReportCounts(counts, None), KEY)
    names = [table.name for table in tables]
    contents = [build_table_content(report, table, rounding, None, names) for table in tables]
    dimensions = tuple(dimension.name for dimension in report.dimensions)
    audited = [
        AuditedTable(table.name, table.dimensions, content["cells"])
        for table, content in zip(tables, contents, strict=True)
    ]
    return AuditedRelease(name, period, dimensions, counts, audited)


def drop_tables(release: AuditedRelease, names: list[str]) -> AuditedRelease:
    tables = [table for table in release.tables if table.name not in names]
    return AuditedRelease(release.id, release.period, release.dimensions, release.counts, tables)


def list_releases(report: MenuReport, rng: Random) -> list[AuditedRelease]:
    """Return the releases of a year: its quarters, a correction of the second one, and the year."""
    if report.periods == "years":
        counts = create_counts(report, rng)
        return [
            build_release(report, "year", "2025", {"2025": counts}),
            build_release(report, "second", "2025", {"2025": change_counts(counts, next(iter(counts)))}),
        ]
    quarters = {quarter: create_counts(report, rng) for quarter in QUARTERS}
    releases = [
        build_release(report, quarter, quarter, {quarter: counts}) for quarter, counts in quarters.items()
    ]
    quarters[QUARTERS[1]] = change_counts(quarters[QUARTERS[1]], next(iter(quarters[QUARTERS[0]])))
    releases.append(build_release(report, "second", QUARTERS[1], {QUARTERS[1]: quarters[QUARTERS[1]]}))
    if report.periods == "any":
        releases.append(build_release(report, "year", "2025", quarters))
    return releases


@pytest.mark.parametrize("name", AUDITED)
def test_audited_releases_of_a_year_reveal_no_small_count_and_each_audit_ends_in_time(name: str) -> None:
    report, published = MENU[name], list[AuditedRelease]()
    for release in list_releases(report, Random(name)):  # noqa: S311 - reproducible
        began_at = time.process_time()
        dropped = find_tables_to_drop(report, release, published)
        assert time.process_time() - began_at < AUDIT_SECONDS / 3
        assert len(dropped) < max(2, len(release.tables))
        published.append(drop_tables(release, dropped))
    audit = DisclosureAudit(build_populations(report, published))
    cells = [cell for release in published for cell in release.list_published_cells()]
    audit.publish(cells)
    assert audit.find_narrow_intervals({(cell.population, cell.values) for cell in cells}) == []


def test_dimensions_of_a_table_are_in_one_group() -> None:
    tables = [("b", "c"), (), ("a",), ("c", "e")]
    assert group_dimensions(("a", "b", "c", "d", "e"), tables) == (("a",), ("b", "c", "e"), ("d",))
