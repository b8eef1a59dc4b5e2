"""Deposits: money received from donors. A mistake is corrected by a reversal, and the deposit stays."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.reader import RecordReader
from app.errors import Fault
from app.kit.dates import today
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible, get_for_share, get_for_update, get_version_for_update
from app.kit.reference_names import staff_names, to_ref, to_staff_refs
from app.kit.resources import Resource
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Deposit, Fund
from app.models.record import new_id, utc_now
from app.schemas.deposits import Deposit as DepositSchema
from app.schemas.deposits import DepositCreate, DepositFilters, DepositList, DepositReversal
from app.schemas.money import format_money
from app.services.fund import ledger
from app.services.fund.funds import check_fund_open, validate_currency, validate_fund_line
from app.services.fund.ledger import GENERAL_LINE, NewLedgerTransaction, Posting
from app.text_folding import fold_identifier, normalize_text

INITIAL_STATUS = "recorded"
REVERSE = Transition(
    "reverse",
    frozenset({INITIAL_STATUS}),
    "reversed",
    Permission.fund_reverse_deposit,
    "a reason; the money is still available on the budget line that received it; the fund and the books are open",
)
TRANSITIONS = (REVERSE,)
DEPOSIT_USED = Fault(
    None,
    "deposit_used",
    "Money of this budget line is already reserved, paid or spent, so that less than the deposit is available.",
)

COLUMN_FIELDS = [name for name in DepositSchema.model_fields if name in Deposit.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "recorded_by", "reversed_by"),
        "fund": to_ref(row.fund_id, row.fund_name),
        "amount": format_money(row.amount, row.currency),
    }


DEPOSITS = Resource(
    ListQuery(
        "deposits",
        Deposit,
        select(
            *(getattr(Deposit, name) for name in COLUMN_FIELDS),
            *staff_names(Deposit, "recorded_by", "reversed_by"),
            col(Fund.name).label("fund_name"),
            col(Fund.currency),
        ).join(Fund, col(Fund.id) == col(Deposit.fund_id)),
        filters={
            "fund_id": col(Deposit.fund_id) == bindparam("fund_id"),
            "status": is_one_of(col(Deposit.status), "status"),
        },
        sorts={"created_at": col(Deposit.created_at)},
    ),
    DepositSchema,
    DepositList,
    _row_to_fields,
)


async def create_fund_deposit(
    session: AsyncSession, caller: Caller, fund_id: UUID, payload: DepositCreate
) -> DepositSchema:
    """Record money received from the donor.

    Raises:
        GateRefused: the fund is closed, the books of the day of receipt are closed, or a deposit of any fund has the same
            bank reference and `duplicate_reason` is missing.
        InvalidInput: the amount is in another currency than the fund, or the fund has no such budget line.
        AlreadyExists: the id is taken.
    """
    fund = await get_for_update(session, Fund, fund_id)
    validate_currency("/amount/currency", payload.amount.currency, fund.currency)
    validate_fund_line("/line", payload.line, fund)
    deposit = _build_deposit(caller, fund, payload)
    raise_if_unmet(
        [
            *check_fund_open(fund),
            *await ledger.check_books_open(session, payload.received_on),
            *await _check_reference_unused(session, deposit),
        ]
    )
    schema = await DEPOSITS.save(session, deposit)  # the ledger transaction references the deposit
    transaction = NewLedgerTransaction(
        "deposit",
        payload.received_on,
        fund.id,
        deposit_id=deposit.id,
        reference=payload.reference,
        id=deposit.id,
    )
    await ledger.post_transaction(session, caller, transaction, _build_postings(deposit, deposit.amount))
    return schema


def _build_deposit(caller: Caller, fund: Fund, payload: DepositCreate) -> Deposit:
    return Deposit(
        id=payload.id or new_id(),
        fund_id=fund.id,
        amount=payload.amount.minor_units,
        reference_key=fold_reference(payload.reference),
        recorded_by_id=caller.id,
        **payload.model_dump(include={"line", "received_on", "reference", "duplicate_reason"}),
    )


def fold_reference(reference: str) -> str:
    """Return the key of a bank reference. Case, spaces, dashes and the script of digits make no difference.

    A reference without a letter or digit is its own key.
    """
    return fold_identifier(reference) or normalize_text(reference)


def _build_postings(deposit: Deposit, amount: int) -> list[Posting]:
    """Return the postings that add an amount to the budget line of a deposit. A negative amount takes it away."""
    return [
        Posting(deposit.fund_id, GENERAL_LINE, "donor", -amount),
        Posting(deposit.fund_id, deposit.line, "available", amount),
    ]


async def _check_reference_unused(session: AsyncSession, deposit: Deposit) -> list[Fault]:
    """Return a fault if another deposit of any fund has the same bank reference. A reversed deposit does not count."""
    uses = await find_reference_uses(session, [deposit.reference_key])
    if deposit.duplicate_reason is not None or not uses:
        return []
    detail = (
        "A deposit of this or another fund has the same bank reference. If it is another transfer, give "
        "`duplicate_reason`."
    )
    return [Fault("/reference", "reference_used", detail, uses[deposit.reference_key])]


async def find_reference_uses(session: AsyncSession, keys: Collection[str]) -> dict[str, dict[str, object]]:
    """Return, for each reference key that a deposit already has, the deposit and its fund. Reversed deposits do not count.

    Other requests that record deposits wait until the transaction ends, because the second of two deposits with the same
    reference must find the first one, even in another fund.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("fund.bank_references"))))
    query = select(col(Deposit.reference_key), col(Deposit.id), col(Fund.name)).where(
        col(Deposit.reference_key).in_(keys),
        col(Deposit.status) == INITIAL_STATUS,
        col(Fund.id) == col(Deposit.fund_id),
    )
    return {row[0]: {"deposit_id": str(row[1]), "fund": row[2]} for row in await session.execute(query)}


