"""Close the books up to a past day, and compare the stored balances with the ledger entries."""

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.database.errors import get_violated_constraint
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.pagination import Paginator
from app.kit.state_machine import raise_if_unmet
from app.models import BooksClosing, LedgerAccount, LedgerEntry
from app.schemas.ledger import BooksClosing as BooksClosingSchema
from app.schemas.ledger import BooksClosingCreate, BooksClosingList, LedgerCheck, LedgerDiscrepancy
from app.schemas.money import Money
from app.schemas.wire import PageQuery
from app.services.fund.ledger import BALANCE_DIFFERENCES_QUERY, BOOKS_CLOSED, check_books_open


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
    session.add(closing)
    try:
        await session.flush()  # the trigger waits for concurrent ledger transactions and blocks new ones
    except IntegrityError as error:
        if get_violated_constraint(error) == "books_closed":
            raise_if_unmet([BOOKS_CLOSED])
        raise
    return _to_schema(closing)


async def list_books_closings(
    session: AsyncSession, caller: Caller, page_query: PageQuery
) -> BooksClosingList:
    """Return a page of the books closings, newest first."""
    paginator = Paginator("books_closings", page_query.limit, page_query.cursor, {"for": caller.id})
    closings, cursor = await paginator.fetch_records(
        session, select(BooksClosing), col(BooksClosing.created_at), col(BooksClosing.id)
    )
    return BooksClosingList(items=[_to_schema(closing) for closing in closings], next_cursor=cursor)


async def get_ledger_check(session: AsyncSession) -> LedgerCheck:
    """Recompute every balance from the entries and return the accounts whose stored balance differs."""
    rows = (await session.execute(BALANCE_DIFFERENCES_QUERY)).all()
    return LedgerCheck(
        accounts=await _count_rows(session, LedgerAccount),
        entries=await _count_rows(session, LedgerEntry),
        differences=[
            LedgerDiscrepancy(
                fund_id=row.fund_id,
                account_id=row.account_id,
                stored=Money.from_minor_units(row.stored, row.currency),
                recomputed=Money.from_minor_units(row.recomputed, row.currency),
            )
            for row in rows
        ],
    )


async def _count_rows(session: AsyncSession, model: type[LedgerAccount | LedgerEntry]) -> int:
    return await session.scalar(select(func.count()).select_from(model)) or 0


def _to_schema(closing: BooksClosing) -> BooksClosingSchema:
    return BooksClosingSchema(**closing.model_dump(include=set(BooksClosingSchema.model_fields)))
