"""The access log: one event for each request, and one entry for each child whose data the request reads or changes.

No data of a child is returned without a committed entry. A request with a caller takes four steps:

1. `open_access_event` writes an event with caller, act, time and address, and commits it in a transaction of its own,
   before the request reads a record. If the event cannot be written, the response is 503.
2. `bind_access_event` sets the id of the event in the request's transaction. The row policies resolve the caller from
   this event, which must be committed and less than 60 seconds old. Without it, every table about children appears
   empty, also to hand-written SQL.
3. The session collects every record that the ORM loads or writes, so services do not log these. Only a service that
   selects plain columns must call `record_access`.
4. `write_access_entries` writes one entry for each child, in the request's transaction. The transaction commits before
   the first byte of the response is sent. If the commit fails, the response is not sent.

If a request is rejected, its transaction is rolled back. `conclude_access_event` then records the outcome in a new
transaction, so that the log contains rejected requests too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, QueryContext, Session, object_session

from app.access.accessed_records import RECORD_KINDS, AccessedRecord, AccessedRecords
from app.database.engine import Database
from app.database.errors import translate_database_errors

OPEN_ACCESS_EVENT_SQL = "SELECT * FROM access.open($1, $2, $3, $4, $5, $6, $7)"
CONCLUDE_ACCESS_EVENT_SQL = "SELECT access.record_outcome($1, $2, $3, $4, $5)"
SET_ACCESS_EVENT_SQL = "SELECT set_config('firststep.access', $1, true)"
BEGIN_WITH_ACCESS_EVENT_SQL = "BEGIN; SELECT set_config('firststep.access', '{}', true)"
"""Begins a transaction with an access event in one round trip. The driver accepts no parameters for two statements."""
INSERT_ACCESS_ENTRIES_SQL = """
    INSERT INTO access_entries (event_id, child_id, case_id, record_kind, record_id, outcome, status)
    SELECT $1, r.child_id, r.case_id, r.kind, r.record_id, $2, $3
      FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[]) AS r (child_id, case_id, kind, record_id)
"""


def get_accessed_records(session: AsyncSession) -> AccessedRecords:
    """Return the records that the session has collected for the access log."""
    return _accessed_records(session.info)


def _accessed_records(session_info: dict[Any, Any]) -> AccessedRecords:
    records: AccessedRecords = session_info.get("accessed_records") or session_info.setdefault(
        "accessed_records", AccessedRecords()
    )
    return records


UNRECORDED_READ = {"unrecorded_read": True}
"""Execution option of a statement that selects encrypted columns instead of ORM records.

The session cannot collect the records that such a statement reads. The service therefore passes them to
`record_access`, unless it does not return them: candidates of a search, for example, are only compared in memory. Tests
reject a statement that selects encrypted columns without this option.
"""


def record_access(session: AsyncSession, records: Iterable[AccessedRecord]) -> None:
    """Add records that were read as plain columns to the access log of the request."""
    get_accessed_records(session).add_all(records)


def _record_orm_access(session_info: dict[Any, Any], record: object) -> None:
    kind = RECORD_KINDS.get(type(record))
    if kind is None:
        return
    columns = record.__dict__  # not getattr(), which would reload an expired record
    record_id = columns["id"] if "id" in columns else columns["case_id"]
    child_id = record_id if kind == "child" else columns.get("child_id")
    case_id = record_id if kind == "case" else columns.get("case_id")
    _accessed_records(session_info).add(
        AccessedRecord(_to_text(child_id), _to_text(case_id), kind, str(record_id))
    )


def _to_text(record_id: UUID | None) -> str | None:
    return None if record_id is None else str(record_id)


@event.listens_for(Mapper, "load")
def _on_load(record: object, context: QueryContext) -> None:
    _record_orm_access(context.session.info, record)


@event.listens_for(Mapper, "refresh")
def _on_refresh(record: object, context: QueryContext, _: object) -> None:
    _record_orm_access(context.session.info, record)


@event.listens_for(Mapper, "after_insert")
@event.listens_for(Mapper, "after_update")
def _on_write(_: object, __: object, record: object) -> None:
    session = object_session(record)
    if session is not None:
        _record_orm_access(session.info, record)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """The claimed caller and the requested act, as the access event records them."""

    action: str
    request_id: str
    address: str | None
    kind: str = "anonymous"
    subject_id: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None


async def open_access_event(database: Database, request: AccessRequest) -> asyncpg.Record:
    """Write an access event and commit it. One statement on a connection of a separate pool does both.

    Returns:
        The id of the event, and the current name, roles, scopes, agency and teams of the caller. The id is None if the
        session has ended; the outcome of the event is then `unauthenticated`.

    Raises:
        Unavailable: the event could not be written.
    """
    with translate_database_errors():
        return await database.access_pool.fetchrow(
            OPEN_ACCESS_EVENT_SQL,
            request.kind,
            request.subject_id,
            request.session_id,
            request.token_id,
            request.action,
            request.request_id,
            request.address,
        )


async def bind_access_event(session: AsyncSession, event_id: UUID) -> None:
    """Set the access event in the transaction. The row policies then apply the scope of the event's caller."""
    session.info["driver_connection"] = await session.run_sync(_set_access_event, event_id)


