"""Create and update funds."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.reader import session_reader
from app.errors import Fault, InvalidInput
from app.kit.grant_codes import validate_grant_code
from app.kit.records import apply_patch, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Fund, LedgerAccount
from app.models.record import new_id, utc_now
from app.schemas.funds import Fund as FundSchema
from app.schemas.funds import (
    FundCreate,
    FundSettings,
    FundUpdate,
)
from app.schemas.money import Money
from app.services.fund import ledger
from app.services.fund.fund_responses import get_fund
from app.services.fund.ledger import AccountBalances
from app.text_folding import normalize_text

COLUMN_FIELDS = {"grant_code", "ends_on", "categories", "youngest", "oldest", "province_codes"}
"""Settings whose column has the same name and value."""


async def create_fund(session: AsyncSession, payload: FundCreate) -> FundSchema:
    """Create a fund without money.

    Raises:
        AlreadyExists: the name or the id is taken.
        InvalidInput: a budget is in another currency than the fund, or there is no active grant with the code.
    """
    fund = Fund(
        id=payload.id or new_id(), name="", donor="", currency=payload.currency, starts_on=payload.starts_on
    )
    await validate_grant_code(session, payload.grant_code, None)
    _store_settings(fund, payload)
    session.add(fund)
    await session.flush()  # the accounts reference the fund
    await ledger.create_line_accounts(session, fund)
    return await get_fund(session_reader(session), fund.id)


async def update_fund(
    session: AsyncSession, fund_id: UUID, expected_version: int, payload: FundUpdate
) -> FundSchema:
    """Update the settings of a fund. Approved requests stay approved.

    Raises:
        GateRefused: the fund is closed, or a removed budget line has money.
        InvalidInput: the resulting settings are invalid.
        AlreadyExists: the name is taken.
    """
    fund = await get_version_for_update(session, Fund, fund_id, expected_version)
    raise_if_unmet(check_fund_open(fund))
    settings = apply_patch(FundSettings, _to_settings_document(fund), payload)
    if settings.ends_on is not None and settings.ends_on < fund.starts_on:
        detail = "`ends_on` must not be before `starts_on`."
        raise InvalidInput([Fault("/ends_on", "period_reversed", detail)])
    await validate_grant_code(session, settings.grant_code, fund.grant_code)
    removed_lines = set(fund.lines) - {line.category for line in settings.lines}
    balances = await ledger.get_account_balances(session, [fund.id])
    raise_if_unmet(_check_removed_lines_empty(removed_lines, balances))
    _store_settings(fund, settings)
    fund.updated_at = utc_now()
    await session.flush()  # report a database error before the response is built
    await ledger.create_line_accounts(session, fund)
    return await get_fund(session_reader(session), fund.id)


def check_fund_open(fund: Fund) -> list[Fault]:
    """Return a fault if a fund is closed."""
    return [Fault("/fund_id", "fund_closed", "The fund is closed.")] if fund.status == "closed" else []


def _check_removed_lines_empty(removed_lines: set[str], balances: AccountBalances) -> list[Fault]:
    """Return a fault if a removed budget line has money that is not spent."""
    lines_with_money = {line for (_, line, kind), balance in balances.items() if balance and kind != "spent"}
    detail = "A budget line with money cannot be removed. Transfer the money first."
    return [Fault("/lines", "line_holds_money", detail)] if lines_with_money & removed_lines else []


def _store_settings(fund: Fund, settings: FundSettings) -> None:
    budgets = [
        ("/budget", settings.budget),
        *((f"/lines/{index}/budget", line.budget) for index, line in enumerate(settings.lines)),
    ]
    for pointer, budget in budgets:
        if budget is not None:
            validate_currency(pointer, budget.currency, fund.currency)
    for field in COLUMN_FIELDS:
        setattr(fund, field, getattr(settings, field))
    fund.name = normalize_text(settings.name)
    fund.donor = normalize_text(settings.donor)
    fund.budget = settings.budget.minor_units if settings.budget else None
    fund.lines = {line.category: line.budget.minor_units for line in settings.lines}


def validate_currency(pointer: str, currency: str, expected_currency: str) -> None:
    """Check that an amount is in the currency of the fund.

    Amounts of two currencies are never summed or converted implicitly.

    Raises:
        InvalidInput: the currency is another one.
    """
    if currency != expected_currency:
        detail = f"The amount must be in {expected_currency}, the currency of the fund."
        raise InvalidInput([Fault(pointer, "currency_other", detail)])


def _to_settings_document(fund: Fund) -> dict[str, Any]:
    """Return the settings of a fund in the request format."""
    columns = fund.model_dump(mode="json", include=COLUMN_FIELDS | {"name", "donor"})
    lines = [
        {"category": line, "budget": _to_money_document(amount, fund)} for line, amount in fund.lines.items()
    ]
    return {
        **columns,
        "budget": None if fund.budget is None else _to_money_document(fund.budget, fund),
        "lines": lines,
    }


def _to_money_document(amount: int, fund: Fund) -> dict[str, Any]:
    return Money.from_minor_units(amount, fund.currency).model_dump()


def validate_fund_line(pointer: str, line: str, fund: Fund) -> None:
    """Check that a fund has a budget line.

    Raises:
        InvalidInput: the budget line does not exist.
    """
    if line not in ledger.list_fund_lines(fund):
        raise InvalidInput([Fault(pointer, "line_unknown", "The fund has no budget line with this name.")])


async def get_fund_balance(session: AsyncSession, fund_id: UUID, kind: str) -> int:
    """Return the balance of one kind of account, summed over the budget lines of a fund."""
    query = select(func.sum(col(LedgerAccount.balance))).where(
        col(LedgerAccount.fund_id) == fund_id, col(LedgerAccount.kind) == kind
    )
    return int(await session.scalar(query) or 0)
