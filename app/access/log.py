"""The access log: one event for each request, and one entry for each child whose data the request reads or changes.

No data of a child is returned without a committed entry. A request with a caller takes four steps:

1. `open_access` writes an event with caller, act, time and address, and the context of the access: the caller's roles,
   teams and cases. Both are committed in a separate transaction, before the request reads a record. If the event
   cannot be written, the response is 503.
2. `bind_access` sets the id and the secret of the access in the request's transaction. The row policies resolve the
   caller from its context, which must be committed and less than 60 seconds old. Without an access, every table about
   children appears empty, even to hand-written SQL. With a wrong secret, every query of such a table fails.
3. The session collects every record that the ORM loads or writes. A `RecordReader` collects the records that its queries
   show. Services therefore need no code for the log.
4. `conclude_access_in_session` writes one entry for each child, in the request's transaction, and closes the access. The
   transaction commits before the first byte of the response is sent. If the commit fails, the response is not sent.

If a request is rejected, its transaction is rolled back. `conclude_access` then records the outcome in another
transaction, so that the log contains rejected requests too, with every child that an id in the request belongs to.

Accesses that are opened or concluded at the same time share a transaction (see `Database.run_batched`).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Connection, RowMapping, event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.access.accessed_records import AccessedRecord
from app.access.acts import Act
from app.access.caller import OpenAccess
from app.access.configuration_changes import ConfigurationChanges
from app.access.session_records import get_accessed_records, get_configuration_changes
from app.database.engine import Database
from app.database.errors import translate_database_errors

OPEN_ACCESSES_SQL = "SELECT * FROM access.open($1, $2, $3, $4, $5, $6, $7, $8)"
CONCLUDE_ACCESSES_SQL = "SELECT access.conclude($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
CONCLUDE_REJECTED_SQL = "SELECT access.conclude_rejected($1, $2, $3, $4, $5)"
CONCLUDE_AND_OPEN_SQL = """
    WITH concluded AS (SELECT access.conclude($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11))
    SELECT opened.* FROM concluded, access.open($12, $13, $14, $15, $16, $17, $18, $19) AS opened
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
NO_RECORD = (None, None, None, None)
"""Child, case, kind and id of an entry about no record."""
NO_CHANGES = ConfigurationChanges()
OUTCOMES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "refused",
    412: "conflict",
    504: "timeout",
}
"""Outcome by the status of a rejected request."""
REFRESH_CONTEXT_SQL = text("SELECT access.refresh_context()")


class AccessRequest(NamedTuple):
    """The claimed caller and the requested act, as the access event records them."""

    action: Act
    request_id: str
    address: str | None
    kind: str = "anonymous"
    subject_id: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None
    correlation_id: str | None = None
    """Id that the caller chose for the request."""


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


def get_outcome(status: int) -> str:
    """Return the outcome of a rejected request with a status."""
    return OUTCOMES.get(status) or ("failed" if status >= 500 else "invalid")  # noqa: PLR2004 - server errors


class Conclusion(NamedTuple):
    """The outcome of an access and the records that it read or wrote."""

    access: OpenAccess
    outcome: str
    status: int
    records: Sequence[AccessedRecord] = ()
    changes: ConfigurationChanges = NO_CHANGES


class Rejection(NamedTuple):
    """The outcome of an access whose request was rejected, and the ids that the request contains."""

    access: OpenAccess
    outcome: str
    status: int
    ids: Sequence[UUID]
    """Ids in the path, the query and the body, the path first. The database resolves the children that they belong to."""


