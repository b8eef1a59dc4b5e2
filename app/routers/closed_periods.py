"""Endpoints of books closings (closed accounting periods) and of the ledger check."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import BooksCloser, FundLedgerReader
from app.http.route import Router
from app.http.session import Reader, Session
from app.schemas.ledger import BooksClosing, BooksClosingCreate, BooksClosingList, LedgerCheck
from app.schemas.wire import PageQuery
from app.services.fund import closed_periods

router = Router(tags=["funds"])


@router.post("/books-closings", status_code=201)
async def create_books_closing(
    caller: BooksCloser,
    session: Session,
    payload: BooksClosingCreate,
) -> BooksClosing:
    """Close the books up to a day.

    Afterwards the ledger of every fund rejects transactions with an accounting date up to that day. A closing cannot be
    undone.
    """
    return await closed_periods.create_books_closing(session, caller, payload)


@router.get("/books-closings")
async def list_books_closings(
    caller: FundLedgerReader,
    reader: Reader,
    page_query: Annotated[PageQuery, Query()],
) -> BooksClosingList:
    """List books closings, newest first.

    The books are closed up to the latest `until` of all closings.
    """
    return await closed_periods.list_books_closings(reader, caller, page_query)


@router.get("/ledger-check")
async def get_ledger_check(
    _caller: FundLedgerReader,
    reader: Reader,
) -> LedgerCheck:
    """Compare the stored balances with the ledger entries.

    Every balance is recomputed from the entries. An entry in `differences` means that a stored balance is wrong.
    """
    return await closed_periods.get_ledger_check(reader)
