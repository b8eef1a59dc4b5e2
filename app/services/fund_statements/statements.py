"""The statement of a fund for its donor, computed from the ledger by accounting date. It contains no personal data."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Date, Select, Uuid, bindparam, column, func, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Disbursement, Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.schemas.fund_statements import FundStatement, FundStatementLine
from app.schemas.money import Money
from app.services.fund_statements.statement_cells import (
    MIN_DISCLOSED_COUNT,
    SPENT,
    Cell,
    MonthSum,
    list_cells,
)

MovementTotals: TypeAlias = dict[tuple[str, bool], int]
"""Sums of entries on the account `donor`, by kind of transaction, and whether the entries increase the account."""
FUND_ID = bindparam("fund_id", type_=Uuid)
FIRST_DAY, LAST_DAY = bindparam("first_day", type_=Date), bindparam("last_day", type_=Date)
FUND_QUERY = ReadQuery(
    select(
        col(Fund.name), col(Fund.donor), col(Fund.grant_code), col(Fund.currency), col(Fund.closed_at)
    ).where(col(Fund.id) == FUND_ID)
)
IS_INCREASE = (col(LedgerEntry.amount) > 0).label("is_increase")
MOVEMENTS: Select[*tuple[Any, ...]] = (
    select(col(LedgerTransaction.kind), IS_INCREASE, func.sum(col(LedgerEntry.amount)).label("total"))
    .select_from(LedgerTransaction)
    .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
    .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
    .where(col(LedgerEntry.fund_id) == FUND_ID, col(LedgerAccount.kind) == "donor")
    .group_by(col(LedgerTransaction.kind), IS_INCREASE)
)
MOVEMENTS_BEFORE = ReadQuery(MOVEMENTS.where(col(LedgerTransaction.on) < FIRST_DAY))
MOVEMENTS_DURING = ReadQuery(MOVEMENTS.where(col(LedgerTransaction.on).between(FIRST_DAY, LAST_DAY)))
SPENDING = func.access.spending_by_month(FUND_ID, LAST_DAY).table_valued(
    column("month"),
    column("account"),
    column("category"),
    column("amount"),
    column("payments"),
    name="spending",
)
SPENDING_QUERY = ReadQuery(select(*SPENDING.c))
PAYMENTS_QUERY = ReadQuery(
    select(col(Disbursement.id), col(Disbursement.child_id), col(Disbursement.case_id))
    .select_from(LedgerTransaction)
    .join(Disbursement, col(Disbursement.id) == col(LedgerTransaction.disbursement_id))
    .where(col(LedgerTransaction.fund_id) == FUND_ID, col(LedgerTransaction.on).between(FIRST_DAY, LAST_DAY))
    .distinct(),
    shows=ShownRecord("disbursement"),
)
"""The disbursements in a statement, for the access log."""


async def get_fund_statement(
    reader: RecordReader, fund_id: UUID, first_day: date, last_day: date
) -> FundStatement:
    """Return the statement of a fund for a period of whole calendar months.

    A payment is in the statement of the month in which its cell is complete, see `statement_cells`. Until then its money is
    part of the balance.

    Raises:
        InvalidInput: the period ends before it begins, or does not consist of whole months.
        NotFound: the fund does not exist.
    """
    _validate_period(first_day, last_day)
    fund = await reader.fetch_required(FUND_QUERY, fund_id=fund_id)
    period = {"fund_id": fund_id, "first_day": first_day, "last_day": last_day}
    cells = await _list_cells(reader, fund, period)
    reported = [cell for cell in cells if cell.completed >= first_day]
    earliest = min((cell.since for cell in reported), default=first_day)
    await reader.fetch(PAYMENTS_QUERY, **{**period, "first_day": min(earliest, first_day)})
    before = await _sum_movements(reader, MOVEMENTS_BEFORE, period)
    during = await _sum_movements(reader, MOVEMENTS_DURING, period)

    def to_money(amount: int) -> Money:
        return Money.from_minor_units(amount, fund.currency)

    # The balance of the donor account is negative: it is the money given by the donor.
    opening = -sum(before.values()) - sum(cell.amount for cell in cells if cell.completed < first_day)
    change = -sum(during.values()) - sum(cell.amount for cell in reported)
    return FundStatement(
        name=fund.name,
        donor=fund.donor,
        grant_code=fund.grant_code,
        currency=fund.currency,
        fund_id=fund_id,
        first_day=first_day,
        last_day=last_day,
        opening=to_money(opening),
        deposits=to_money(-during.get(("deposit", False), 0) - during.get(("deposit_reversal", True), 0)),
        received=to_money(-during.get(("closing", False), 0)),
        given_back=to_money(during.get(("closing", True), 0)),
        spent=to_money(sum(cell.amount for cell in reported if cell.account == SPENT)),
        rounding=to_money(sum(cell.amount for cell in reported if cell.account != SPENT)),
        closing=to_money(opening + change),
        lines=list(_build_lines(reported, fund.currency)),
    )


def _validate_period(first_day: date, last_day: date) -> None:
    faults = []
    if last_day < first_day:
        faults.append(Fault("/last_day", "period_reversed", "`last_day` must not be before `first_day`."))
    if first_day.day != 1:
        detail = "`first_day` must be the first day of a month."
        faults.append(Fault("/first_day", "month_incomplete", detail))
    if (last_day + timedelta(days=1)).day != 1:
        faults.append(Fault("/last_day", "month_incomplete", "`last_day` must be the last day of a month."))
    if faults:
        raise InvalidInput(faults)


async def _list_cells(reader: RecordReader, fund: Any, period: Mapping[str, Any]) -> list[Cell]:
    """Return the cells that are complete at the end of the period.

    They count all cases, including those that the caller cannot see.
    """
    sums = [
        MonthSum(row.month, row.account, row.category, int(row.amount), row.payments)
        for row in await reader.fetch(SPENDING_QUERY, fund_id=period["fund_id"], last_day=period["last_day"])
    ]
    closed_month = fund.closed_at and fund.closed_at.astimezone(CAMBODIA_TIMEZONE).date().replace(day=1)
    return list(list_cells(sums, period["last_day"].replace(day=1), closed_month))


async def _sum_movements(reader: RecordReader, query: ReadQuery, period: Mapping[str, Any]) -> MovementTotals:
    return {(row.kind, row.is_increase): int(row.total) for row in await reader.fetch(query, **period)}


def _build_lines(cells: Iterable[Cell], currency: str) -> Iterable[FundStatementLine]:
    """Yield the spending by category, in alphabetical order, and then that of several categories together."""
    totals: dict[str | None, tuple[int, int]] = {}
    for cell in cells:
        if cell.account == SPENT:
            spent, payments = totals.get(cell.category, (0, 0))
            totals[cell.category] = (spent + cell.amount, payments + cell.payments)
    for category in sorted(totals, key=lambda name: (name is None, name)):
        spent, payments = totals[category]
        yield FundStatementLine(
            category=category,
            spent=Money.from_minor_units(spent, currency),
            payments=payments if payments >= MIN_DISCLOSED_COUNT else None,
        )
