"""Entering tables of deposits and of exchange rates: every line is looked at, and all are entered, or none."""

import csv
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from io import StringIO
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.records import get_for_update
from app.models import ExchangeRate, Fund, LedgerTransaction
from app.schemas.fund_statements import CsvImport, CsvImportLineResult, CsvImportResult
from app.schemas.funds import DepositCreate
from app.schemas.ledger import ExchangeRateCreate
from app.services.fund import exchange_rates, funds, ledger
from app.services.fund.ledger import GENERAL_LINE, list_fund_lines

MAX_ROWS = 2000
DEPOSIT_COLUMNS = ("received_on", "amount", "reference")
EXCHANGE_RATE_COLUMNS = ("on", "rate", "source")


async def import_fund_deposits(
    session: AsyncSession, caller: Caller, fund_id: UUID, table: CsvImport
) -> CsvImportResult:
    """Enter a table of deposits (`received_on`, `amount`, `reference`, and perhaps `line`).

    Raises:
        InvalidInput: it is no such table.
    """
    fund = await get_for_update(
        session, Fund, fund_id
    )  # sent twice at once, the second finds what the first entered
    known = await session.scalars(
        select(col(LedgerTransaction.reference)).where(
            col(LedgerTransaction.fund_id) == fund.id, col(LedgerTransaction.kind) == "deposit"
        )
    )
    seen: set[Any] = set(known)

    def read(row: dict[str, str]) -> DepositCreate:
        amount = {"amount": row["amount"], "currency": fund.currency}
        return DepositCreate.model_validate(
            {**row, "line": row.get("line") or GENERAL_LINE, "amount": amount}
        )

    async def faults(told: DepositCreate) -> list[str]:
        found = [fault.code for fault in await ledger.check_books_open(session, told.received_on)]
        found += [fault.code for fault in funds.check_fund_open(fund)]
        found += ["line_unknown"] if told.line not in list_fund_lines(fund) else []
        return found + _check_row(told.received_on, told.reference, seen)

    async def enter(told: DepositCreate) -> object:
        return await funds.create_fund_deposit(session, caller, fund_id, told)

    return await _import_rows(table, DEPOSIT_COLUMNS, read, faults, enter)


async def import_exchange_rates(session: AsyncSession, caller: Caller, table: CsvImport) -> CsvImportResult:
    """Enter a table of exchange rates (`on`, `rate`, `source`).

    Raises:
        InvalidInput: it is no such table.
    """
    known = await session.execute(select(col(ExchangeRate.on), col(ExchangeRate.source)))
    seen: set[Any] = {(row[0], row[1]) for row in known}

    async def faults(told: ExchangeRateCreate) -> list[str]:
        return _check_row(told.on, (told.on, told.source), seen)

    async def enter(told: ExchangeRateCreate) -> object:
        return await exchange_rates.create_exchange_rate(session, caller, told)

    return await _import_rows(table, EXCHANGE_RATE_COLUMNS, ExchangeRateCreate.model_validate, faults, enter)


def _check_row(day: date, key: object, seen: set[Any]) -> list[str]:
    """Return what is wrong with any line: a day to come, or something that was entered before."""
    found = ["date_in_future"] if day > today() else []
    found += ["already_entered"] if key in seen else []
    seen.add(key)
    return found


async def _import_rows(
    table: CsvImport,
    headings: Sequence[str],
    read: Callable[[dict[str, str]], Any],
    faults: Callable[[Any], Awaitable[list[str]]],
    enter: Callable[[Any], Awaitable[object]],
) -> CsvImportResult:
    lines, right = [], []
    for number, row in _parse_rows(table.csv, headings):
        told = _parse_row(row, read)
        codes = told if isinstance(told, list) else await faults(told)
        lines.append(CsvImportLineResult(line=number, codes=codes))
        right.append(told)
    entering = not table.dry_run and not any(line.codes for line in lines)
    for told in right if entering else []:
        await enter(told)
    return CsvImportResult(dry_run=table.dry_run, entered=len(right) if entering else 0, lines=lines)


def _parse_rows(text: str, headings: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of a table, each with its number in the text: that of its last line, where it has several."""
    try:
        reader = csv.DictReader(StringIO(text.lstrip("\ufeff")), strict=True)
        if not set(headings) <= set(reader.fieldnames or ()):
            raise InvalidInput([Fault("/csv", "headings_missing", f"Begins with: {', '.join(headings)}.")])
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error:
        raise InvalidInput(
            [Fault("/csv", "csv_unreadable", "Is no table of comma-separated values.")]
        ) from None
    if not 0 < len(rows) <= MAX_ROWS:
        raise InvalidInput([Fault("/csv", "lines_unfit", f"Has 1 to {MAX_ROWS} lines.")])
    return rows


def _parse_row(row: dict[str, Any], read: Callable[[dict[str, str]], BaseModel]) -> Any:
    """Return what a line says, or what is wrong with it."""
    try:
        return read({name: value.strip() for name, value in row.items()})
    except ValidationError as error:
        return [found["type"] for found in error.errors(include_url=False, include_input=False)]
    except AttributeError:
        return ["columns_unfit"]
