"""The access log: one event for each request, and one entry for each child whose data the request reads or changes.

No data of a child is returned without a committed entry. A request with a caller takes four steps:

1. `open_access` writes an event with caller, act, time and address, and the context of the access: the caller's roles,
   teams and cases. Both are committed in a transaction of their own, before the request reads a record. If the event
   cannot be written, the response is 503.
2. `bind_access` sets the id and the secret of the access in the request's transaction. The row policies resolve the
   caller from its context, which must be committed and less than 60 seconds old. Without an access, every table about
   children appears empty, also to hand-written SQL. With a wrong secret, every query of such a table fails.
3. The session collects every record that the ORM loads or writes. A `RecordReader` collects the records that its queries
   show. Services therefore need no code for the log.
4. `conclude_access_in_session` writes one entry for each child, in the request's transaction, and closes the access. The
   transaction commits before the first byte of the response is sent. If the commit fails, the response is not sent.

If a request is rejected, its transaction is rolled back. `conclude_access` then records the outcome in another
transaction, so that the log contains rejected requests too.

Accesses that are opened or concluded at the same time share a transaction (see `Database.run_batched`).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Connection, RowMapping, event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, QueryContext, Session, object_session

from app.access.accessed_records import RECORD_KINDS, AccessedRecord, AccessedRecords
from app.access.acts import Act
from app.access.caller import OpenAccess
from app.database.engine import Database
from app.database.errors import translate_database_errors

OPEN_ACCESSES_SQL = "SELECT * FROM access.open($1, $2, $3, $4, $5, $6, $7)"
CONCLUDE_ACCESSES_SQL = "SELECT access.conclude($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
CONCLUDE_AND_OPEN_SQL = """
    WITH concluded AS (SELECT access.conclude($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))
    SELECT opened.* FROM concluded, access.open($11, $12, $13, $14, $15, $16, $17) AS opened
