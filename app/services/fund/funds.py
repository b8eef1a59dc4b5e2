"""Funds: entering them, changing what they may be spent on, deposits, and reading their ledger."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.dates import validate_not_in_future
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, ensure_exists, get_for_share, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.record import new_id, utc_now
from app.schemas.funds import (
    Deposit,
    DepositCreate,
    FundBalances,
    FundBudgetLine,
    FundCreate,
    FundFilters,
    FundSettings,
    FundUpdate,
)
from app.schemas.funds import (
    Fund as FundSchema,
)
from app.schemas.ledger import LedgerEntry as LedgerEntrySchema
from app.schemas.ledger import LedgerEntryFilters
from app.schemas.money import Money
from app.schemas.wire import Page
from app.services.fund import ledger
from app.services.fund.ledger import ACCOUNT_KINDS, GENERAL_LINE, NewLedgerTransaction, Posting
from app.services.persons import name_matching as names

COLUMN_FIELDS = {"grant_code", "ends_on", "categories", "youngest", "oldest", "province_codes"}
AccountBalances = dict[tuple[UUID, str, str], int]


async def create_fund(session: AsyncSession, payload: FundCreate) -> FundSchema:
    """Enter a fund; it holds nothing yet.

    Raises:
        AlreadyExists: another fund has this name, or the id.
        InvalidInput: its budget is in another currency.
    """
    fund = Fund(
        id=payload.id or new_id(), name="", donor="", currency=payload.currency, starts_on=payload.starts_on
    )
    _store_settings(fund, payload)
    session.add(fund)
    await session.flush()  # its accounts name it
    await ledger.create_line_accounts(session, fund)
    return (await load_fund_schemas(session, [fund]))[0]


async def list_funds(session: AsyncSession, caller: Caller, filters: FundFilters) -> Page[FundSchema]:
    """List the funds, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("funds", filters.limit, filters.cursor, {**wanted, "for": caller.id})
    rows, cursor = await paging.fetch_records(
        session, select(Fund).filter_by(**wanted), col(Fund.created_at), col(Fund.id)
    )
    return Page(items=await load_fund_schemas(session, rows), next_cursor=cursor)


async def get_fund(session: AsyncSession, fund_id: UUID) -> FundSchema:
    """Read one fund, with where its money is."""
    return (await load_fund_schemas(session, [await get_record(session, Fund, fund_id)]))[0]


async def update_fund(
    session: AsyncSession, fund_id: UUID, expected_version: int, patch: FundUpdate
) -> FundSchema:
    """Change what a fund is and may be spent on; what was approved before stays approved.

    Raises:
        GateRefused: it is closed; a line that is taken out holds money.
        InvalidInput: the whole would not be a fund any more.
    """
    fund = await get_version_for_update(session, Fund, fund_id, expected_version)
    raise_if_unmet(check_fund_open(fund))
    wanted = apply_patch(FundSettings, _to_settings_document(fund), patch)
    if wanted.ends_on is not None and wanted.ends_on < fund.starts_on:
        raise InvalidInput([Fault("/ends_on", "period_reversed", "Ends before it begins.")])
    gone = set(fund.lines) - {line.category for line in wanted.lines}
    raise_if_unmet(_check_removed_lines_empty(gone, await ledger.get_account_balances(session, [fund.id])))
    _store_settings(fund, wanted)
    fund.updated_at = utc_now()
    await session.flush()  # a taken name must surface before the answer leaves
    await ledger.create_line_accounts(session, fund)
    return (await load_fund_schemas(session, [fund]))[0]


def check_fund_open(fund: Fund) -> list[Fault]:
    """Return the unmet condition that a fund is closed, or none."""
    return [Fault("/fund_id", "fund_closed", "The fund is closed.")] if fund.status == "closed" else []


def _check_removed_lines_empty(lines: set[str], found: AccountBalances) -> list[Fault]:
    held = {line for (_, line, kind), balance in found.items() if balance and kind != "spent"}
    detail = "A line that holds money stays: transfer the money first."
    return [Fault("/lines", "line_holds_money", detail)] if held & lines else []


def _store_settings(fund: Fund, payload: FundSettings) -> None:
    for pointer, money in (
        ("/budget", payload.budget),
        *((f"/lines/{place}/budget", line.budget) for place, line in enumerate(payload.lines)),
    ):
        if money is not None:
            validate_currency(pointer, money.currency, fund.currency)
    for field in COLUMN_FIELDS:
        setattr(fund, field, getattr(payload, field))
    fund.name, fund.donor = names.normalize_text(payload.name), names.normalize_text(payload.donor)
    fund.budget = payload.budget.minor_units if payload.budget else None
    fund.lines = {line.category: line.budget.minor_units for line in payload.lines}


def validate_currency(pointer: str, currency: str, expected_currency: str) -> None:
    """Refuse money of another currency: two are never summed.

    Raises:
        InvalidInput: it is of another.
    """
    if currency != expected_currency:
        detail = f"The fund's money is in {expected_currency}: nothing is converted in passing."
        raise InvalidInput([Fault(pointer, "currency_other", detail)])


def _to_settings_document(fund: Fund) -> dict[str, Any]:
    """Return a fund as it would be sent."""
    plain = fund.model_dump(mode="json", include=COLUMN_FIELDS | {"name", "donor"})
    lines = [
        {"category": line, "budget": _to_money_document(amount, fund)} for line, amount in fund.lines.items()
    ]
    return {
        **plain,
        "budget": None if fund.budget is None else _to_money_document(fund.budget, fund),
        "lines": lines,
    }


