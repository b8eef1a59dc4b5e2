"""Pages by keyset: a cursor names the last row seen, survives inserts, and is bound to its list and filters."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import log
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput

CursorValue = datetime | date | UUID | str
T = TypeVar("T")

SIGNATURE_BYTES = 12
"""Bytes of the cursor's seal: enough that nobody makes one up."""
CURSOR_VALUE_PARSERS: dict[str, Callable[[str], CursorValue]] = {
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "UUID": UUID, "str": str,
}  # fmt: skip
"""How a cursor's values are read, by their kind: a village's code looks like a day."""


@dataclass(frozen=True, slots=True)
class Paginator:
    """One list as it was asked for: its name, its filters, the page."""

    name: str
    limit: int
    cursor: str | None
    filters: Mapping[str, Any]

    async def fetch_records(
        self, session: AsyncSession, query: Select[*tuple[Any, ...]], *columns: Any, ascending: bool = False
    ) -> tuple[list[Any], str | None]:
        """Return the page's records: the first thing each row holds. See `rows`."""
        rows, cursor = await self.fetch_rows(session, query, *columns, ascending=ascending)
        return [row[0] for row in rows], cursor

    async def fetch_rows(
        self, session: AsyncSession, query: Select[*tuple[Any, ...]], *columns: Any, ascending: bool = False
    ) -> tuple[Sequence[Any], str | None]:
        """Return the page's rows, newest first by (moment, id) or ascending by code, and the next page's cursor.

        Whether there is a next page is asked apart, of full pages: one record more than is shown would put a child
        into the log whom nobody saw.

        Raises:
            InvalidInput: the cursor is not ours, or belongs to another list or other filters.
        """
        query = self._query_after_cursor(query, columns, ascending=ascending)
        rows = (await session.execute(query.add_columns(*columns).limit(self.limit))).all()
        if len(rows) < self.limit:
            return rows, None
        last = list(rows[-1][-len(columns) :])
        more = query.where(_after_position(columns, last, ascending=ascending))
        more = more.with_only_columns(literal(1), maintain_column_froms=True).limit(1)
        return rows, self._encode_cursor(last) if await session.scalar(more) else None

    async def fetch_columns(
        self, session: AsyncSession, query: Select[*tuple[Any, ...]], *columns: Any, ascending: bool = False
    ) -> tuple[Sequence[Any], str | None]:
        """Return the page's rows, in order as `rows`, of a query for plain columns, and the next page's cursor.

        What is read so is in the log only where the caller says that it was shown (`log.show`): one row more than is
        shown may be read to learn whether there is another page.
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
        """Return a page of a list that is whole in memory, and the next page's cursor; `key` tells items apart.

        Raises:
            InvalidInput: the cursor is not ours, or its item is no longer listed.
        """
        start = 0
        if self.cursor is not None:
            (last,) = self._decode_cursor(1)
            start = next((i for i, item in enumerate(items, 1) if key(item) == last), -1)
        if start < 0:
            raise InvalidInput(
                [Fault("query:cursor", "cursor_invalid", "The list has changed: begin again.")]
            )
        page = items[start : start + self.limit]
        return page, self._encode_cursor([key(page[-1])]) if start + self.limit < len(items) else None

    def _encode_cursor(self, values: Sequence[CursorValue]) -> str:
        text = json.dumps(
            [[type(value).__name__, _serialize_cursor_value(value)] for value in values]
        ).encode()
        return base64.urlsafe_b64encode(self._sign_cursor(text) + text).decode().rstrip("=")

    def _decode_cursor(self, width: int) -> list[CursorValue]:
        try:
            raw = base64.urlsafe_b64decode(str(self.cursor) + "=" * (-len(str(self.cursor)) % 4))
            tag, text = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
            if not hmac.compare_digest(tag, self._sign_cursor(text)):
                raise ValueError  # noqa: TRY301 - one answer for every bad cursor
            values = [CURSOR_VALUE_PARSERS[kind](written) for kind, written in json.loads(text)]
        except (ValueError, TypeError, LookupError):
            values = []
        if len(values) != width:
            detail = "This cursor belongs to another list, to other filters, or is not ours."
            raise InvalidInput([Fault("query:cursor", "cursor_invalid", detail)])
        return values

    def _sign_cursor(self, text: bytes) -> bytes:
        bound = json.dumps([self.name, sorted((k, str(v)) for k, v in self.filters.items() if v is not None)])
        return get_vault().blind_index.compute_digest(b"cursor", bound.encode(), text)[:SIGNATURE_BYTES]


def _after_position(
    columns: Sequence[Any], position: Sequence[Any], *, ascending: bool
) -> ColumnElement[bool]:
    here, there = tuple_(*columns), tuple_(*position)
    return here > there if ascending else here < there


def _serialize_cursor_value(value: CursorValue) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
