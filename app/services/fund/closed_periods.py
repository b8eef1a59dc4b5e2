"""Keeping the books: closing periods, and computing every balance again."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.pagination import Paging
from app.kit.state_machine import refuse
from app.models import BooksClosing, LedgerAccount, LedgerEntry
from app.schemas.ledger import BooksClosingIn, BooksClosingOut, LedgerCheck, LedgerDifference
from app.schemas.money import Money
from app.schemas.wire import Page, PageQuery
from app.services.fund.ledger import CLOSED, DIFFERENCES, unmet_books


async def close(session: AsyncSession, actor: Actor, told: BooksClosingIn) -> BooksClosingOut:
    """Close the books up to and including a day that is over.

    Raises:
        GateRefused: they are closed up to then.
        InvalidInput: the day is not over.
    """
    if told.until >= today():
        raise InvalidInput([Fault("/until", "day_not_over", "Only days that are over are closed.")])
    refuse(await unmet_books(session, told.until))
    closing = BooksClosing(until=told.until, closed_by_id=actor.id)
    session.add(closing)
    try:
        await session.flush()  # the database waits for whoever is writing, and then lets nobody in
    except IntegrityError as error:
        if "books of that day" in str(error):
            refuse([CLOSED])
        raise
    return _shown(closing)


async def closings(session: AsyncSession, actor: Actor, page: PageQuery) -> Page[BooksClosingOut]:
    """List the closed periods, newest first."""
    paging = Paging("books_closings", page.limit, page.cursor, {"for": actor.id})
    rows, cursor = await paging.records(
        session, select(BooksClosing), col(BooksClosing.created_at), col(BooksClosing.id)
    )
    return Page(items=[_shown(row) for row in rows], next_cursor=cursor)


async def check(session: AsyncSession) -> LedgerCheck:
    """Compute every balance from the entries, and name each that is not what is stored."""
    rows = (await session.execute(DIFFERENCES)).all()
    return LedgerCheck(
        accounts=await _count(session, LedgerAccount),
        entries=await _count(session, LedgerEntry),
        differences=[
            LedgerDifference(
                fund_id=row.fund_id,
                account_id=row.account_id,
                stored=Money.of(row.stored, row.currency),
                recomputed=Money.of(row.recomputed, row.currency),
            )
            for row in rows
        ],
    )


async def _count(session: AsyncSession, kind: Any) -> int:
    return await session.scalar(select(func.count()).select_from(kind)) or 0


def _shown(closing: BooksClosing) -> BooksClosingOut:
    return BooksClosingOut(**closing.model_dump(include=set(BooksClosingOut.model_fields)))
