"""Choose the tables to drop from a release until no small count in it becomes known."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from app.services.releases.disclosure_audit import (
    CellInterval,
    DisclosureAudit,
    Population,
    PublishedCell,
    Values,
)
from app.services.releases.integer_program import IntegerProgram


class Table(NamedTuple):
    """A table of counts: a population by no, one or two dimensions."""

    population: str
    dimensions: tuple[str, ...]

    def list_cells(self, population: Population) -> list[Values]:
        """Return the cells of the table, without its totals."""
        categories = [population.categories[dimension] for dimension in self.dimensions]
        return [tuple(sorted(zip(self.dimensions, values, strict=True))) for values in product(*categories)]


TablePublisher = Callable[[Table], Iterable[PublishedCell]]
"""Returns the counts that a table publishes."""


def choose_tables_to_drop(
    populations: Mapping[str, Population],
    tables: Sequence[Table],
    publish: TablePublisher,
    published_before: Sequence[PublishedCell] = (),
    *,
    timeout_seconds: float = 60.0,
) -> list[Table]:
    """Return the tables that must be dropped so that the other tables can be published.

    The list is empty if all tables can be published.

    The cells of dropped tables and of earlier releases must not become known through the published tables either.

    Raises:
        ProgramFailed: the audit took longer than `timeout_seconds`. Nothing can be published.
    """
    ends_at = time.monotonic() + timeout_seconds
    kept, dropped = list(tables), list[Table]()
    populations = _select_related_populations(populations, {table.population for table in tables})
    published_before = [cell for cell in published_before if cell.population in populations]
    small_cells = [(cell.population, cell.values) for cell in published_before]
    small_cells += [
        (table.population, values)
        for table in tables
        for values in table.list_cells(populations[table.population])
    ]
    while kept:
        audit = DisclosureAudit(populations, IntegerProgram(timeout_seconds=ends_at - time.monotonic()))
        audit.publish(published_before)
        audit.publish(cell for table in kept for cell in publish(table))
        narrow = audit.find_narrow_intervals(small_cells)
        if not narrow:
            break
        worst = max(kept, key=lambda table: _rate_table(table, narrow))
        kept.remove(worst)
        dropped.append(worst)
    return dropped


def _rate_table(table: Table, narrow: Sequence[CellInterval]) -> tuple[int, int, Table]:
    """Return a sort key: the finest table that shares dimensions with the most narrow cells is last."""
    shared = sum(
        table.population == cell.population and bool({name for name, _ in cell.values} & {*table.dimensions})
        for cell in narrow
    )
    return (len(table.dimensions) if shared else 0, shared, table)


def _select_related_populations(
    populations: Mapping[str, Population], names: set[str]
) -> dict[str, Population]:
    """Return the populations whose counts are connected with the given populations through sums and corrections."""
    related: set[str] = set()
    while names - related:
        related |= names
        for name, population in populations.items():
            connected = {name, *population.parts, *([population.corrects] if population.corrects else [])}
            if connected & related:
                names = names | connected
    return {name: population for name, population in populations.items() if name in related}
