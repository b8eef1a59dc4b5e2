"""The statement of a fund for its donor, computed from the ledger by accounting date. It contains no personal data."""

from datetime import date
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.kit.records import get_record
from app.models import Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.schemas.fund_statements import FundStatement, FundStatementLine
from app.schemas.money import Money

MovementTotals: TypeAlias = dict[tuple[str, str, bool], int]
"""Sums of entries, by kind of account, kind of transaction, and whether the entries increase the account."""
MIN_DISCLOSED_COUNT = 5
"""Smaller numbers of payments are not disclosed, because they could identify a child."""


async def get_fund_statement(
    session: AsyncSession, fund_id: UUID, first_day: date, last_day: date
) -> FundStatement:
    """Return the statement of a fund for a period that includes both days.

    Raises:
        InvalidInput: the period ends before it begins.
        NotFound: the fund does not exist.
    """
    if last_day < first_day:
        detail = "`last_day` must not be before `first_day`."
        raise InvalidInput([Fault("/last_day", "period_reversed", detail)])
    fund = await get_record(session, Fund, fund_id)
    on = col(LedgerTransaction.on)
    before = await _sum_movements(session, fund, on < first_day)
    during = await _sum_movements(session, fund, on.between(first_day, last_day))

    def to_money(amount: int) -> Money:
        return Money.from_minor_units(amount, fund.currency)

    # The balance of the donor account is negative: it is the money given by the donor.
    opening = -_sum_account(before, "donor") - _sum_account(before, "spent")
    change = -_sum_account(during, "donor") - _sum_account(during, "spent")
    return FundStatement(
        **fund.model_dump(include={"name", "donor", "grant_code", "currency"}),
        fund_id=fund.id,
        first_day=first_day,
        last_day=last_day,
        opening=to_money(opening),
        deposits=to_money(-during.get(("donor", "deposit", False), 0)),
        received=to_money(-during.get(("donor", "closing", False), 0)),
        given_back=to_money(during.get(("donor", "closing", True), 0)),
        spent=to_money(_sum_account(during, "spent")),
        closing=to_money(opening + change),
        reserved=to_money(_sum_account(before, "reserved") + _sum_account(during, "reserved")),
        advanced=to_money(_sum_account(before, "advanced") + _sum_account(during, "advanced")),
        lines=await _sum_spending_by_category(session, fund, first_day, last_day),
    )


def _sum_account(totals: MovementTotals, account: str) -> int:
    return sum(amount for (kind, _, _), amount in totals.items() if kind == account)


async def _sum_movements(session: AsyncSession, fund: Fund, period: ColumnElement[bool]) -> MovementTotals:
    account, kind, amount = col(LedgerAccount.kind), col(LedgerTransaction.kind), col(LedgerEntry.amount)
    is_increase = (amount > 0).label("is_increase")
    query = (
        select(account, kind, is_increase, func.sum(amount))
        .select_from(LedgerTransaction)
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(LedgerEntry.fund_id) == fund.id, period)
        .group_by(account, kind, is_increase)
    )
    return {(row[0], row[1], row[2]): int(row[3]) for row in await session.execute(query)}


async def _sum_spending_by_category(
    session: AsyncSession, fund: Fund, first_day: date, last_day: date
) -> list[FundStatementLine]:
    """Return the spending by category. The database function counts all cases, also those the caller cannot see."""
    query = text(
        "SELECT category, spent, payments FROM access.spending_by_category(:fund, :first_day, :last_day)"
    )
    parameters = {"fund": fund.id, "first_day": first_day, "last_day": last_day}
    return [
        FundStatementLine(
            category=row.category,
            spent=Money.from_minor_units(row.spent, fund.currency),
            payments=row.payments if row.payments >= MIN_DISCLOSED_COUNT else None,
        )
        for row in await session.execute(query, parameters)
    ]
