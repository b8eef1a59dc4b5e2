"""The reads that most kinds of records share: one page of the list, and one record as response of a GET or a write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Uuid, bindparam
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, open_response_reader
from app.kit.list_query import ListQuery
from app.schemas.wire import Output, Page, PageQuery

SchemaT = TypeVar("SchemaT", bound=Output)
ListT = TypeVar("ListT", bound=Page[Any])


@dataclass(eq=False)
class Resource(Generic[SchemaT, ListT]):
    """Reads one kind of record. The list and the single record have the same columns."""

    query: ListQuery
    schema: type[SchemaT]
    list_schema: type[ListT]
    row_to_fields: Callable[[Any], dict[str, Any]]
    """Returns the fields of the schema for a row."""

    def __post_init__(self) -> None:
        """Compile the query of a single record."""
        is_record = col(self.query.record.id) == bindparam("record_id", type_=Uuid)
        self._record_query = ReadQuery(self.query.columns.where(is_record), shows=self.query.shows)

    async def list_page(
        self,
        reader: RecordReader,
        caller: Caller,
        filters: PageQuery,
        *,
        within: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> ListT:
        """Return one page of the list, see `ListQuery.fetch_page`."""
        page = await self.query.fetch_page(reader, caller, filters, within=within, **parameters)
        return self.list_schema.from_trusted_items([*map(self.row_to_fields, page.rows)], **page.fields)

    async def get(self, reader: RecordReader, record_id: UUID) -> SchemaT:
        """Return one record.

        Raises:
            NotFound: the record does not exist, or the caller cannot see it.
        """
        row = await reader.fetch_required(self._record_query, record_id=record_id)
        return self.schema(**self.row_to_fields(row))

    async def save(self, session: AsyncSession, record: Any) -> SchemaT:
        """Write a new or changed record and return it.

        Raises:
            AlreadyExists: the record violates a unique constraint.
        """
        session.add(record)
        return await self.get(await open_response_reader(session), record.id)
