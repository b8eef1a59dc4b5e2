"""Audit the tables of one report in a release, together with all that was published about the same year."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services.releases.disclosure_audit import Population, PublishedCell, Values
from app.services.releases.integer_program import ProgramFailed
from app.services.releases.menu import MenuReport
from app.services.releases.random_rounding import MAX_ROUNDING_ERROR
from app.services.releases.table_selection import Table, choose_tables_to_drop

AUDIT_SECONDS = 45.0
"""Maximum time of the audit of one report. A job has twice as much for its attempt."""


@dataclass(frozen=True, slots=True)
class AuditedTable:
    """A table with its published cells."""

    name: str
    dimensions: tuple[str, ...]
    cells: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class AuditedRelease:
    """The tables of one report in a release, and the true counts of these tables."""

    id: str
    period: str
    dimensions: tuple[str, ...]
    counts: Mapping[str, Mapping[tuple[str, ...], int]]
    """True counts of the finest cells by quarter."""
    tables: Sequence[AuditedTable]

    @property
    def population(self) -> str:
        """Name of the population that the tables count."""
        return self.get_population_name(self.period)

    def get_population_name(self, period: str) -> str:
        """Return the name of the population of a period as this release counted it."""
        return f"{period} {self.id}"

    def list_published_cells(self) -> Iterator[PublishedCell]:
        """Yield the cells that this release publishes."""
        for table in self.tables:
            for cell in table.cells:
                values = _name_values(table.dimensions, cell["values"])
                yield PublishedCell(self.population, values, cell["count"], MAX_ROUNDING_ERROR)


def find_tables_to_drop(
    report: MenuReport, release: AuditedRelease, published: Sequence[AuditedRelease]
) -> list[str]:
    """Return the names of the tables that must be dropped so that the other tables can be published.

    `published` are the releases of the same year, in the order of their publication. If the audit finds no result in time,
    all tables must be dropped.
    """
    dimensions = tuple(dimension.name for dimension in report.dimensions)
    if any(earlier.dimensions != dimensions for earlier in (*published, release)):
        return [table.name for table in release.tables]
    populations = build_populations(report, [*published, release])
    by_table = {Table(release.population, table.dimensions): table for table in release.tables}
    cells_by_dimensions: dict[tuple[str, ...], list[PublishedCell]] = {}
    for cell in release.list_published_cells():
        cells_by_dimensions.setdefault(tuple(name for name, _ in cell.values), []).append(cell)
    try:
        dropped = choose_tables_to_drop(
            populations,
            list(by_table),
            lambda table: cells_by_dimensions[tuple(sorted(table.dimensions))],
            [cell for earlier in published for cell in earlier.list_published_cells()],
            timeout_seconds=AUDIT_SECONDS,
        )
    except ProgramFailed:
        return [table.name for table in release.tables]
    return [by_table[table].name for table in dropped]


def build_populations(report: MenuReport, releases: Iterable[AuditedRelease]) -> dict[str, Population]:
    """Return the populations of releases in the order of their publication.

    Each release counts its quarters again, so that its population of a quarter corrects that of the previous release. The
    population of a year is the sum of its quarters at the same time.
    """
    releases = list(releases)
    categories = _collect_categories(report, releases)
    dimensions = tuple(categories)
    blocks = group_dimensions(
        dimensions, (table.dimensions for release in releases for table in release.tables)
    )
    populations: dict[str, Population] = {}
    latest: dict[str, str] = {}
    for release in releases:
        for quarter, counts in release.counts.items():
            name = release.get_population_name(quarter)
            populations[name] = Population(
                dimensions, counts, categories, corrects=latest.get(quarter), blocks=blocks
            )
            latest[quarter] = name
        if release.population not in populations:
            parts = tuple(map(release.get_population_name, release.counts))
            populations[release.population] = Population(
                dimensions, {}, categories, parts=parts, blocks=blocks
            )
    return populations


def group_dimensions(
    dimensions: Sequence[str], tables: Iterable[Sequence[str]]
) -> tuple[tuple[str, ...], ...]:
    """Return the dimensions in groups, so that those of each table are in one group."""
    groups = [{dimension} for dimension in dimensions]
    for table in tables:
        connected = [group for group in groups if group & set(table)]
        groups = [group for group in groups if group not in connected]
        groups += [set().union(*connected)] if connected else []
    in_order = sorted(groups, key=lambda group: min(dimensions.index(name) for name in group))
    return tuple(tuple(sorted(group, key=dimensions.index)) for group in in_order)


def _collect_categories(report: MenuReport, releases: Iterable[AuditedRelease]) -> dict[str, tuple[str, ...]]:
    """Return the codes of each dimension, including those that only an earlier version of its list contained."""
    codes = {dimension.name: dict.fromkeys(dimension.list_codes()) for dimension in report.dimensions}
    for release in releases:
        for counts in release.counts.values():
            for cell in counts:
                for name, value in zip(codes, cell, strict=True):
                    codes[name][value] = None
    return {name: tuple(values) for name, values in codes.items()}


def _name_values(dimensions: Sequence[str], values: Sequence[str]) -> Values:
    return tuple(sorted(zip(dimensions, values, strict=True)))
