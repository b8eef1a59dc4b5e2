"""Close the books up to a past day, and compare the stored balances with the ledger entries."""

from typing import Any

from sqlalchemy import Uuid, column, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader
from app.database.errors import get_violated_constraint
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.list_query import ListQuery
from app.kit.reference_names import fund_name, staff_names, to_ref, to_staff_refs
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import BooksClosing, LedgerAccount, LedgerEntry
from app.schemas.ledger import BooksClosing as BooksClosingSchema
from app.schemas.ledger import BooksClosingCreate, BooksClosingList, LedgerCheck, LedgerDiscrepancy
from app.schemas.money import Money
from app.schemas.wire import PageQuery
from app.services.fund.ledger import BOOKS_CLOSED, check_books_open

COLUMN_FIELDS = [name for name in BooksClosingSchema.model_fields if name in BooksClosing.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {**dict(zip(COLUMN_FIELDS, row, strict=False)), **to_staff_refs(row, "closed_by")}


CLOSINGS = Resource(
    ListQuery(
        "books_closings",
        BooksClosing,
        select(
            *(getattr(BooksClosing, name) for name in COLUMN_FIELDS), *staff_names(BooksClosing, "closed_by")
        ),
        sorts={"created_at": col(BooksClosing.created_at)},
    ),
    BooksClosingSchema,
    BooksClosingList,
    _row_to_fields,
)
COUNTS_QUERY = ReadQuery(
    select(
        select(func.count()).select_from(LedgerAccount).scalar_subquery().label("accounts"),
        select(func.count()).select_from(LedgerEntry).scalar_subquery().label("entries"),
    )
)
DIFFERENCES = func.ledger.balance_differences().table_valued(
    column("account_id", Uuid),
    column("fund_id", Uuid),
    column("stored"),
    column("recomputed"),
    name="difference",
)
DIFFERENCES_QUERY = ReadQuery(
    select(*DIFFERENCES.c, fund_name(DIFFERENCES.c.fund_id).label("fund_name"), col(LedgerAccount.currency))
    .select_from(DIFFERENCES)
    .join(LedgerAccount, col(LedgerAccount.id) == DIFFERENCES.c.account_id)
    .order_by(DIFFERENCES.c.account_id)
    .limit(1000)
)
"""Accounts whose stored balance differs from the sum of their entries."""


async def create_books_closing(
    session: AsyncSession, caller: Caller, payload: BooksClosingCreate
) -> BooksClosingSchema:
    """Close the books up to and including a past day.

    Raises:
        GateRefused: the books of that day are closed already.
        InvalidInput: the day is not in the past.
    """
    if payload.until >= today():
        raise InvalidInput([Fault("/until", "day_not_over", "`until` must be before today.")])
    raise_if_unmet(await check_books_open(session, payload.until))
    closing = BooksClosing(until=payload.until, closed_by_id=caller.id)
    try:
        return await CLOSINGS.save(session, closing)  # the trigger waits for concurrent ledger transactions
    except IntegrityError as error:
        if get_violated_constraint(error) == "books_closed":
            raise_if_unmet([BOOKS_CLOSED])
        raise


async def list_books_closings(
    reader: RecordReader, caller: Caller, page_query: PageQuery
) -> BooksClosingList:
    """Return a page of the books closings, newest first."""
    return await CLOSINGS.list_page(reader, caller, page_query)


async def get_ledger_check(reader: RecordReader) -> LedgerCheck:
    """Recompute every balance from the entries and return the accounts whose stored balance differs."""
    counts = await reader.fetch_required(COUNTS_QUERY)
    return LedgerCheck(
        accounts=counts.accounts,
        entries=counts.entries,
        differences=[
            LedgerDiscrepancy(
                fund_id=row.fund_id,
                fund=to_ref(row.fund_id, row.fund_name),
                account_id=row.account_id,
                stored=Money.from_minor_units(row.stored, row.currency),
                recomputed=Money.from_minor_units(row.recomputed, row.currency),
            )
            for row in await reader.fetch(DIFFERENCES_QUERY)
        ],
    )
