"""Compute what published tables reveal about their small counts.

The audit takes the place of an attacker who knows every table that was ever published and the rule of the rounding. The
unknown numbers are the counts of the finest cells, in which every dimension has one value. Each published count limits the
sum of some of them. The feasible interval of a count contains every value that is consistent with all published counts,
and an integer program computes its ends.

The audit knows the true counts, which are one solution. Each further solution widens the intervals of many cells. Most
cells need no separate program, because only the intervals that are too narrow must be exact.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import NamedTuple

from app.services.releases.integer_program import IntegerProgram, LinearSum

SMALL_COUNTS = range(1, 5)
"""Counts that must not become known."""
MIN_INTERVAL_WIDTH = 3
"""Smallest difference between the ends of an interval with which a table may be published."""
SHARED_PROGRAMS = 6
"""Number of programs that widen many intervals at the same time, before each remaining cell gets separate programs."""
LARGEST_COUNT = 100_000
"""Upper bound of a count that no published table limits."""

Values = tuple[tuple[str, str], ...]
"""Values of a cell by dimension, sorted by the name of the dimension. Empty for a total."""


@dataclass(frozen=True)
class Population:
    """The records that a report counts in one period, by their values of every dimension."""

    dimensions: tuple[str, ...]
    counts: Mapping[tuple[str, ...], int]
    """True counts of the finest cells. The values have the order of `dimensions`."""
    categories: Mapping[str, tuple[str, ...]]
    """All values of each dimension, including those that no record has."""
    parts: tuple[str, ...] = ()
    """Names of the populations whose sum this one is, such as the four quarters of a year."""
    corrects: str | None = None
    """Name of the population of which this is a later edition."""
    blocks: tuple[tuple[str, ...], ...] = ()
    """The dimensions in groups, such that no published table has dimensions of two of them. Empty: all in one group.

    For all counts by the dimensions of each group with the same total, counts by all dimensions exist. The unknown numbers
    of the groups are therefore connected by the total only, which makes the program much smaller.
    """

    def list_blocks(self) -> tuple[tuple[str, ...], ...]:
        """Return the groups of dimensions."""
        return self.blocks or (self.dimensions,)

    def find_block(self, values: Values) -> int:
        """Return the number of the group that contains the dimensions of a cell.

        Raises:
            ValueError: no group contains them.
        """
        names = {name for name, _ in values}
        for number, block in enumerate(self.list_blocks()):
            if names <= set(block):
                return number
        raise ValueError("The dimensions of a table must be in one group.")

    def count_block(self, number: int) -> Counter[tuple[str, ...]]:
        """Return the true counts by the dimensions of a group."""
        positions = [self.dimensions.index(name) for name in self.list_blocks()[number]]
        counts = Counter[tuple[str, ...]]()
        for cell, count in self.counts.items():
            counts[tuple(cell[position] for position in positions)] += count
        return counts


class PublishedCell(NamedTuple):
    """A count of a published table."""

    population: str
    values: Values
    published: int
    max_error: int
    """Largest possible difference between `published` and the true count; 0 for an exact table."""


class CellInterval(NamedTuple):
    """The values of a count that are consistent with all published counts."""

    population: str
    values: Values
    low: int
    high: int

    @property
    def is_narrow(self) -> bool:
        """Whether the interval reveals too much."""
        return self.high - self.low < MIN_INTERVAL_WIDTH


@dataclass
class DisclosureAudit:
    """The populations, and the integer program of all counts published about them."""

    populations: Mapping[str, Population]
    program: IntegerProgram = field(default_factory=IntegerProgram)
    _columns: dict[str, list[dict[tuple[str, ...], int]]] = field(default_factory=dict)
    """For each population and each of its groups of dimensions: the column of each finest cell."""
    _sums: dict[tuple[str, Values], LinearSum] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, population in self.populations.items():
            if not population.parts:
                self._add_columns(name, population)
        for name, population in self.populations.items():
            if population.corrects is not None:
                self._link_editions(name, population, population.corrects)

    def publish(self, cells: Iterable[PublishedCell]) -> None:
        """Add the counts that the attacker knows."""
        for cell in cells:
            total = self._sum_of(cell.population, cell.values)
            self.program.constrain_sum(
                total, max(0, cell.published - cell.max_error), cell.published + cell.max_error
            )

    def find_narrow_intervals(self, cells: Iterable[tuple[str, Values]]) -> list[CellInterval]:
        """Return the intervals of small cells that are narrower than allowed. Cells with other counts are omitted."""
        return [interval for interval in self.compute_intervals(cells) if interval.is_narrow]

    def compute_intervals(self, cells: Iterable[tuple[str, Values]]) -> list[CellInterval]:
        """Return an interval for each small cell.

        A narrow interval is exact. A wider one is a part of the exact one, which shows that it is wide enough.
        """
        sums = {cell: self._sum_of(*cell) for cell in cells}
        known = self.program.solution
        small = {cell: total for cell, total in sums.items() if total.value(known) in SMALL_COUNTS}
        search = _IntervalSearch(self.program, small)
        rng = Random(len(small))  # noqa: S311 - any order finds the same narrow intervals
        for _ in range(SHARED_PROGRAMS):
            search.widen_together(rng)
        search.widen_singly()
        return sorted(search.intervals.values())

    def _add_columns(self, name: str, population: Population) -> None:
        self._columns[name] = []
        for number, block in enumerate(population.list_blocks()):
            counts = population.count_block(number)
            self._columns[name].append({
                values: self.program.add_column(counts[values], LARGEST_COUNT)
                for values in _list_finest_cells(population, block)
            })  # fmt: skip
        first, *others = self._columns[name]
        for columns in others:
            signs = dict.fromkeys(first.values(), 1) | dict.fromkeys(columns.values(), -1)
            self.program.constrain_sum(LinearSum(signs), 0, 0)

    def _link_editions(self, name: str, population: Population, earlier: str) -> None:
        """Let the attacker know how many records a correction added or removed at most. A real attacker knows less."""
        if population.list_blocks() != self.populations[earlier].list_blocks():
            raise ValueError("The editions of a period must have the same groups of dimensions.")
        new_counts = Counter(population.counts)
        new_counts.subtract(self.populations[earlier].counts)
        changes = sum(map(abs, new_counts.values()))
        for columns, earlier_columns in zip(self._columns[name], self._columns[earlier], strict=True):
            differences: list[int] = []
            for values, column in columns.items():
                pair = column, earlier_columns[values]
                new, old = (self.program.solution[number] for number in pair)
                added = self.program.add_column(max(0, new - old), LARGEST_COUNT)
                removed = self.program.add_column(max(0, old - new), LARGEST_COUNT)
                signs = {pair[0]: 1, pair[1]: -1, added: -1, removed: 1}
                self.program.constrain_sum(LinearSum(signs), 0, 0)
                differences += [added, removed]
            self.program.constrain_sum(LinearSum(dict.fromkeys(differences, 1)), 0, changes)

    def _sum_of(self, name: str, values: Values) -> LinearSum:
        """Return the sum of the finest cells that a cell of a table contains."""
        if (name, values) not in self._sums:
            population = self.populations[name]
            number = population.find_block(values)
            block = population.list_blocks()[number]
            wanted = [(block.index(dimension), value) for dimension, value in values]
            columns = [
                column
                for part in population.parts or (name,)
                for cell, column in self._columns[part][number].items()
                if all(cell[position] == value for position, value in wanted)
            ]
            self._sums[name, values] = LinearSum(dict.fromkeys(columns, 1))
        return self._sums[name, values]


class _IntervalSearch:
    """Widens the interval of each cell by the values that the cell has in further solutions."""

    def __init__(self, program: IntegerProgram, sums: Mapping[tuple[str, Values], LinearSum]) -> None:
        self.program, self.sums = program, sums
        values = {cell: total.value(program.solution) for cell, total in sums.items()}
        self.intervals = {cell: CellInterval(*cell, value, value) for cell, value in values.items()}

    def widen_together(self, rng: Random) -> None:
        """Find solutions in which the narrow cells have small and large values, with random weights."""
        weights: dict[int, float] = {}
        for cell in self._list_narrow():
            weight = rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.5)
            for column in self.sums[cell].coefficients:
                weights[column] = weights.get(column, 0.0) + weight
        if weights:
            self._widen(weights)
            self._widen({column: -weight for column, weight in weights.items()})

    def widen_singly(self) -> None:
        """Find the smallest and the largest value of each cell that is still narrow."""
        for cell in self._list_narrow():
            for sign in (1.0, -1.0):
                if self.intervals[cell].is_narrow:
                    self._widen(dict.fromkeys(self.sums[cell].coefficients, sign))

    def _list_narrow(self) -> list[tuple[str, Values]]:
        return [cell for cell, interval in self.intervals.items() if interval.is_narrow]

    def _widen(self, weights: Mapping[int, float]) -> None:
        """Add the values of the solution with the largest weighted sum to the intervals of all cells."""
        solution = self.program.maximize(weights)
        for cell, (_, _, low, high) in self.intervals.items():
            value = self.sums[cell].value(solution)
            self.intervals[cell] = CellInterval(*cell, min(low, value), max(high, value))


def _list_finest_cells(population: Population, block: Sequence[str]) -> list[tuple[str, ...]]:
    return list(product(*(population.categories[dimension] for dimension in block)))
