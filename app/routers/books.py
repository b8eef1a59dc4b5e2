"""Keeping the books."""

from typing import Annotated

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Session
from app.schemas.ledger import BooksClosingIn, BooksClosingOut, LedgerCheck
from app.schemas.wire import Page, PageQuery
from app.services.fund import closed_periods as books

router = Router(tags=["funds"])


@router.post("/books-closings", status_code=201)
async def close(
    actor: Annotated[Actor, Depends(Requires(Permission.books_close))],
    session: Session,
    body: BooksClosingIn,
) -> BooksClosingOut:
    """Close the books up to a day: the ledger takes nothing more that counts for it."""
    return await books.close(session, actor, body)


@router.get("/books-closings")
async def closings(
    actor: Annotated[Actor, Depends(Requires(Permission.fund_ledger))],
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[BooksClosingOut]:
    """List the closed periods, newest first."""
    return await books.closings(session, actor, page)


@router.get("/ledger-check")
async def check(
    _actor: Annotated[Actor, Depends(Requires(Permission.fund_ledger))],
    session: Session,
) -> LedgerCheck:
    """Compute every balance again from the entries, and name each difference."""
    return await books.check(session)
