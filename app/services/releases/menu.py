"""The menu: the fixed list of tables that a release can contain.

It has the total of each report, and tables by one and two dimensions. The tables of a report count the same facts. Every
figure besides the total is a dimension, such as the reason of an exit, so that the audit knows how the figures of a report
are connected. `app.services.releases.menu_reports` contains the reports.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.schemas.codes import CODE_LISTS
from app.services.reports.catalogue import REPORTS
from app.services.reports.definition import UNKNOWN, Report


@dataclass(frozen=True, slots=True)
class ReleaseDimension:
    """A dimension of released tables. Its name is a code of the list `release_dimension`."""

    name: str
    code_list: str
    sql: str
    """Expression over the facts of the report; NULL is the code `unknown`. In a table of exact figures, and for a report
    whose facts are classified in Python: the name of the dimension in the report."""
    without: tuple[str, ...] = ()
    """Codes of the list that no counted fact has."""
    only: tuple[str, ...] | None = None
    """The codes of the list that the dimension has, in order, without `unknown`. None: all of them."""

    def list_codes(self) -> list[str]:
        """Return the codes of the dimension, with `unknown` last."""
        if self.only is not None:
            return list(self.only)
        codes = (code.code for code in CODE_LISTS[self.code_list].codes)
        return [*(code for code in codes if code not in {UNKNOWN, *self.without}), UNKNOWN]


class MenuTable(NamedTuple):
    """A table of the menu. Its name is a code of the list `release_table`."""

    name: str
    report: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MenuReport:
    """A report of which a release can contain tables."""

    name: str
    dimensions: tuple[ReleaseDimension, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    """Dimensions of the tables by two dimensions."""
    outcomes: tuple[str, ...] = ()
    """The dimensions whose counts are also given as percentages of the counts without them."""
    median: str | None = None
    """Expression over the facts whose median the total contains."""
    median_measure: str | None = None
    """The measure of the report with the median that the total contains, if no expression over the facts computes it."""
    periods: Literal["any", "quarters", "years"] = "any"
    """The periods that can be released. A year can follow its quarters if its counts are the sums of theirs."""
    follow_up_days: int = 0
    """Days after the period until the figures are complete, in addition to the period rule of the report."""
    needed: str | None = None
    """A dimension that each table must have, because the facts without it are of different kinds."""
    is_exact: bool = False
    """Whether the counts are published without rounding and without an audit. The last dimension is then the figure."""

    @property
    def report(self) -> Report:
        """The definition of the report."""
        return REPORTS[self.name]

    def get_dimension(self, name: str) -> ReleaseDimension:
        """Return a dimension by its name."""
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def list_tables(self) -> Iterator[MenuTable]:
        """Yield the tables: the total, then those by one and by two dimensions."""
        choices = [(), *((dimension.name,) for dimension in self.dimensions), *self.pairs]
        for names in choices:
            if self.needed is None or self.needed in names:
                suffix = f"_by_{'_and_'.join(names)}" if names else ""
                yield MenuTable(f"{self.name}{suffix}", self.name, names)
