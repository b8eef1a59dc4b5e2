"""No sum of a fund statement, and no difference of two statements, belongs to fewer than five payments."""

from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.services.fund_statements.statement_cells import Cell, MonthSum, list_cells

JANUARY, FEBRUARY, MARCH, APRIL = (date(2027, month, 1) for month in range(1, 5))
CATEGORIES = ("education", "nutrition", "transport")


def spent(month: date, category: str, payments: int, amount: int = 100) -> MonthSum:
    return MonthSum(month, "spent", category, amount, payments)


def describe(cells: list[Cell]) -> list[tuple[date, str | None, int, int]]:
    return [(cell.completed, cell.category, cell.amount, cell.payments) for cell in cells]


def test_category_is_reported_when_five_payments_wait() -> None:
    # Catches: `>` instead of `>=` MIN_DISCLOSED_COUNT; the waiting sums kept after the cell.
    sums = [
        spent(JANUARY, "transport", 3),
        spent(FEBRUARY, "transport", 2),
        spent(APRIL, "transport", 5),
    ]
    cells = list(list_cells(sums, APRIL, None))
    assert describe(cells) == [(FEBRUARY, "transport", 200, 5), (APRIL, "transport", 100, 5)]
    assert [cell.since for cell in cells] == [JANUARY, APRIL]
    assert list(list_cells(sums[:1], APRIL, None)) == []


def test_waiting_categories_are_reported_together_at_the_end_of_a_quarter() -> None:
    # Catches: every month counted as the end of a quarter.
    sums = [
        spent(JANUARY, "education", 1),
        spent(FEBRUARY, "nutrition", 4),
        spent(APRIL, "education", 4),
    ]
    assert describe(list(list_cells(sums, APRIL, None))) == [(MARCH, None, 200, 5)]
    too_few = [spent(JANUARY, "education", 1), spent(FEBRUARY, "nutrition", 3)]
    assert list(list_cells(too_few, APRIL, None)) == []


def test_closed_fund_reports_everything() -> None:
    # Catches: `closed_month` ignored; the rounding differences kept when the fund is closed.
    sums = [
        MonthSum(JANUARY, "rounding", None, -5, 1),
        spent(JANUARY, "education", 1),
        spent(JANUARY, "nutrition", 1),
    ]
    cells = list(list_cells(sums, APRIL, FEBRUARY))
    assert describe(cells) == [(FEBRUARY, None, 200, 2), (FEBRUARY, None, -5, 1)]
    assert [cell.account for cell in cells] == ["spent", "rounding"]


def test_reversal_without_other_payments_waits() -> None:
    sums = [spent(JANUARY, "transport", 5, 500), spent(FEBRUARY, "transport", 0, -100)]
    assert describe(list(list_cells(sums, FEBRUARY, None))) == [(JANUARY, "transport", 500, 5)]


MONTHS = [date(2027 + month // 12, month % 12 + 1, 1) for month in range(18)]
SUMS = st.lists(
    st.tuples(st.sampled_from(MONTHS), st.sampled_from(CATEGORIES), st.integers(0, 7)),
    max_size=20,
    unique_by=lambda each: each[:2],
).map(lambda parts: [spent(*part, amount=part[2] * 100) for part in sorted(parts)])


@given(SUMS)
def test_difference_of_two_months_belongs_to_no_payment_or_at_least_five(sums: list[MonthSum]) -> None:
    # Catches: the waiting sums of one category reported at the end of a quarter.
    reported = [list(list_cells([s for s in sums if s.month <= month], month, None)) for month in MONTHS]
    for earlier, later in pairwise(reported):
        assert later[: len(earlier)] == earlier
        assert all(cell.payments >= 5 for cell in later[len(earlier) :])
    final = list(list_cells(sums, MONTHS[-1], MONTHS[-1]))
    assert sum(cell.amount for cell in final) == sum(each.amount for each in sums)