async def list_fund_deposits(
    reader: RecordReader, caller: Caller, fund_id: UUID, filters: DepositFilters
) -> DepositList:
    """Return a page of the deposits of a fund, newest first.

    Raises:
        NotFound: the fund does not exist.
    """
    page = await DEPOSITS.list_page(reader, caller, filters, within={"fund_id": fund_id})
    if not page.items:
        await ensure_visible(reader, Fund, fund_id)
    return page


async def get_deposit(reader: RecordReader, deposit_id: UUID) -> DepositSchema:
    """Return one deposit.

    Raises:
        NotFound: the deposit does not exist.
    """
    return await DEPOSITS.get(reader, deposit_id)


async def reverse_deposit(
    session: AsyncSession, caller: Caller, deposit_id: UUID, expected_version: int, payload: DepositReversal
) -> DepositSchema:
    """Reverse a deposit with a new ledger transaction of today. The existing entries remain.

    Raises:
        GateRefused: the deposit is reversed already, less than its amount is available on its budget line, or the fund or
            the books of today are closed.
    """
    deposit = await get_version_for_update(session, Deposit, deposit_id, expected_version)
    fund = await get_for_share(session, Fund, deposit.fund_id)
    exhausted = await ledger.check_available_balance(session, fund, deposit.line, deposit.amount)
    raise_if_unmet(
        [
            *check_status(REVERSE, deposit.status),
            *check_fund_open(fund),
            *await ledger.check_books_open(session, today()),
            *([DEPOSIT_USED] if exhausted else []),
        ]
    )
    now = utc_now()
    deposit.status, deposit.updated_at, deposit.reversal_reason = REVERSE.target, now, payload.reason
    deposit.reversed_by_id, deposit.reversed_at = caller.id, now
    schema = await DEPOSITS.save(session, deposit)
    transaction = NewLedgerTransaction(
        "deposit_reversal", today(), fund.id, deposit_id=deposit.id, reference=payload.reason
    )
    postings = _build_postings(deposit, -deposit.amount)
    await ledger.post_transaction(session, caller, transaction, postings, overdrawn=DEPOSIT_USED)
    return schema
