"""The audit of released statistics: its intervals against a complete search, and attacks on random populations."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.releases.disclosure_audit import DisclosureAudit, Population, PublishedCell, Values
from app.services.releases.table_selection import Table, choose_tables_to_drop
from tests.support.random_populations import CATEGORIES as RANDOM_CATEGORIES
from tests.support.random_populations import (
    correct_population,
    create_population,
    list_tables,
    publish_exact,
    publish_rounded,
    sum_populations,
)

POPULATIONS = 30
PERSON_CATEGORIES = {name: values for name, values in RANDOM_CATEGORIES.items() if name != "province"}
"""Fewer dimensions in tables by two dimensions, because an audit of linked periods with all of them takes minutes."""
PROVINCES = tuple(f"{number:02}" for number in range(1, 26))
QUARTER_CATEGORIES = {**PERSON_CATEGORIES, "province": (*PROVINCES, "unknown")}
QUARTER_BLOCKS = (tuple(PERSON_CATEGORIES), ("province",))
CATEGORIES = {"age": ("child", "teenager"), "sex": ("female", "male")}
FINEST_CELLS = tuple(product(*CATEGORIES.values()))
TABLES = [Table("q", dimensions) for dimensions in ((), ("age",), ("sex",), ("age", "sex"))]


def build_small_population(counts: tuple[int, ...]) -> Population:
    return Population(tuple(CATEGORIES), dict(zip(FINEST_CELLS, counts, strict=True)), CATEGORIES)


def sum_cell(counts: tuple[int, ...], values: Values) -> int:
    wanted = dict(values)
    return sum(
        count
        for cell, count in zip(FINEST_CELLS, counts, strict=True)
        if all(wanted.get(name, value) == value for name, value in zip(CATEGORIES, cell, strict=True))
    )


def search_all_solutions(cells: list[PublishedCell], largest: int) -> Iterator[tuple[int, ...]]:
    """Yield every combination of counts that is consistent with the published ones."""
    for counts in product(range(largest + 1), repeat=len(FINEST_CELLS)):
        if all(abs(sum_cell(counts, cell.values) - cell.published) <= cell.max_error for cell in cells):
            yield counts


def publish_with_errors(
    population: Population, counts: tuple[int, ...], chosen: list[tuple[Table, int, int]]
) -> list[PublishedCell]:
    """Return the cells of tables, each with a largest error and a smaller actual one."""
    return [
        PublishedCell("q", values, max(0, sum_cell(counts, values) + min(shift, error)), error)
        for table, error, shift in chosen
        for values in table.list_cells(population)
    ]


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.integers(0, 5)] * 4),
    st.lists(
        st.tuples(st.sampled_from(TABLES), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6
    ),
)
def test_narrow_intervals_equal_those_of_a_complete_search(
    counts: tuple[int, ...], chosen: list[tuple[Table, int, int]]
) -> None:
    # Catches: the upper limit of a published cell one too large; only the maximum of a cell searched.
    population = build_small_population(counts)
    cells = publish_with_errors(population, counts, chosen)
    audit = DisclosureAudit({"q": population})
    audit.publish(cells)
    targets = {(cell.population, cell.values) for cell in cells}
    solutions = list(search_all_solutions(cells, 9))
    for interval in audit.compute_intervals(targets):
        values = [sum_cell(solution, interval.values) for solution in solutions]
        low, high = min(values), max(values)
        assert interval.is_narrow == (high - low < 3)
        if interval.is_narrow:
            assert (interval.low, interval.high) == (low, high)


def test_published_counts_that_contradict_the_true_ones_are_rejected() -> None:
    audit = DisclosureAudit({"q": build_small_population((1, 2, 3, 4))})
    with pytest.raises(ValueError, match="outside the limits"):
        audit.publish([PublishedCell("q", (), 3, 4)])


def find_pinned_counts(population: Population, cells: list[PublishedCell]) -> tuple[int, int]:
    """Return how many small counts an attacker knows exactly, and the number of small counts."""
    audit = DisclosureAudit({"2026-Q1": population})
    audit.publish(cells)
    tables = list_tables("2026-Q1")
    targets = [("2026-Q1", values) for table in tables for values in table.list_cells(population)]
    intervals = audit.compute_intervals(targets)
    return sum(interval.low == interval.high for interval in intervals), len(intervals)


def test_no_small_count_of_random_populations_becomes_known() -> None:
    for seed in range(POPULATIONS):
        rng = Random(seed)  # noqa: S311 - reproducible
        population = create_population(rng.randint(60, 1000), rng)
        populations, tables = {"2026-Q1": population}, list_tables("2026-Q1")
        publish = partial(publish_rounded, populations)
        dropped = choose_tables_to_drop(populations, tables, publish)
        cells = [cell for table in tables if table not in dropped for cell in publish(table)]
        audit = DisclosureAudit(populations)
        audit.publish(cells)
        targets = [("2026-Q1", values) for table in tables for values in table.list_cells(population)]
        assert audit.find_narrow_intervals(targets) == [], seed
        assert len(dropped) <= 5, seed


@pytest.mark.parametrize("size", [60, 120])
def test_unrounded_tables_reveal_most_small_counts(size: int) -> None:
    population = create_population(size, Random(size))  # noqa: S311 - reproducible
    tables = [table for table in list_tables("2026-Q1") if table.dimensions]
    cells = [cell for table in tables for cell in publish_exact({"2026-Q1": population}, table)]
    pinned, small = find_pinned_counts(population, cells)
    assert pinned > 0.9 * small > 10


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.integers(0, 5)] * 4),
    st.lists(
        st.tuples(st.sampled_from(TABLES[:3]), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6
    ),
)
def test_dimensions_in_groups_have_the_same_intervals_as_all_dimensions_together(
    counts: tuple[int, ...], chosen: list[tuple[Table, int, int]]
) -> None:
    # Catches: no constraint that the groups have the same total.
    population = build_small_population(counts)
    cells = publish_with_errors(population, counts, chosen)
    targets = {("q", values) for table in TABLES[:3] for values in table.list_cells(population)}
    together, grouped = (
        DisclosureAudit({"q": replace(population, blocks=blocks)}) for blocks in ((), (("age",), ("sex",)))
    )
    for audit in (together, grouped):
        audit.publish(cells)
    assert grouped.find_narrow_intervals(targets) == together.find_narrow_intervals(targets)


def test_table_with_dimensions_of_two_groups_is_rejected() -> None:
    population = replace(build_small_population((1, 2, 3, 4)), blocks=(("age",), ("sex",)))
    audit = DisclosureAudit({"q": population})
    with pytest.raises(ValueError, match="in one group"):
        audit.publish([PublishedCell("q", (("age", "child"), ("sex", "male")), 5, 4)])


def test_twelve_quarters_with_years_and_corrections_reveal_no_small_count() -> None:
    rng = Random(20261130)  # noqa: S311 - reproducible
    for year in (2024, 2025, 2026):
        # Years are audited on their own, because their records are different.
        populations: dict[str, Population] = {}
        published: list[PublishedCell] = []
        for name in (*[f"{year}-Q{quarter}" for quarter in (1, 2, 3, 4)], f"{year}-Q2 edition 2", f"{year}"):
            if name.endswith("edition 2"):
                first = name.partition(" ")[0]
                populations[name] = correct_population(populations[first], 3, rng, corrects=first)
            elif name == f"{year}":
                latest = [f"{year}-Q1", f"{year}-Q2 edition 2", f"{year}-Q3", f"{year}-Q4"]
                populations[name] = sum_populations({part: populations[part] for part in latest})
            else:
                populations[name] = create_population(30, rng, QUARTER_CATEGORIES)
            populations[name] = replace(populations[name], blocks=QUARTER_BLOCKS)
            tables, publish = list_tables(name, PERSON_CATEGORIES), partial(publish_rounded, populations)
            tables.append(Table(name, ("province",)))
            dropped = choose_tables_to_drop(populations, tables, publish, published)
            published += [cell for table in tables if table not in dropped for cell in publish(table)]
        audit = DisclosureAudit(populations)
        audit.publish(published)
        assert audit.find_narrow_intervals({(cell.population, cell.values) for cell in published}) == []