async def conclude_access_in_session(
    session: AsyncSession,
    access: OpenAccess,
    outcome: str,
    status: int,
    *,
    insert_sql: str = "",
    insert_values: tuple[object, ...] = (),
) -> None:
    """Write one entry for each collected child, or one entry without a child if there is none, and close the access.

    The entries are part of the session's transaction. Call this as the last step before the commit. `insert_sql` is an
    INSERT with the parameters from $12 that is executed in the same statement.
    """
    await session.flush()  # row policies need the open access event, and the log needs the changed records
    conclusion = Conclusion(
        access, outcome, status, list(get_accessed_records(session)), get_configuration_changes(session)
    )
    # One statement inserts the rows and closes the access. Row policies see the snapshot of its start, in which the
    # access is open.
    sql = f"WITH inserted AS ({insert_sql}) {CONCLUDE_ACCESSES_SQL}" if insert_sql else CONCLUDE_ACCESSES_SQL
    await get_driver_connection(session).execute(
        sql, *_build_conclude_parameters([conclusion]), *insert_values
    )


async def conclude_access(database: Database, conclusion: Conclusion | Rejection) -> None:
    """Write the entries of a request that only reads or is rejected, in another transaction, and close the access.

    Raises:
        Unavailable: the entries could not be written. The response must not be sent.
    """
    with translate_database_errors():
        await database.run_batched(_write_log, conclusion)


async def _write_log(
    connection: asyncpg.Connection, items: Sequence[AccessRequest | Conclusion | Rejection]
) -> list[asyncpg.Record | None]:
    """Open and conclude accesses in one transaction. Return the opened access of each request."""
    requests = [item for item in items if isinstance(item, AccessRequest)]
    conclusions = [item for item in items if isinstance(item, Conclusion)]
    rejections = [item for item in items if isinstance(item, Rejection)]
    for access, *rejection in rejections:
        await connection.execute(CONCLUDE_REJECTED_SQL, *access, *rejection)
    if not conclusions and not requests:
        opened = []
    elif not conclusions:
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
    actions, request_ids, addresses, *callers, correlation_ids = zip(*requests, strict=True)
    return [*callers, actions, request_ids, addresses, correlation_ids]


def _build_conclude_parameters(conclusions: Sequence[Conclusion]) -> list[Sequence[object]]:
    """Return the parameters of `access.conclude`: one array per column of the accesses and of their entries."""
    entries = [
        (position, n, *record, conclusion.changes.serialize(record[2], record[3]))
        for position, conclusion in enumerate(conclusions, 1)
        for n, record in enumerate(conclusion.records or [NO_RECORD], 1)
    ]
    accesses, outcomes, statuses, *_ = zip(*conclusions, strict=True)
    event_ids, secrets = zip(*accesses, strict=True)
    return [event_ids, secrets, outcomes, statuses, *zip(*entries, strict=True)]


async def open_custodian_access(owner: asyncpg.Connection, action: Act) -> OpenAccess:
    """Open an access of the custodian, for a key rotation or a rebuild of the search tokens.

    `owner` must be a connection of the role `firststep_owner`.
    """
    return await _open_as_owner(owner, "SELECT * FROM access.open_as_custodian($1, $2)", action)


async def open_command_line_access(owner: asyncpg.Connection, action: Act) -> OpenAccess:
    """Open an access of the command line, for a command about accounts or backups.

    `owner` must be a connection of the role `firststep_owner`.
    """
    return await _open_as_owner(owner, "SELECT * FROM access.open_as_command_line($1, $2)", action)


async def _open_as_owner(owner: asyncpg.Connection, sql: str, action: Act) -> OpenAccess:
    opened = await owner.fetchrow(sql, action, uuid4().hex)
    return OpenAccess(opened["event_id"], opened["secret"])


async def conclude_rejected_command(
    owner: asyncpg.Connection, access: OpenAccess, status: int, records: Sequence[AccessedRecord]
) -> None:
    """Write the outcome of a command that was rejected, with the records that it named, and close the access."""
    await _write_log(owner, [Conclusion(access, get_outcome(status), status, records)])


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


async def record_command(
    owner: asyncpg.Connection, action: Act, record: AccessedRecord, changes: ConfigurationChanges
) -> None:
    """Write an event of the command line about one record, with old and new values."""
    access = await open_command_line_access(owner, action)
    await _write_log(owner, [Conclusion(access, "allowed", 200, [record], changes)])
