"""Keyset pagination of lists that a `ListQuery` cannot read: public lists, and lists in memory.

A cursor contains the sort value of the last item of a page. It is valid only for the list and the filters that it was
created for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

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
        self, session: AsyncSession, query: Select[T], column: Any
    ) -> tuple[Sequence[T], str | None]:
        """Return the records of the page and the next cursor. The records contain no data about children.

        The order is ascending. `column` is the sort column, whose values must be unique.

        Raises:
            InvalidInput: the cursor is not valid for this list.
        """
        if self.cursor is not None:
            (last_value,) = self._decode_cursor()
            query = query.where(column > last_value)
        records = (await session.scalars(query.order_by(column).limit(self.limit + 1))).all()
        page = records[: self.limit]
        has_more = len(records) > self.limit
        return page, self._encode_cursor(getattr(page[-1], column.key)) if has_more else None

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
            (last_key,) = self._decode_cursor()
            start = next((i for i, item in enumerate(items, 1) if key(item) == last_key), -1)
        if start < 0:
            detail = "The list has changed since this cursor was created. Start again without a cursor."
            raise InvalidInput([Fault("query:cursor", "cursor_invalid", detail)])
        page = items[start : start + self.limit]
        return page, self._encode_cursor(key(page[-1])) if start + self.limit < len(items) else None

    def _encode_cursor(self, value: CursorValue) -> str:
        return encode_cursor(self.name, self.filters, [value])

    def _decode_cursor(self) -> list[CursorValue]:
        return decode_cursor(self.name, self.filters, str(self.cursor), 1)