def _to_money_document(minor: int, fund: Fund) -> dict[str, Any]:
    return Money.from_minor_units(minor, fund.currency).model_dump()


async def create_fund_deposit(
    session: AsyncSession, caller: Caller, fund_id: UUID, payload: DepositCreate
) -> Deposit:
    """Enter money that arrived from the donor.

    Raises:
        GateRefused: the fund is closed, or the books of that day are.
        InvalidInput: another currency; a day to come; no such line.
        AlreadyExists: the id is taken.
    """
    fund = await get_for_share(session, Fund, fund_id)
    validate_currency("/amount/currency", payload.amount.currency, fund.currency)
    validate_fund_line("/line", payload.line, fund)
    validate_not_in_future({"/received_on": payload.received_on})
    raise_if_unmet([*check_fund_open(fund), *await ledger.check_books_open(session, payload.received_on)])
    happening = NewLedgerTransaction(
        "deposit", payload.received_on, fund.id, reference=payload.reference, id=payload.id or new_id()
    )
    amount = payload.amount.minor_units
    moves = [
        Posting(fund.id, GENERAL_LINE, "donor", -amount),
        Posting(fund.id, payload.line, "available", amount),
    ]
    await ledger.post_transaction(session, caller, happening, moves)
    return Deposit(
        id=happening.id,
        fund_id=fund.id,
        amount=Money.from_minor_units(amount, fund.currency),
        received_on=payload.received_on,
        reference=payload.reference,
        line=payload.line,
        recorded_by_id=caller.id,
        created_at=utc_now(),
    )


def validate_fund_line(pointer: str, line: str, fund: Fund) -> None:
    """Refuse a line that a fund does not have.

    Raises:
        InvalidInput: it has none.
    """
    if line not in ledger.list_fund_lines(fund):
        raise InvalidInput([Fault(pointer, "line_unknown", "The fund's budget has no such line.")])


async def list_fund_ledger_entries(
    session: AsyncSession, caller: Caller, fund_id: UUID, filters: LedgerEntryFilters
) -> Page[LedgerEntrySchema]:
    """List a fund's ledger entry by entry, newest first."""
    await ensure_exists(session, Fund, fund_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("ledger", filters.limit, filters.cursor, {**wanted, "fund": fund_id, "for": caller.id})
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
    rows, cursor = await paging.fetch_rows(session, query, col(LedgerEntry.created_at), col(LedgerEntry.id))
    return Page(items=[_entry_to_schema(row[0], row[1], row[2]) for row in rows], next_cursor=cursor)


def _entry_to_schema(
    entry: LedgerEntry, happening: LedgerTransaction, account: LedgerAccount
) -> LedgerEntrySchema:
    plain = happening.model_dump(
        include={"kind", "on", "disbursement_id", "transfer_id", "reference", "by_id"}
    )
    return LedgerEntrySchema(
        **plain,
        id=entry.id,
        transaction_id=entry.transaction_id,
        account=account.kind,
        line=account.line,
        amount=Money.from_minor_units(entry.amount, account.currency),
        created_at=entry.created_at,
    )


async def load_fund_schemas(session: AsyncSession, funds: Sequence[Fund]) -> list[FundSchema]:
    """Return funds with where their money is: one statement for all of them."""
    found = await ledger.get_account_balances(session, [fund.id for fund in funds])
    return [_to_schema(fund, found) for fund in funds]


def _to_schema(fund: Fund, found: AccountBalances) -> FundSchema:
    lines = {line for fund_id, line, _ in found if fund_id == fund.id}
    totals = {
        kind: sum(found.get((fund.id, line, kind), 0) for line in lines) for kind in ("donor", *ACCOUNT_KINDS)
    }
    plain = set(FundSchema.model_fields) - {"balances", "lines", "budget"}
    return FundSchema(
        **fund.model_dump(include=plain),
        budget=None if fund.budget is None else Money.from_minor_units(fund.budget, fund.currency),
        balances=FundBalances(
            given=Money.from_minor_units(-totals["donor"], fund.currency),
            **{kind: Money.from_minor_units(totals[kind], fund.currency) for kind in ACCOUNT_KINDS},
        ),
        lines=[
            _line_to_schema(fund, line, found)
            for line in sorted(lines, key=lambda name: (name != GENERAL_LINE, name))
        ],
    )


def _line_to_schema(fund: Fund, line: str, found: AccountBalances) -> FundBudgetLine:
    budget = fund.lines.get(line)
    return FundBudgetLine(
        line=line,
        budget=None if budget is None else Money.from_minor_units(budget, fund.currency),
        **{
            kind: Money.from_minor_units(found.get((fund.id, line, kind), 0), fund.currency)
            for kind in ACCOUNT_KINDS
        },
    )


async def get_fund_balance(session: AsyncSession, fund_id: UUID, kind: str) -> int:
    """Return how much of one kind a fund holds on all its lines."""
    query = select(func.sum(col(LedgerAccount.balance))).where(
        col(LedgerAccount.fund_id) == fund_id, col(LedgerAccount.kind) == kind
    )
    return int(await session.scalar(query) or 0)
