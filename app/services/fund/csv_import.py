"""Import deposits and exchange rates from CSV text. Either all lines are imported or none."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.database.errors import CONTENTION_MESSAGE
from app.errors import Conflict
from app.fault_codes import FaultCode
from app.kit.csv_table import CsvRow, CsvTable, parse_csv
from app.kit.csv_values import build_amount_normalizer, build_date_normalizer, keep_text, lower_text
from app.kit.records import get_for_update
from app.models import ExchangeRate, Fund
from app.schemas.csv_imports import (
    CsvImport,
    CsvImportLineResult,
    CsvImportResult,
    CsvNormalizedValue,
    CsvSkippedLine,
)
from app.schemas.deposits import DepositCreate
from app.schemas.ledger import ExchangeRateCreate
from app.schemas.money import MINOR_UNITS_PER_UNIT
from app.schemas.validation_faults import get_fault_code
from app.services.fund import deposits, exchange_rates, funds, ledger
from app.services.fund.ledger import GENERAL_LINE, list_fund_lines

RATE_FAR_OFF_CODES: list[FaultCode] = ["rate_far_off"]
"""Codes of a line whose rate needs the confirmation of a second person."""
Payload = TypeVar("Payload", bound=BaseModel)


async def import_fund_deposits(
    session: AsyncSession, caller: Caller, fund_id: UUID, payload: CsvImport
) -> CsvImportResult:
    """Import deposits of a fund. Columns: `received_on`, `amount`, `reference`, optionally `line` and `duplicate_reason`.

    A reference that a deposit of any fund uses is rejected, unless the line gives a `duplicate_reason`.

    Raises:
        InvalidInput: the text is not CSV with these columns, or has too many lines.
    """
    fund = await get_for_update(session, Fund, fund_id)
    table = parse_csv(
        payload.csv,
        {
            "received_on": build_date_normalizer(payload.date_order),
            "amount": build_amount_normalizer(
                fund.currency, is_whole=MINOR_UNITS_PER_UNIT[fund.currency] == 1
            ),
            "reference": keep_text,
        },
        {"line": lower_text, "duplicate_reason": keep_text},
    )
    keys = {deposits.fold_reference(row.values.get("reference", "")) for row in table.rows}
    known_references: set[Hashable] = {*await deposits.find_reference_uses(session, keys)}

    def parse(row: dict[str, str]) -> DepositCreate:
        amount = {"amount": row["amount"], "currency": fund.currency}
        optional = {
            "line": row.get("line") or GENERAL_LINE,
            "duplicate_reason": row.get("duplicate_reason") or None,
        }
        return DepositCreate.model_validate({**row, **optional, "amount": amount})

    async def check(deposits_of_lines: Sequence[DepositCreate]) -> list[list[FaultCode]]:
        return [await check_deposit(deposit) for deposit in deposits_of_lines]

    async def check_deposit(deposit: DepositCreate) -> list[FaultCode]:
        faults = [*await ledger.check_books_open(session, deposit.received_on), *funds.check_fund_open(fund)]
        codes = [fault.code for fault in faults]
        if deposit.line not in list_fund_lines(fund):
            codes.append("line_unknown")
        known = known_references if deposit.duplicate_reason is None else set()
        key = deposits.fold_reference(deposit.reference)
        return codes + _check_key(key, known)

    async def create(deposits_of_lines: Sequence[DepositCreate]) -> None:
        for deposit in deposits_of_lines:
            await deposits.create_fund_deposit(session, caller, fund_id, deposit)

    return await _import_rows(payload, table, parse, check, create)


async def import_exchange_rates(session: AsyncSession, payload: CsvImport) -> CsvImportResult:
    """Import exchange rates. Columns: `on`, `rate`, `source`.

    Raises:
        InvalidInput: the text is not CSV with these columns, or has too many lines.
    """
    columns = {
        "on": build_date_normalizer(payload.date_order),
        "rate": build_amount_normalizer("KHR", is_whole=False),
        "source": keep_text,
    }
    table = parse_csv(payload.csv, columns, {})
    stored = await session.execute(select(col(ExchangeRate.on), col(ExchangeRate.source)))
    known_rates: set[Hashable] = {(row[0], row[1]) for row in stored}

    async def check(rates: Sequence[ExchangeRateCreate]) -> list[list[FaultCode]]:
        far = await exchange_rates.list_deviating_rates(session, rates)
        return [
            [
                *_check_key((rate.on, rate.source), known_rates),
                *(RATE_FAR_OFF_CODES if position in far else []),
            ]
            for position, rate in enumerate(rates)
        ]

    async def create(rates: Sequence[ExchangeRateCreate]) -> None:
        if rates and await exchange_rates.insert_rates_within_tolerance(session, rates) is None:
            raise Conflict(CONTENTION_MESSAGE, retry_after=1)

    return await _import_rows(payload, table, ExchangeRateCreate.model_validate, check, create)


def _check_key(key: Hashable, known_keys: set[Hashable]) -> list[FaultCode]:
    """Return a fault code for a duplicate, and add the key to the known keys."""
    codes: list[FaultCode] = ["already_entered"] if key in known_keys else []
    known_keys.add(key)
    return codes


async def _import_rows(
    payload: CsvImport,
    table: CsvTable,
    parse: Callable[[dict[str, str]], Payload],
    check: Callable[[Sequence[Payload]], Awaitable[list[list[FaultCode]]]],
    create: Callable[[Sequence[Payload]], Awaitable[None]],
) -> CsvImportResult:
    """Parse and check every line. If no line has a fault and it is not a dry run, create all records."""
    parsed = [row.codes or _parse_row(row, parse) for row in table.rows]
    records = [record for record in parsed if not isinstance(record, list)]
    codes_of_records = iter(await check(records))
    codes = [record if isinstance(record, list) else next(codes_of_records) for record in parsed]
    entered = [] if payload.dry_run or any(codes) else records
    await create(entered)
    lines = [_build_line_result(row, line_codes) for row, line_codes in zip(table.rows, codes, strict=True)]
    skipped = [CsvSkippedLine(line=line, kind=kind) for line, kind in table.skipped]
    return CsvImportResult(dry_run=payload.dry_run, entered=len(entered), lines=lines, skipped=skipped)


def _parse_row(row: CsvRow, parse: Callable[[dict[str, str]], Payload]) -> Payload | list[FaultCode]:
    """Return the payload of a line, or its fault codes."""
    try:
        return parse(row.values)
    except ValidationError as error:
        return [
            get_fault_code(fault["type"]) for fault in error.errors(include_url=False, include_input=False)
        ]


def _build_line_result(row: CsvRow, codes: list[FaultCode]) -> CsvImportLineResult:
    normalized = [
        CsvNormalizedValue(column=column, original=original, value=value.text, readings=list(value.readings))
        for column, (original, value) in row.changed.items()
    ]
    return CsvImportLineResult(line=row.line, codes=codes, normalized=normalized)
