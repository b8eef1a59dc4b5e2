"""The sums of a fund statement. No sum, and no difference of two statements, belongs to fewer than five payments.

The payments of a fund are divided into cells. A cell is complete when its payments are enough, and is never divided again.
A statement contains the cells that were completed in its months, so that the difference of two statements consists of whole
cells too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

MIN_DISCLOSED_COUNT: Final = 5
"""Fewer payments are not disclosed, because they could identify a child."""
MONTHS_PER_QUARTER: Final = 3
SPENT: Final = "spent"


@dataclass(frozen=True, slots=True)
class MonthSum:
    """The entries of one month on the account `spent`, for one category, or on the account `rounding`."""

    month: date
    """First day of the month."""
    account: str
    category: str | None
    """None for rounding differences."""
    amount: int
    payments: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Sums of one category, or of several if it is None, that are disclosed together."""

    since: date
    """First day of the earliest month with a payment of the cell."""
    completed: date
    """First day of the month in which the cell was completed."""
    account: str
    category: str | None
    amount: int
    payments: int


def list_cells(sums: Iterable[MonthSum], last_month: date, closed_month: date | None) -> Iterator[Cell]:
    """Yield the cells that are complete at the end of a month.

    A category has a cell when five of its payments wait. The waiting payments of all categories are one cell at the end of a
    quarter, if they are five or more, and when the fund is closed. `sums` are in the order of their months.
    """
    waiting: dict[tuple[str, str | None], list[MonthSum]] = {}
    by_month: dict[date, list[MonthSum]] = {}
    for each in sums:
        by_month.setdefault(each.month, []).append(each)
    for month in _list_months(by_month, last_month):
        for each in by_month.get(month, []):
            waiting.setdefault((each.account, each.category), []).append(each)
        for key in [key for key, parts in waiting.items() if _count(parts) >= MIN_DISCLOSED_COUNT]:
            yield _build_cell(month, *key, waiting.pop(key))
        rest = [part for (account, _), parts in waiting.items() if account == SPENT for part in parts]
        is_closed = month == closed_month
        is_quarter_end = month.month % MONTHS_PER_QUARTER == 0
        if rest and (is_closed or (is_quarter_end and _count(rest) >= MIN_DISCLOSED_COUNT)):
            yield _build_cell(month, SPENT, None, rest)
            waiting = {key: parts for key, parts in waiting.items() if key[0] != SPENT}
        if is_closed:
            for (account, category), parts in waiting.items():
                yield _build_cell(month, account, category, parts)
            waiting = {}


def _list_months(by_month: Iterable[date], last_month: date) -> Iterator[date]:
    """Yield every month from the first with a sum to the last month, including those without a sum."""
    month = min(by_month, default=last_month)
    while month <= last_month:
        yield month
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _count(parts: Iterable[MonthSum]) -> int:
    return sum(part.payments for part in parts)


def _build_cell(completed: date, account: str, category: str | None, parts: list[MonthSum]) -> Cell:
    since = min(part.month for part in parts)
    return Cell(since, completed, account, category, sum(part.amount for part in parts), _count(parts))
