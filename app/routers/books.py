"""Keeping the books."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import BooksCloser, FundLedgerReader
from app.http.route import Router
from app.http.session import Session
from app.schemas.ledger import BooksClosing, BooksClosingCreate, LedgerCheck
from app.schemas.wire import Page, PageQuery
from app.services.fund import closed_periods as books

router = Router(tags=["funds"])


@router.post("/books-closings", status_code=201)
async def create_books_closing(
    caller: BooksCloser,
    session: Session,
    payload: BooksClosingCreate,
) -> BooksClosing:
    """Close the books up to a day: the ledger takes nothing more that counts for it."""
    return await books.create_books_closing(session, caller, payload)


@router.get("/books-closings")
async def list_books_closings(
    caller: FundLedgerReader,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[BooksClosing]:
    """List the closed periods, newest first."""
    return await books.list_books_closings(session, caller, page)


@router.get("/ledger-check")
async def get_ledger_check(
    _caller: FundLedgerReader,
    session: Session,
) -> LedgerCheck:
    """Compute every balance again from the entries, and name each difference."""
    return await books.get_ledger_check(session)