def _set_access_event(session: Session, event_id: UUID) -> Any:
    # Executed through SQLAlchemy and not on the driver, because SQLAlchemy replaces a lost connection of the pool.
    connection = session.connection()
    connection.exec_driver_sql(SET_ACCESS_EVENT_SQL, (str(event_id),))
    return connection.connection.driver_connection


def get_driver_connection(session: AsyncSession) -> asyncpg.Connection:
    """Return the connection of the driver (asyncpg) that a session uses. Call `bind_access_event` first.

    Use it only for statements that every request executes, because the driver needs a third of the time that SQLAlchemy
    needs. Statements that read records must use the session, which collects the records for the log.
    """
    connection: asyncpg.Connection = session.info["driver_connection"]
    return connection


async def write_access_entries(session: AsyncSession, event_id: UUID, outcome: str, status: int) -> None:
    """Write one entry for each collected child. If there is none, write one entry without a child."""
    connection = get_driver_connection(session)
    await insert_access_entries(connection, get_accessed_records(session), event_id, outcome, status)


async def insert_access_entries(
    connection: asyncpg.Connection, records: AccessedRecords, event_id: UUID, outcome: str, status: int
) -> None:
    """Insert one entry for each collected child. If there is none, insert one entry without a child."""
    rows: list[tuple[object, ...]] = list(records)
    columns = map(list, zip(*(rows or [(None,) * len(AccessedRecord._fields)]), strict=True))
    await connection.execute(INSERT_ACCESS_ENTRIES_SQL, event_id, outcome, status, *columns)


async def conclude_access_event(
    database: Database, event_id: UUID, outcome: str, status: int, record_id: UUID | None = None
) -> None:
    """Record the outcome of a request whose transaction is rolled back, in a new transaction."""
    with translate_database_errors():
        await database.access_pool.execute(
            CONCLUDE_ACCESS_EVENT_SQL, event_id, outcome, status, None, record_id
        )


async def open_custodian_access_event(owner: asyncpg.Connection, action: str) -> UUID:
    """Write an access event of the custodian, for a key rotation, and return its id.

    `owner` must be a connection of the role `firststep_owner`.
    """
    event_id: UUID = await owner.fetchval("SELECT access.open_as_custodian($1, $2)", action, uuid4().hex)
    return event_id


async def write_custodian_access_entries(
    owner: asyncpg.Connection, event_id: UUID, table: str, rows: Iterable[tuple[UUID, UUID | None]]
) -> None:
    """Write one entry for each row that a key rotation processed. `rows` are pairs of row id and child id."""
    entries = [(event_id, child_id, table, row_id, "allowed", 200) for row_id, child_id in rows]
    await owner.executemany(
        "INSERT INTO access_entries (event_id, child_id, record_kind, record_id, outcome, status)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        entries,
    )
