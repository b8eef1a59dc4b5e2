"""The statement of a fund for its donor, computed from the ledger by accounting date. It contains no personal data."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Date, Select, Uuid, bindparam, column, func, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader
from app.errors import Fault, InvalidInput
from app.models import Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.schemas.fund_statements import FundStatement, FundStatementLine
from app.schemas.money import Money

MovementTotals: TypeAlias = dict[tuple[str, str, bool], int]
"""Sums of entries, by kind of account, kind of transaction, and whether the entries increase the account."""
FUND_ID = bindparam("fund_id", type_=Uuid)
FIRST_DAY, LAST_DAY = bindparam("first_day", type_=Date), bindparam("last_day", type_=Date)
FUND_QUERY = ReadQuery(
    select(col(Fund.name), col(Fund.donor), col(Fund.grant_code), col(Fund.currency)).where(
        col(Fund.id) == FUND_ID
    )
)
IS_INCREASE = (col(LedgerEntry.amount) > 0).label("is_increase")
MOVEMENTS: Select[*tuple[Any, ...]] = (
    select(
        col(LedgerAccount.kind).label("account"),
        col(LedgerTransaction.kind),
        IS_INCREASE,
        func.sum(col(LedgerEntry.amount)).label("total"),
    )
    .select_from(LedgerTransaction)
    .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
    .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
    .where(col(LedgerEntry.fund_id) == FUND_ID)
    .group_by(col(LedgerAccount.kind), col(LedgerTransaction.kind), IS_INCREASE)
)
MOVEMENTS_BEFORE = ReadQuery(MOVEMENTS.where(col(LedgerTransaction.on) < FIRST_DAY))
MOVEMENTS_DURING = ReadQuery(MOVEMENTS.where(col(LedgerTransaction.on).between(FIRST_DAY, LAST_DAY)))
SPENDING = func.access.spending_by_category(FUND_ID, FIRST_DAY, LAST_DAY).table_valued(
    column("category"), column("spent"), column("payments"), name="spending"
)
SPENDING_QUERY = ReadQuery(select(*SPENDING.c))
MIN_DISCLOSED_COUNT = 5
"""Smaller numbers of payments are not disclosed, because they could identify a child."""


async def get_fund_statement(
    reader: RecordReader, fund_id: UUID, first_day: date, last_day: date
) -> FundStatement:
    """Return the statement of a fund for a period that includes both days.

    Raises:
        InvalidInput: the period ends before it begins.
        NotFound: the fund does not exist.
    """
    if last_day < first_day:
        detail = "`last_day` must not be before `first_day`."
        raise InvalidInput([Fault("/last_day", "period_reversed", detail)])
    fund = await reader.fetch_required(FUND_QUERY, fund_id=fund_id)
    period = {"fund_id": fund_id, "first_day": first_day, "last_day": last_day}
    before = await _sum_movements(reader, MOVEMENTS_BEFORE, period)
    during = await _sum_movements(reader, MOVEMENTS_DURING, period)

    def to_money(amount: int) -> Money:
        return Money.from_minor_units(amount, fund.currency)

    # The balance of the donor account is negative: it is the money given by the donor.
    opening = -_sum_account(before, "donor") - _sum_account(before, "spent")
    change = -_sum_account(during, "donor") - _sum_account(during, "spent")
    return FundStatement(
        name=fund.name,
        donor=fund.donor,
        grant_code=fund.grant_code,
        currency=fund.currency,
        fund_id=fund_id,
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
        lines=await _list_spending_by_category(reader, fund.currency, period),
    )


def _sum_account(totals: MovementTotals, account: str) -> int:
    return sum(amount for (kind, _, _), amount in totals.items() if kind == account)


async def _sum_movements(reader: RecordReader, query: ReadQuery, period: Mapping[str, Any]) -> MovementTotals:
    return {
        (row.account, row.kind, row.is_increase): int(row.total)
        for row in await reader.fetch(query, **period)
    }


async def _list_spending_by_category(
    reader: RecordReader, currency: str, period: Mapping[str, Any]
) -> list[FundStatementLine]:
    """Return the spending by category. The database function counts all cases, also those the caller cannot see."""
    return [
        FundStatementLine(
            category=row.category,
            spent=Money.from_minor_units(row.spent, currency),
            payments=row.payments if row.payments >= MIN_DISCLOSED_COUNT else None,
        )
        for row in await reader.fetch(SPENDING_QUERY, **period)
    ]