"""
BIND_ACCESS_SQL = "SELECT set_config('firststep.access', $1, true)"
BEGIN_READING_SQL = """
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SELECT set_config('firststep.access', '{}', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""
"""Begins a read-only transaction with an access in one round trip. The driver accepts no parameters for two statements.

All queries of the transaction see the database at one point in time. PostgreSQL plans each of them once per connection.
By default, it would plan the query of a list at each execution, which takes as long as the execution. Its estimate for
unknown values is too high, so that a plan for the given values appears cheaper.
"""
REFRESH_CONTEXT_SQL = text("SELECT access.refresh_context()")


def get_accessed_records(session: AsyncSession) -> AccessedRecords:
    """Return the records that the session has collected for the access log."""
    return _accessed_records(session.info)


def _accessed_records(session_info: dict[Any, Any]) -> AccessedRecords:
    records: AccessedRecords = session_info.get("accessed_records") or session_info.setdefault(
        "accessed_records", AccessedRecords()
    )
    return records


def _record_orm_access(session_info: dict[Any, Any], record: object) -> None:
    kind = RECORD_KINDS.get(type(record))
    if kind is None:
        return
    columns = record.__dict__  # not getattr(), which would reload an expired record
    record_id = columns.get("id") or columns.get("event_id") or columns["case_id"]
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


class AccessRequest(NamedTuple):
    """The claimed caller and the requested act, as the access event records them."""

    action: Act
    request_id: str
    address: str | None
    kind: str = "anonymous"
    subject_id: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None


async def open_access(database: Database, request: AccessRequest) -> asyncpg.Record:
    """Write an access event with its context, and commit both.

    Returns:
        The id and the secret of the access, and the current name, roles, scopes, agency, teams and cases of the caller.
        The id is None if the session has ended; the outcome of the event is then `unauthenticated`.

    Raises:
        Unavailable: the event could not be written.
    """
    with translate_database_errors():
        opened: asyncpg.Record = await database.run_batched(_write_log, request)
    return opened


async def bind_access(
    session: AsyncSession, access: OpenAccess, sql: str = BIND_ACCESS_SQL, parameters: tuple[object, ...] = ()
) -> RowMapping:
    """Bind the transaction to an access. The row policies then apply the scope of its caller.

    `sql` is a statement that sets `firststep.access` to $1 and can do more, with `parameters` from $2. It must return one
    row, which is returned.
    """
    return await session.run_sync(_bind_access, sql, (access.setting, *parameters))


def _bind_access(session: Session, sql: str, parameters: tuple[object, ...]) -> RowMapping:
    # SQLAlchemy executes this statement, not the driver, because SQLAlchemy replaces a lost connection of the pool.
    connection = session.connection()
    return connection.exec_driver_sql(sql, parameters).mappings().one()


@event.listens_for(Session, "after_begin")
def _set_driver_connection(session: Session, _: object, connection: Connection) -> None:
    session.info["driver_connection"] = connection.connection.driver_connection


def get_driver_connection(session: AsyncSession) -> asyncpg.Connection:
    """Return the connection of the driver (asyncpg) that a session uses. Its transaction must have begun.

    Use it only for statements that every request executes, because the driver needs a third of the time that SQLAlchemy
    needs. Statements that read records must use the session, which collects the records for the log.
    """
    connection: asyncpg.Connection = session.info["driver_connection"]
    return connection


async def refresh_context(session: AsyncSession) -> None:
    """Recompute the cases of the caller in the context of the access.

    The context is computed when the access is opened. An act that assigns the caller to a case, opens one by break-glass
    or links cases must call this before it reads the case. The changes of the act must be flushed.
    """
    await session.execute(REFRESH_CONTEXT_SQL)


class Conclusion(NamedTuple):
    """The outcome of an access and the records that it read or wrote."""

    access: OpenAccess
    outcome: str
    status: int
    records: Sequence[AccessedRecord] = ()
    record_id: UUID | None = None
    """Id of the record that a rejected request named."""


async def conclude_access_in_session(
    session: AsyncSession,
    access: OpenAccess,
    outcome: str,
    status: int,
    *,
    insert_sql: str = "",
    insert_values: tuple[object, ...] = (),
) -> None:
    """Write one entry for each collected child, or one without a child, and close the access.

    The entries are part of the session's transaction. Call this as the last step before the commit. `insert_sql` is an
    INSERT with the parameters from $11 that is executed in the same statement.
    """
    await session.flush()  # row policies need the open access, and the log needs the changed records
    conclusion = Conclusion(access, outcome, status, list(get_accessed_records(session)))
    # One statement inserts the rows and closes the access. Row policies see the snapshot of its start, in which the
    # access is open.
    sql = f"WITH inserted AS ({insert_sql}) {CONCLUDE_ACCESSES_SQL}" if insert_sql else CONCLUDE_ACCESSES_SQL
    await get_driver_connection(session).execute(
        sql, *_build_conclude_parameters([conclusion]), *insert_values
    )


async def conclude_access(database: Database, conclusion: Conclusion) -> None:
    """Write the entries of a request that only reads or is rejected, in another transaction, and close the access.

    Raises:
        Unavailable: the entries could not be written. The response must not be sent.
    """
    with translate_database_errors():
        await database.run_batched(_write_log, conclusion)


async def _write_log(
    connection: asyncpg.Connection, items: Sequence[AccessRequest | Conclusion]
) -> list[asyncpg.Record | None]:
    """Open and conclude accesses in one transaction. Return the opened access of each request."""
    requests = [item for item in items if isinstance(item, AccessRequest)]
    conclusions = [item for item in items if isinstance(item, Conclusion)]
    if not conclusions:
        opened = await connection.fetch(OPEN_ACCESSES_SQL, *_build_open_parameters(requests))
    elif not requests:
        opened = []
        await connection.execute(CONCLUDE_ACCESSES_SQL, *_build_conclude_parameters(conclusions))
    else:
        opened = await connection.fetch(
            CONCLUDE_AND_OPEN_SQL,
            *_build_conclude_parameters(conclusions),
            *_build_open_parameters(requests),
        )
    remaining = iter(opened)
    return [next(remaining) if isinstance(item, AccessRequest) else None for item in items]


def _build_open_parameters(requests: Sequence[AccessRequest]) -> list[Sequence[object]]:
    """Return the parameters of `access.open`: one array per column."""
    actions, request_ids, addresses, *callers = zip(*requests, strict=True)
    return [*callers, actions, request_ids, addresses]


def _build_conclude_parameters(conclusions: Sequence[Conclusion]) -> list[Sequence[object]]:
    """Return the parameters of `access.conclude`: one array per column of the accesses and of their entries."""
    entries = [
        (position, n, *record)
        for position, conclusion in enumerate(conclusions, 1)
        for n, record in enumerate(conclusion.records or [(None, None, None, conclusion.record_id)], 1)
    ]
    accesses, outcomes, statuses, *_ = zip(*conclusions, strict=True)
    event_ids, secrets = zip(*accesses, strict=True)
    return [event_ids, secrets, outcomes, statuses, *zip(*entries, strict=True)]


async def open_custodian_access(owner: asyncpg.Connection, action: Act) -> OpenAccess:
    """Open an access of the custodian, for a key rotation or a rebuild of the search tokens.

    `owner` must be a connection of the role `firststep_owner`.
    """
    opened = await owner.fetchrow("SELECT * FROM access.open_as_custodian($1, $2)", action, uuid4().hex)
    return OpenAccess(opened["event_id"], opened["secret"])


@asynccontextmanager
async def open_custodian_transaction(
    owner: asyncpg.Connection, action: Act
) -> AsyncIterator[list[AccessedRecord]]:
    """Open an access of the custodian, run the block in a transaction with it, and conclude it.

    The block appends the records that it processes to the list. The access log gets one entry for each of them, or one
    without a record.
    """
    access = await open_custodian_access(owner, action)
    async with owner.transaction():
        await owner.execute(BIND_ACCESS_SQL, access.setting)
        records: list[AccessedRecord] = []
        yield records
        await _write_log(owner, [Conclusion(access, "allowed", 200, records)])
