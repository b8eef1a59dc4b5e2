"""Random populations of released statistics, and the tables that a release publishes about them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from random import Random

from app.services.releases.disclosure_audit import Population, PublishedCell, Values
from app.services.releases.random_rounding import MAX_ROUNDING_ERROR, build_cell_label, round_randomly
from app.services.releases.table_selection import Table

CATEGORIES = {
    "age": ("5-9", "10-13", "14-17", "uncertain", "unknown"),
    "kind": ("survivor", "hsb", "both"),
    "province": ("12", "17", "2", "8", "other"),
    "sex": ("female", "male", "unknown"),
}
KEY = b"a key of tests, always the same."


def create_population(
    size: int, rng: Random, categories: Mapping[str, tuple[str, ...]] = CATEGORIES
) -> Population:
    """Return a population in which a few categories contain most of the records, as in reality."""
    weights = {name: [rng.paretovariate(1) for _ in values] for name, values in categories.items()}
    counts = Counter(
        tuple(rng.choices(values, weights[name])[0] for name, values in categories.items())
        for _ in range(size)
    )
    return Population(tuple(categories), counts, categories)


def correct_population(population: Population, changes: int, rng: Random, *, corrects: str) -> Population:
    """Return a later edition in which some records are in other cells."""
    counts = Counter(population.counts)
    for _ in range(changes):
        counts[rng.choice([*counts.elements()])] -= 1
        counts[tuple(rng.choice(values) for values in population.categories.values())] += 1
    return Population(population.dimensions, +counts, population.categories, corrects=corrects)


def sum_populations(populations: Mapping[str, Population]) -> Population:
    """Return the population of a year."""
    counts = Counter[tuple[str, ...]]()
    for population in populations.values():
        counts.update(population.counts)
    categories = next(iter(populations.values())).categories
    return Population(tuple(categories), counts, categories, parts=tuple(populations))


def list_tables(population: str, categories: Iterable[str] = tuple(CATEGORIES)) -> list[Table]:
    """Return the total, and the tables by one and by two dimensions."""
    return [
        Table(population, dimensions) for size in range(3) for dimensions in combinations(categories, size)
    ]


def count_cell(population: Population, values: Values) -> int:
    """Return the true count of a cell."""
    wanted = dict(values)
    return sum(
        count
        for cell, count in population.counts.items()
        if all(
            wanted.get(name, value) == value for name, value in zip(population.dimensions, cell, strict=True)
        )
    )


def publish_rounded(populations: Mapping[str, Population], table: Table) -> Iterator[PublishedCell]:
    """Yield the cells of a table with random rounding. Editions of a period have the same labels."""
    population = populations[table.population]
    for values in table.list_cells(population):
        label = build_cell_label("new_cases", table.population.partition(" ")[0], dict(values))
        published = round_randomly(count_cell(population, values), label, KEY)
        yield PublishedCell(table.population, values, published, MAX_ROUNDING_ERROR)


def publish_exact(populations: Mapping[str, Population], table: Table) -> Iterator[PublishedCell]:
    """Yield the cells of a table without rounding."""
    population = populations[table.population]
    for values in table.list_cells(population):
        yield PublishedCell(table.population, values, count_cell(population, values), 0)
