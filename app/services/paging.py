"""Pages by keyset: a cursor names the last row seen, survives inserts, and is bound to its list and filters."""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, tuple_

from app.access.vault import vault
from app.errors import Fault, InvalidInput

S = TypeVar("S", bound=Select[*tuple[Any, ...]])

Position = datetime | UUID | str

TAG = 12
"""Bytes of the cursor's seal: enough that nobody makes one up."""


@dataclass(frozen=True, slots=True)
class Paging:
    """One list as it was asked for: its name, its filters, the page."""

    name: str
    limit: int
    cursor: str | None
    filters: Mapping[str, Any]

    def apply(self, query: S, *columns: Any, ascending: bool = False) -> S:
        """Order a query newest first by (moment, id), or by a code ascending, and start it after the cursor.

        Raises:
            InvalidInput: the cursor is not ours, or belongs to another list or other filters.
        """
        order = columns if ascending else [column.desc() for column in columns]
        query = query.order_by(*order).limit(self.limit + 1)
        if self.cursor is None:
            return query
        here, last = tuple_(*columns), tuple_(*self._position(len(columns)))
        position: ColumnElement[bool] = here > last if ascending else here < last
        return query.where(position)

    def cut(self, rows: Sequence[Any], *names: str) -> tuple[Sequence[Any], str | None]:
        """Return the page's rows and the cursor of the next page; `names` are the columns of `apply`."""
        if len(rows) <= self.limit:
            return rows, None
        kept = rows[: self.limit]
        return kept, self._cursor([getattr(kept[-1], name) for name in names])

    def _cursor(self, values: Sequence[Position]) -> str:
        text = json.dumps([v.isoformat() if isinstance(v, datetime) else str(v) for v in values]).encode()
        return base64.urlsafe_b64encode(self._tag(text) + text).decode().rstrip("=")

    def _position(self, width: int) -> list[Position]:
        try:
            raw = base64.urlsafe_b64decode(str(self.cursor) + "=" * (-len(str(self.cursor)) % 4))
            tag, text = raw[:TAG], raw[TAG:]
            if not hmac.compare_digest(tag, self._tag(text)):
                raise ValueError  # noqa: TRY301 - one answer for every bad cursor
            values = [_value(part) for part in json.loads(text)]
        except (ValueError, TypeError):
            values = []
        if len(values) != width:
            detail = "This cursor belongs to another list, to other filters, or is not ours."
            raise InvalidInput([Fault("query:cursor", "cursor_invalid", detail)])
        return values

    def _tag(self, text: bytes) -> bytes:
        bound = json.dumps([self.name, sorted((k, str(v)) for k, v in self.filters.items() if v is not None)])
        return vault().blind.digest(b"cursor", bound.encode(), text)[:TAG]


def _value(text: str) -> Position:
    for read in (UUID, datetime.fromisoformat):
        try:
            found: Position = read(text)
        except ValueError:
            continue
        return found
    return text
