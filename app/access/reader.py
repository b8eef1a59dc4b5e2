"""Read rows for responses. Every GET reads through this module.

A `ReadQuery` is a select statement that is compiled to SQL once, usually when its module is imported. It declares which
records its rows show. A `RecordReader` runs queries on the connection of a request, and adds the shown records to the
access log.
"""

from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    ColumnElement,
    Dialect,
    Select,
    Table,
    Text,
    Uuid,
    cast,
    literal_column,
)
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import visitors

from app.access.accessed_records import RECORD_KINDS, AccessedRecord, AccessedRecords
from app.access.log import get_driver_connection
from app.access.session_records import get_accessed_records
from app.errors import NotFound

DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]
CHILD_TABLES = {model.__tablename__ for model in RECORD_KINDS}  # type: ignore[attr-defined]  # set by SQLModel
"""Names of the tables with data about children."""


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """Declares the record that each row of a query shows: its kind, and the names of the row's id columns.

    A row whose record id is NULL, from an outer join, shows no record.
    """

    kind: str
    child_id: str | None = "child_id"
    case_id: str | None = "case_id"
    """None if the record belongs to no case."""
    record_id: str = "id"

    @property
    def columns(self) -> set[str]:
        """The names of the id columns."""
        return {self.record_id} | ({self.child_id, self.case_id} - {None})  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class NoShownRecord:
    """Declares that no response contains a record of a query's rows, for example because they are only counted."""

    reason: str


Declaration = ShownRecord | Sequence[ShownRecord] | NoShownRecord
"""The records that the rows of a query show. Rows of a link between two children show two records each."""


class ReadQuery:
    """A select statement, compiled to SQL.

    A `bindparam` without a value is a parameter of the query. All other values in the statement are constants and become
    SQL literals, so that PostgreSQL can use one plan for all executions. Ids are selected as text, because the driver
    takes much longer to create UUID objects.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]], *, shows: Declaration | None = None) -> None:
        """Compile the statement.

        Raises:
            ValueError: the statement reads data about children and `shows` is missing, or `shows` contains an unknown
                kind or column.
        """
        columns = {str(column.key): column for column in statement.selected_columns}
        self._shows = _validate_declaration(statement, set(columns), shows)
        self._row_type: Any = namedtuple("Row", columns)  # type: ignore[misc]  # noqa: PYI024 - the names vary
        text_columns = map(_select_id_as_text, columns.values())
        statement = statement.with_only_columns(*text_columns, maintain_column_froms=True)
        compiled: Any = visitors.replacement_traverse(statement, {}, _replace_constant)
        compiled = compiled.compile(dialect=DIALECT)
        self.sql = str(compiled)
        self.parameter_names: tuple[str, ...] = tuple(compiled.positiontup or ())

    def build_rows(self, driver_rows: Iterable[asyncpg.Record]) -> list[Any]:
        """Return the rows as named tuples. Reading their attributes takes a tenth of the time of a driver's row."""
        return list(map(self._row_type._make, driver_rows))

    def list_shown_records(self, rows: Sequence[Any]) -> Iterator[AccessedRecord]:
        """Return the records that the rows show."""
        for shows in self._shows:
            for row in rows:
                record_id = getattr(row, shows.record_id)
                if record_id is not None:
                    child_id = shows.child_id and getattr(row, shows.child_id)
                    case_id = shows.case_id and getattr(row, shows.case_id)
                    yield AccessedRecord(child_id, case_id, shows.kind, record_id)


def _validate_declaration(
    statement: Select[*tuple[Any, ...]], column_names: set[str], shows: Declaration | None
) -> Sequence[ShownRecord]:
    """Return the records that the rows of a statement show.

    Raises:
        ValueError: see `ReadQuery`.
    """
    if isinstance(shows, NoShownRecord):
        return ()
    if shows is None:
        if sources := _list_sources_about_children(statement):
            raise ValueError(f"The query reads {', '.join(sources)}: declare the records that it shows.")
        return ()
    declared = [shows] if isinstance(shows, ShownRecord) else shows
    for item in declared:
        if item.kind not in RECORD_KINDS.values():
            raise ValueError(f"Unknown record kind: {item.kind}.")
        if missing := item.columns - column_names:
            raise ValueError(f"The query does not select {', '.join(sorted(missing))}.")
    return declared


