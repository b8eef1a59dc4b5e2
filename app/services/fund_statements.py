"""A fund's statement for its donor: from the ledger, by the days things count for; no child can be known from it."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.models import Disbursement, Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.schemas.fund_statements import Statement, StatementLine
from app.schemas.money import Money
from app.services.records import find

FEWEST = 5
"""Fewer payments than this are not counted out: so few could be somebody."""


async def read(session: AsyncSession, fund_id: UUID, first_day: date, last_day: date) -> Statement:
    """Return a fund's statement for the days from the first to the last.

    Raises:
        InvalidInput: the period ends before it begins.
    """
    if last_day < first_day:
        raise InvalidInput([Fault("/last_day", "period_reversed", "Ends before it begins.")])
    fund = await find(session, Fund, fund_id)
    on = col(LedgerTransaction.on)
    before = await _sums(session, fund, on < first_day)
    during = await _sums(session, fund, on.between(first_day, last_day))

    def total(sums: dict[tuple[str, str], int], account: str) -> int:
        return sum(amount for (found, _), amount in sums.items() if found == account)

    def money(minor: int) -> Money:
        return Money.of(minor, fund.currency)

    opening = -total(before, "donor") - total(before, "spent")
    moved = -total(during, "donor") - total(during, "spent")
    closings = -during.get(("donor", "closing"), 0)
    return Statement(
        **fund.model_dump(include={"name", "donor", "grant_code", "currency"}),
        fund_id=fund.id,
        first_day=first_day,
        last_day=last_day,
        opening=money(opening),
        deposits=money(-during.get(("donor", "deposit"), 0)),
        received=money(max(closings, 0)),
        given_back=money(max(-closings, 0)),
        spent=money(total(during, "spent")),
        closing=money(opening + moved),
        reserved=money(total(before, "reserved") + total(during, "reserved")),
        advanced=money(total(before, "advanced") + total(during, "advanced")),
        lines=await _lines(session, fund, on.between(first_day, last_day)),
    )


async def _sums(session: AsyncSession, fund: Fund, period: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """Return what moved in a period, by account and by what happened."""
    account, kind = col(LedgerAccount.kind), col(LedgerTransaction.kind)
    query = _entries(select(account, kind, func.sum(col(LedgerEntry.amount))), fund, period)
    return {(row[0], row[1]): int(row[2]) for row in await session.execute(query.group_by(account, kind))}


async def _lines(session: AsyncSession, fund: Fund, period: ColumnElement[bool]) -> list[StatementLine]:
    category = col(Disbursement.category)
    query = select(category, func.sum(col(LedgerEntry.amount)), func.count(col(Disbursement.id).distinct()))
    query = _entries(query, fund, period).join(
        Disbursement, col(Disbursement.id) == col(LedgerTransaction.disbursement_id)
    )
    query = query.where(col(LedgerAccount.kind) == "spent").group_by(category).order_by(category)
    return [
        StatementLine(
            category=row[0],
            spent=Money.of(int(row[1]), fund.currency),
            payments=row[2] if row[2] >= FEWEST else None,
        )
        for row in await session.execute(query)
    ]


def _entries(query: Any, fund: Fund, period: ColumnElement[bool]) -> Any:
    return (
        query.select_from(LedgerTransaction)
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(LedgerEntry.fund_id) == fund.id, period)
    )
