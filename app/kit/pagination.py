"""Keyset pagination. A cursor contains the sort values of the last row of a page.

A cursor is valid only for the list and the filters that it was created for. Rows that are added while a client reads
page by page cause no row to be skipped or repeated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import log
from app.errors import Fault, InvalidInput
from app.kit.cursors import CursorValue, decode_cursor, encode_cursor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paginator:
    """A request for one page of a list."""

    name: str
    """Name of the list. A cursor of another list is rejected."""
    limit: int
    """Maximum number of items on the page."""
    cursor: str | None
    """Cursor of the request; None requests the first page."""
    filters: Mapping[str, object]
    """Values for which a cursor is valid: the filters of the list, the id of its parent record, and the caller's id
    under `for` if the list depends on the caller. A value of None counts as absent."""

    async def fetch_records(
        self, session: AsyncSession, query: Select[T], *columns: Any, ascending: bool = False
    ) -> tuple[list[T], str | None]:
        """Return the records of the page and the next cursor, for a query that selects one model. See `fetch_rows`.

        Raises:
            InvalidInput: the cursor is not valid for this list.
        """
        rows, cursor = await self.fetch_rows(session, query, *columns, ascending=ascending)
        return [row[0] for row in rows], cursor

    async def fetch_rows(
        self, session: AsyncSession, query: Select[*tuple[Any, ...]], *columns: Any, ascending: bool = False
    ) -> tuple[Sequence[Any], str | None]:
        """Return the rows of the page, and the cursor of the next page or None.

        `columns` are the sort columns. Together they must be unique. The order is descending unless `ascending` is set.

        The query of the page loads no row beyond `limit`, because each loaded record gets an entry in the access log, which
        must not name a child that the response does not contain. If the page is full, a second query checks whether
        another row exists, without loading it.

        Raises:
            InvalidInput: the cursor is not valid for this list.
        """
        query = self._query_after_cursor(query, columns, ascending=ascending)
        rows = (await session.execute(query.add_columns(*columns).limit(self.limit))).all()
        if len(rows) < self.limit:
            return rows, None
        last_position = list(rows[-1][-len(columns) :])
        next_row = query.where(_after_position(columns, last_position, ascending=ascending))
        next_row = next_row.with_only_columns(literal(1), maintain_column_froms=True).limit(1)
        return rows, self._encode_cursor(last_position) if await session.scalar(next_row) else None

    async def fetch_columns(
        self, session: AsyncSession, query: Select[*tuple[Any, ...]], *columns: Any, ascending: bool = False
    ) -> tuple[Sequence[Any], str | None]:
        """Return the rows of the page and the next cursor, for a query that selects plain columns.

        Plain columns are not collected for the access log: pass the records that the response contains to
        `app.access.log.record_access`. For the same reason, the query can read one row beyond `limit` to find out whether
        another page exists. It needs no second query, unlike `fetch_rows`.

        Raises:
            InvalidInput: the cursor is not valid for this list.
        """
        query = (
            self._query_after_cursor(query, columns, ascending=ascending)
            .add_columns(*columns)
            .limit(self.limit + 1)
        )
        rows = (await session.execute(query.execution_options(**log.UNRECORDED_READ))).all()
        if len(rows) <= self.limit:
            return rows, None
        return rows[:-1], self._encode_cursor(list(rows[-2][-len(columns) :]))

    def _query_after_cursor(
        self, query: Select[*tuple[Any, ...]], columns: Sequence[Any], *, ascending: bool
    ) -> Select[*tuple[Any, ...]]:
        query = query.order_by(*(columns if ascending else [column.desc() for column in columns]))
        if self.cursor is None:
            return query
        return query.where(_after_position(columns, self._decode_cursor(len(columns)), ascending=ascending))

    def paginate_items(
        self, items: Sequence[T], key: Callable[[T], CursorValue]
    ) -> tuple[Sequence[T], str | None]:
        """Return one page of a list that is in memory, and the cursor of the next page or None.

        `key` returns a value that is unique for each item.

        Raises:
            InvalidInput: the cursor is not valid for this list, or its item has been removed from the list.
        """
        start = 0
        if self.cursor is not None:
            (last_key,) = self._decode_cursor(1)
            start = next((i for i, item in enumerate(items, 1) if key(item) == last_key), -1)
        if start < 0:
            detail = "The list has changed since this cursor was created. Start again without a cursor."
            raise InvalidInput([Fault("query:cursor", "cursor_invalid", detail)])
        page = items[start : start + self.limit]
        return page, self._encode_cursor([key(page[-1])]) if start + self.limit < len(items) else None

    def _encode_cursor(self, values: Sequence[CursorValue]) -> str:
        return encode_cursor(self.name, self.filters, values)

    def _decode_cursor(self, expected_length: int) -> list[CursorValue]:
        return decode_cursor(self.name, self.filters, str(self.cursor), expected_length)


def _after_position(
    columns: Sequence[Any], position: Sequence[Any], *, ascending: bool
) -> ColumnElement[bool]:
    """Return the SQL condition that a row comes after the given sort values in the order of the list."""
    row_values, cursor_values = tuple_(*columns), tuple_(*position)
    return row_values > cursor_values if ascending else row_values < cursor_values
