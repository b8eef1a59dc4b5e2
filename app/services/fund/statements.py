"""A fund's statement for its donor: from the ledger, by the days things count for; no child can be known from it."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.kit.records import get_record
from app.models import Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.schemas.fund_statements import FundStatement, FundStatementLine
from app.schemas.money import Money

MovementTotals = dict[tuple[str, str, bool], int]
"""What moved: by account, by what happened, and whether it was added to the account."""
MIN_DISCLOSED_COUNT = 5
"""Fewer payments than this are not counted out: so few could be somebody."""


async def get_fund_statement(
    session: AsyncSession, fund_id: UUID, first_day: date, last_day: date
) -> FundStatement:
    """Return a fund's statement for the days from the first to the last.

    Raises:
        InvalidInput: the period ends before it begins.
    """
    if last_day < first_day:
        raise InvalidInput([Fault("/last_day", "period_reversed", "Ends before it begins.")])
    fund = await get_record(session, Fund, fund_id)
    on = col(LedgerTransaction.on)
    before = await _sum_movements(session, fund, on < first_day)
    during = await _sum_movements(session, fund, on.between(first_day, last_day))

    def total(sums: MovementTotals, account: str) -> int:
        return sum(amount for (found, _, _), amount in sums.items() if found == account)

    def money(minor: int) -> Money:
        return Money.from_minor_units(minor, fund.currency)

    opening = -total(before, "donor") - total(before, "spent")
    moved = -total(during, "donor") - total(during, "spent")
    return FundStatement(
        **fund.model_dump(include={"name", "donor", "grant_code", "currency"}),
        fund_id=fund.id,
        first_day=first_day,
        last_day=last_day,
        opening=money(opening),
        deposits=money(-during.get(("donor", "deposit", False), 0)),
        received=money(-during.get(("donor", "closing", False), 0)),
        given_back=money(during.get(("donor", "closing", True), 0)),
        spent=money(total(during, "spent")),
        closing=money(opening + moved),
        reserved=money(total(before, "reserved") + total(during, "reserved")),
        advanced=money(total(before, "advanced") + total(during, "advanced")),
        lines=await _sum_spending_by_category(session, fund, first_day, last_day),
    )


async def _sum_movements(session: AsyncSession, fund: Fund, period: ColumnElement[bool]) -> MovementTotals:
    account, kind, amount = col(LedgerAccount.kind), col(LedgerTransaction.kind), col(LedgerEntry.amount)
    is_added = (amount > 0).label("is_added")
    query = _filter_entries(select(account, kind, is_added, func.sum(amount)), fund, period)
    rows = await session.execute(query.group_by(account, kind, is_added))
    return {(row[0], row[1], row[2]): int(row[3]) for row in rows}


async def _sum_spending_by_category(
    session: AsyncSession, fund: Fund, first_day: date, last_day: date
) -> list[FundStatementLine]:
    """Return what was spent by category: of all of it, whoever asks, with no look at whom it was for."""
    query = text(
        "SELECT category, spent, payments FROM access.spending_by_category(:fund, :first_day, :last_day)"
    )
    told = {"fund": fund.id, "first_day": first_day, "last_day": last_day}
    return [
        FundStatementLine(
            category=row.category,
            spent=Money.from_minor_units(row.spent, fund.currency),
            payments=row.payments if row.payments >= MIN_DISCLOSED_COUNT else None,
        )
        for row in await session.execute(query, told)
    ]


def _filter_entries(query: Any, fund: Fund, period: ColumnElement[bool]) -> Any:
    return (
        query.select_from(LedgerTransaction)
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(LedgerEntry.fund_id) == fund.id, period)
    )
