"""Import deposits and exchange rates from CSV text. Either all lines are imported or none."""

import csv
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import date
from io import StringIO
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.fault_codes import FaultCode
from app.kit.dates import today
from app.kit.records import get_for_update
from app.models import ExchangeRate, Fund, LedgerTransaction
from app.schemas.fund_statements import CsvImport, CsvImportLineResult, CsvImportResult
from app.schemas.funds import DepositCreate
from app.schemas.ledger import ExchangeRateCreate
from app.schemas.validation_faults import get_fault_code
from app.services.fund import exchange_rates, funds, ledger
from app.services.fund.ledger import GENERAL_LINE, list_fund_lines

MAX_ROWS = 2000
DEPOSIT_COLUMNS = ("received_on", "amount", "reference")
EXCHANGE_RATE_COLUMNS = ("on", "rate", "source")
Payload = TypeVar("Payload", bound=BaseModel)


async def import_fund_deposits(
    session: AsyncSession, caller: Caller, fund_id: UUID, payload: CsvImport
) -> CsvImportResult:
    """Import deposits of a fund. Columns: `received_on`, `amount`, `reference`, and optionally `line`.

    A reference that a deposit of the fund has already is rejected. The fund is locked, so that the second of two
    identical concurrent imports finds the references of the first.

    Raises:
        InvalidInput: the text is not CSV with these columns, or has too many lines.
    """
    fund = await get_for_update(session, Fund, fund_id)
    references = await session.scalars(
        select(col(LedgerTransaction.reference)).where(
            col(LedgerTransaction.fund_id) == fund.id, col(LedgerTransaction.kind) == "deposit"
        )
    )
    known_references: set[Hashable] = set(references)

    def parse(row: dict[str, str]) -> DepositCreate:
        amount = {"amount": row["amount"], "currency": fund.currency}
        return DepositCreate.model_validate(
            {**row, "line": row.get("line") or GENERAL_LINE, "amount": amount}
        )

    async def check(deposit: DepositCreate) -> list[FaultCode]:
        faults = [*await ledger.check_books_open(session, deposit.received_on), *funds.check_fund_open(fund)]
        codes = [fault.code for fault in faults]
        if deposit.line not in list_fund_lines(fund):
            codes.append("line_unknown")
        return codes + _check_day_and_key(deposit.received_on, deposit.reference, known_references)

    async def create(deposit: DepositCreate) -> object:
        return await funds.create_fund_deposit(session, caller, fund_id, deposit)

    return await _import_rows(payload, DEPOSIT_COLUMNS, parse, check, create)


async def import_exchange_rates(session: AsyncSession, caller: Caller, payload: CsvImport) -> CsvImportResult:
    """Import exchange rates. Columns: `on`, `rate`, `source`.

    Raises:
        InvalidInput: the text is not CSV with these columns, or has too many lines.
    """
    rows = await session.execute(select(col(ExchangeRate.on), col(ExchangeRate.source)))
    known_rates: set[Hashable] = {(row[0], row[1]) for row in rows}

    async def check(rate: ExchangeRateCreate) -> list[FaultCode]:
        return _check_day_and_key(rate.on, (rate.on, rate.source), known_rates)

    async def create(rate: ExchangeRateCreate) -> None:
        session.add(exchange_rates.build_exchange_rate(caller, rate))
        await session.flush()  # report a database error before the response is built

    return await _import_rows(
        payload, EXCHANGE_RATE_COLUMNS, ExchangeRateCreate.model_validate, check, create
    )


def _check_day_and_key(day: date, key: Hashable, known_keys: set[Hashable]) -> list[FaultCode]:
    """Return the fault codes for a future day and for a duplicate, and add the key to the known ones."""
    codes: list[FaultCode] = ["date_in_future"] if day > today() else []
    codes += ["already_entered"] if key in known_keys else []
    known_keys.add(key)
    return codes


async def _import_rows(
    payload: CsvImport,
    headings: Sequence[str],
    parse: Callable[[dict[str, str]], Payload],
    check: Callable[[Payload], Awaitable[list[FaultCode]]],
    create: Callable[[Payload], Awaitable[object]],
) -> CsvImportResult:
    """Parse and check every line. If no line has a fault and it is not a dry run, create all records."""
    results, records = [], []
    for number, row in _parse_csv(payload.csv, headings):
        parsed = _parse_row(row, parse)
        if isinstance(parsed, list):
            codes = parsed
        else:
            codes = await check(parsed)
            records.append(parsed)
        results.append(CsvImportLineResult(line=number, codes=codes))
    if payload.dry_run or any(result.codes for result in results):
        records = []
    for record in records:
        await create(record)
    return CsvImportResult(dry_run=payload.dry_run, entered=len(records), lines=results)


def _parse_csv(text: str, headings: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of a CSV text, each with its line number.

    A quoted value can span lines. Its number is the number of its last line.
    """
    try:
        reader = csv.DictReader(StringIO(text.lstrip("\ufeff")), strict=True)
        if not set(headings) <= set(reader.fieldnames or ()):
            detail = f"The first line must contain the headings {', '.join(headings)}."
            raise InvalidInput([Fault("/csv", "headings_missing", detail)])
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error:
        raise InvalidInput(
            [Fault("/csv", "csv_unreadable", "The text must be valid CSV (RFC 4180).")]
        ) from None
    if not 0 < len(rows) <= MAX_ROWS:
        detail = f"The text must have 1 to {MAX_ROWS} lines after the headings."
        raise InvalidInput([Fault("/csv", "lines_unfit", detail)])
    return rows


def _parse_row(row: dict[str, str], parse: Callable[[dict[str, str]], Payload]) -> Payload | list[FaultCode]:
    """Return the payload of a line, or its fault codes.

    A value that is not a string means that the line has too few or too many values.
    """
    if not all(isinstance(value, str) for value in row.values()):
        return ["columns_unfit"]
    try:
        return parse({heading: value.strip() for heading, value in row.items()})
    except ValidationError as error:
        return [
            get_fault_code(fault["type"]) for fault in error.errors(include_url=False, include_input=False)
        ]
