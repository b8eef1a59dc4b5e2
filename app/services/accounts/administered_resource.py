"""The operations that users, teams, agencies and API clients share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.pagination import Paginator
from app.kit.records import get_record
from app.models.record import Record
from app.schemas.wire import Page, PageQuery, Versioned

RecordT = TypeVar("RecordT", bound=Record)
SchemaT = TypeVar("SchemaT", bound=Versioned)
ListT = TypeVar("ListT", bound=Page[Any])


@dataclass(frozen=True, slots=True)
class AdministeredResource(Generic[RecordT, SchemaT, ListT]):
    """Lists, fetches and saves one kind of record that administrators manage."""

    name: str
    """Name of the list. Cursors are bound to it."""
    model: type[RecordT]
    list_schema: type[ListT]
    load_schemas: Callable[[AsyncSession, Sequence[RecordT]], Awaitable[list[SchemaT]]]
    """Converts records to their schema. Loads related rows of all records with one query."""

    async def list_records(self, session: AsyncSession, filters: PageQuery) -> ListT:
        """Return one page of the records, newest first. The filters are compared with the columns of the same names."""
        values = filters.get_cursor_binding()
        paginator = Paginator(self.name, filters.limit, filters.cursor, values)
        records, cursor = await paginator.fetch_records(
            session,
            select(self.model).filter_by(**values),
            col(self.model.created_at),
            col(self.model.id),
        )
        return self.list_schema(items=await self.load_schemas(session, records), next_cursor=cursor)

    async def get(self, session: AsyncSession, record_id: UUID) -> SchemaT:
        """Return one record as its schema.

        Raises:
            NotFound: the record does not exist.
        """
        return await self.load_schema(session, await get_record(session, self.model, record_id))

    async def save(self, session: AsyncSession, record: RecordT) -> SchemaT:
        """Write a new or changed record and return its schema.

        Flushes the session, so that a violated unique constraint raises `AlreadyExists` before the response is built.
        """
        session.add(record)
        await session.flush()
        return await self.load_schema(session, record)

    async def load_schema(self, session: AsyncSession, record: RecordT) -> SchemaT:
        """Return one record as its schema."""
        return (await self.load_schemas(session, [record]))[0]