def _list_sources_about_children(statement: Select[*tuple[Any, ...]]) -> list[str]:
    """Return the tables about children and the encrypted columns that a statement or its subqueries read."""
    tables, columns = set(), set()
    for element in visitors.iterate(statement):
        if isinstance(element, Table) and element.name in CHILD_TABLES:
            tables.add(element.name)
        elif isinstance(element, Column) and element.name.endswith("_encrypted"):
            columns.add(str(element))
    return sorted(tables | columns)


def _select_id_as_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Uuid):
        return cast(column, Text).label(column.key)
    if isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Uuid):
        return cast(column, ARRAY(Text)).label(column.key)
    return column


def _replace_constant(element: Any, **_: Any) -> ColumnElement[Any] | None:
    """Return the SQL literal of a bound value, or None for any other element and for parameters of the query."""
    if isinstance(element, BindParameter) and not element.required:
        literal = element.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
        return literal_column(str(literal), element.type)
    return None


class RecordReader:
    """Runs queries in the transaction of a request, and adds the records that they show to its access log."""

    __slots__ = ("_accessed_records", "_connection")

    def __init__(self, connection: asyncpg.Connection, accessed_records: AccessedRecords) -> None:
        self._connection = connection
        self._accessed_records = accessed_records

    async def fetch(self, query: ReadQuery, **parameters: object) -> list[Any]:
        """Return the rows of a query. Their attributes have the names of the selected columns."""
        rows = await self._fetch_rows(query, parameters)
        self._accessed_records.add_all(query.list_shown_records(rows))
        return rows

    async def fetch_page(
        self, query: ReadQuery, page_size: int, **parameters: object
    ) -> tuple[list[Any], bool]:
        """Return at most `page_size` rows, and whether the query has more. Further rows are not logged."""
        rows = await self._fetch_rows(query, parameters)
        page = rows[:page_size]
        self._accessed_records.add_all(query.list_shown_records(page))
        return page, len(rows) > page_size

    async def fetch_one(self, query: ReadQuery, **parameters: object) -> Any:
        """Return the first row of a query, or None."""
        rows = await self.fetch(query, **parameters)
        return rows[0] if rows else None

    async def fetch_required(self, query: ReadQuery, **parameters: object) -> Any:
        """Return the first row of a query.

        Raises:
            NotFound: the record does not exist, or the caller cannot see it.
        """
        row = await self.fetch_one(query, **parameters)
        if row is None:
            raise NotFound
        return row

    def record_access(self, kind: str, record_id: UUID) -> None:
        """Name a record that belongs to no child in the access log."""
        self._accessed_records.add(AccessedRecord(None, None, kind, str(record_id)))

    def has_shown(self, kind: str | None, record_id: UUID) -> bool:
        """Return whether the access log of the request contains a record, because an earlier query returned it."""
        records = self._accessed_records
        return any(record.kind == kind and record.record_id == str(record_id) for record in records)

    async def _fetch_rows(self, query: ReadQuery, parameters: dict[str, object]) -> list[Any]:
        arguments = [parameters[name] for name in query.parameter_names]
        return query.build_rows(await self._connection.fetch(query.sql, *arguments))


def session_reader(session: AsyncSession) -> RecordReader:
    """Return a reader in the transaction of a session, so that a write returns the record that it changed.

    Flush the session first, because the reader's queries do not: see `open_response_reader`.
    """
    return RecordReader(get_driver_connection(session), get_accessed_records(session))


async def open_response_reader(session: AsyncSession) -> RecordReader:
    """Flush the session, and return a reader in its transaction for the response to a write."""
    await session.flush()  # the query of the response runs without autoflush
    return session_reader(session)
