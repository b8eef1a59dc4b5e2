"""Funds: entering them, changing what they may be spent on, deposits, and reading their ledger."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.errors import Fault, InvalidInput
from app.kit.dates import refuse_ahead
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, find_steady, patched, require
from app.kit.state_machine import refuse
from app.models import Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.record import new_id, now
from app.schemas.funds import (
    Balances,
    DepositIn,
    DepositOut,
    FundFilters,
    FundIn,
    FundOut,
    FundPatch,
    FundSettings,
    LineOut,
)
from app.schemas.ledger import LedgerEntryOut, LedgerFilters
from app.schemas.money import Money
from app.schemas.wire import Page
from app.services.fund import ledger
from app.services.fund.ledger import ACCOUNTS, GENERAL, Happening, Move
from app.services.persons import name_matching as names

PLAIN = {"grant_code", "ends_on", "categories", "youngest", "oldest", "province_codes"}
Found = dict[tuple[UUID, str, str], int]


async def register(session: AsyncSession, told: FundIn) -> FundOut:
    """Enter a fund; it holds nothing yet.

    Raises:
        AlreadyExists: another fund has this name, or the id.
        InvalidInput: its budget is in another currency.
    """
    fund = Fund(id=told.id or new_id(), name="", donor="", currency=told.currency, starts_on=told.starts_on)
    _write(fund, told)
    session.add(fund)
    await session.flush()  # its accounts name it
    await ledger.open_lines(session, fund)
    return (await shown(session, [fund]))[0]


async def listed(session: AsyncSession, actor: Actor, filters: FundFilters) -> Page[FundOut]:
    """List the funds, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("funds", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    rows, cursor = await paging.records(
        session, select(Fund).filter_by(**wanted), col(Fund.created_at), col(Fund.id)
    )
    return Page(items=await shown(session, rows), next_cursor=cursor)


async def read(session: AsyncSession, fund_id: UUID) -> FundOut:
    """Read one fund, with where its money is."""
    return (await shown(session, [await find(session, Fund, fund_id)]))[0]


async def change(session: AsyncSession, fund_id: UUID, seen: int, patch: FundPatch) -> FundOut:
    """Change what a fund is and may be spent on; what was approved before stays approved.

    Raises:
        GateRefused: it is closed; a line that is taken out holds money.
        InvalidInput: the whole would not be a fund any more.
    """
    fund = await find_for_change(session, Fund, fund_id, seen)
    refuse(unmet_fund_open(fund))
    wanted = patched(FundSettings, _settings(fund), patch)
    if wanted.ends_on is not None and wanted.ends_on < fund.starts_on:
        raise InvalidInput([Fault("/ends_on", "period_reversed", "Ends before it begins.")])
    gone = set(fund.lines) - {line.category for line in wanted.lines}
    refuse(_unmet_empty(gone, await ledger.balances(session, [fund.id])))
    _write(fund, wanted)
    fund.updated_at = now()
    await session.flush()  # a taken name must surface before the answer leaves
    await ledger.open_lines(session, fund)
    return (await shown(session, [fund]))[0]


def unmet_fund_open(fund: Fund) -> list[Fault]:
    """Return the unmet condition that a fund is closed, or none."""
    return [Fault("/fund_id", "fund_closed", "The fund is closed.")] if fund.status == "closed" else []


def _unmet_empty(lines: set[str], found: Found) -> list[Fault]:
    held = {line for (_, line, kind), balance in found.items() if balance and kind != "spent"}
    detail = "A line that holds money stays: transfer the money first."
    return [Fault("/lines", "line_holds_money", detail)] if held & lines else []


def _write(fund: Fund, told: FundSettings) -> None:
    for pointer, money in (
        ("/budget", told.budget),
        *((f"/lines/{place}/budget", line.budget) for place, line in enumerate(told.lines)),
    ):
        if money is not None:
            refuse_currency(pointer, money.currency, fund.currency)
    for field in PLAIN:
        setattr(fund, field, getattr(told, field))
    fund.name, fund.donor = names.tidy(told.name), names.tidy(told.donor)
    fund.budget = told.budget.minor if told.budget else None
    fund.lines = {line.category: line.budget.minor for line in told.lines}


def refuse_currency(pointer: str, currency: str, wanted: str) -> None:
    """Refuse money of another currency: two are never summed.

    Raises:
        InvalidInput: it is of another.
    """
    if currency != wanted:
        detail = f"The fund's money is in {wanted}: nothing is converted in passing."
        raise InvalidInput([Fault(pointer, "currency_other", detail)])


def _settings(fund: Fund) -> dict[str, Any]:
    """Return a fund as it would be sent."""
    plain = fund.model_dump(mode="json", include=PLAIN | {"name", "donor"})
    lines = [{"category": line, "budget": _money(amount, fund)} for line, amount in fund.lines.items()]
    return {**plain, "budget": None if fund.budget is None else _money(fund.budget, fund), "lines": lines}


def _money(minor: int, fund: Fund) -> dict[str, Any]:
    return Money.of(minor, fund.currency).model_dump()


async def deposit(session: AsyncSession, actor: Actor, fund_id: UUID, told: DepositIn) -> DepositOut:
    """Enter money that arrived from the donor.

    Raises:
        GateRefused: the fund is closed, or the books of that day are.
        InvalidInput: another currency; a day to come; no such line.
        AlreadyExists: the id is taken.
    """
    fund = await find_steady(session, Fund, fund_id)
    refuse_currency("/amount/currency", told.amount.currency, fund.currency)
    refuse_line("/line", told.line, fund)
    refuse_ahead({"/received_on": told.received_on})
    refuse([*unmet_fund_open(fund), *await ledger.unmet_books(session, told.received_on)])
    happening = Happening(
        "deposit", told.received_on, fund.id, reference=told.reference, id=told.id or new_id()
    )
    amount = told.amount.minor
    moves = [Move(fund.id, GENERAL, "donor", -amount), Move(fund.id, told.line, "available", amount)]
    await ledger.post(session, actor, happening, moves)
    return DepositOut(
        id=happening.id,
        fund_id=fund.id,
        amount=Money.of(amount, fund.currency),
        received_on=told.received_on,
        reference=told.reference,
        line=told.line,
        recorded_by_id=actor.id,
        created_at=now(),
    )


def refuse_line(pointer: str, line: str, fund: Fund) -> None:
    """Refuse a line that a fund does not have.

    Raises:
        InvalidInput: it has none.
    """
    if line not in ledger.lines_of(fund):
        raise InvalidInput([Fault(pointer, "line_unknown", "The fund's budget has no such line.")])


async def entries(
    session: AsyncSession, actor: Actor, fund_id: UUID, filters: LedgerFilters
) -> Page[LedgerEntryOut]:
    """List a fund's ledger entry by entry, newest first."""
    await require(session, Fund, fund_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("ledger", filters.limit, filters.cursor, {**wanted, "fund": fund_id, "for": actor.id})
    columns = {
        "account": col(LedgerAccount.kind),
        "line": col(LedgerAccount.line),
        "kind": col(LedgerTransaction.kind),
        "disbursement_id": col(LedgerTransaction.disbursement_id),
    }
    query = (
        select(LedgerEntry, LedgerTransaction, LedgerAccount)
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(LedgerEntry.fund_id) == fund_id, *(columns[name] == wanted[name] for name in wanted))
    )
    rows, cursor = await paging.rows(session, query, col(LedgerEntry.created_at), col(LedgerEntry.id))
    return Page(items=[_entry(row[0], row[1], row[2]) for row in rows], next_cursor=cursor)


def _entry(entry: LedgerEntry, happening: LedgerTransaction, account: LedgerAccount) -> LedgerEntryOut:
    plain = happening.model_dump(
        include={"kind", "on", "disbursement_id", "transfer_id", "reference", "by_id"}
    )
    return LedgerEntryOut(
        **plain,
        id=entry.id,
        transaction_id=entry.transaction_id,
        account=account.kind,
        line=account.line,
        amount=Money.of(entry.amount, account.currency),
        created_at=entry.created_at,
    )


async def shown(session: AsyncSession, funds: Sequence[Fund]) -> list[FundOut]:
    """Return funds with where their money is: one statement for all of them."""
    found = await ledger.balances(session, [fund.id for fund in funds])
    return [_shown(fund, found) for fund in funds]


def _shown(fund: Fund, found: Found) -> FundOut:
    lines = {line for fund_id, line, _ in found if fund_id == fund.id}
    totals = {
        kind: sum(found.get((fund.id, line, kind), 0) for line in lines) for kind in ("donor", *ACCOUNTS)
    }
    plain = set(FundOut.model_fields) - {"balances", "lines", "budget"}
    return FundOut(
        **fund.model_dump(include=plain),
        budget=None if fund.budget is None else Money.of(fund.budget, fund.currency),
        balances=Balances(
            given=Money.of(-totals["donor"], fund.currency),
            **{kind: Money.of(totals[kind], fund.currency) for kind in ACCOUNTS},
        ),
        lines=[_line(fund, line, found) for line in sorted(lines, key=lambda name: (name != GENERAL, name))],
    )


def _line(fund: Fund, line: str, found: Found) -> LineOut:
    budget = fund.lines.get(line)
    return LineOut(
        line=line,
        budget=None if budget is None else Money.of(budget, fund.currency),
        **{kind: Money.of(found.get((fund.id, line, kind), 0), fund.currency) for kind in ACCOUNTS},
    )


async def held(session: AsyncSession, fund_id: UUID, kind: str) -> int:
    """Return how much of one kind a fund holds on all its lines."""
    query = select(func.sum(col(LedgerAccount.balance))).where(
        col(LedgerAccount.fund_id) == fund_id, col(LedgerAccount.kind) == kind
    )
    return int(await session.scalar(query) or 0)
