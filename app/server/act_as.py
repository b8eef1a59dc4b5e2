"""Run services outside HTTP: as a user, an API client or the command line, with an access event like a request."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import log, session_store
from app.access.acts import Act
from app.access.caller import Caller, OpenAccess
from app.access.permissions import Permission
from app.access.session_records import get_accessed_records
from app.access.tokens import SubjectKind
from app.config import Settings
from app.database.connections import connect
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.database.schema_revision import require_usable_schema
from app.database.urls import get_owner_url
from app.errors import FirstStepError, Forbidden, Unauthenticated
from app.models.record import new_id

SESSION_SECONDS = 3600
LOCK_TIMEOUT_SQL = text("SET LOCAL lock_timeout = '5s'")
"""The limit that the role of the API has for every session. Requests wait behind a command that waits."""


@asynccontextmanager
async def run_as_command_line(settings: Settings, act: Act) -> AsyncIterator[AsyncSession]:
    """Write an access event of the command line, yield a session of the owner role, then write the entries and commit.

    The owner role is used because the API's role cannot write users. If the block raises an error, the log gets the
    outcome and the records that the block has named.

    Raises:
        Conflict: the schema is empty, outdated or unknown.
        Unavailable: the database cannot be reached.
    """
    url = get_owner_url(settings)
    database = Database(url, pool_size=1)
    try:
        with translate_database_errors():
            async with connect(url) as owner:
                await require_usable_schema(owner)
                access = await log.open_command_line_access(owner, act)
                async with (
                    database.session_factory() as session,
                    _log_rejected_command(owner, session, access),
                ):
                    await session.execute(LOCK_TIMEOUT_SQL)
                    await log.bind_access(session, access)
                    yield session
                    await log.conclude_access_in_session(session, access, "allowed", 200)
                    await session.commit()
    finally:
        await database.engine.dispose()


@asynccontextmanager
async def _log_rejected_command(
    owner: asyncpg.Connection, session: AsyncSession, access: OpenAccess
) -> AsyncIterator[None]:
    try:
        yield
    except Exception as error:
        records = [record for record in get_accessed_records(session) if record.kind == "user"]
        await session.rollback()  # it can hold a lock on the context, which the conclusion deletes
        status = error.status if isinstance(error, FirstStepError) else FirstStepError.status
        # Writing the log can fail for the same reason. The access event then has no outcome.
        with suppress(Exception):
            await log.conclude_rejected_command(owner, access, status, records)
        raise


async def start_session_as(database: Database, kind: SubjectKind, subject: uuid.UUID) -> uuid.UUID:
    """Begin a session of a user or an API client and return its id."""
    user_id, client_id = (subject, None) if kind == "person" else (None, subject)
    new_session = session_store.NewSession(
        new_id(), user_id, client_id, seconds=SESSION_SECONDS, idle_seconds=SESSION_SECONDS
    )
    await session_store.register_session_key(database)
    async with database.session_factory() as session:
        await session_store.begin_session(session, new_session)
        await session.commit()
    return new_session.id


@asynccontextmanager
async def run_as(
    database: Database, kind: SubjectKind, subject: uuid.UUID, session_id: uuid.UUID, permission: Permission
) -> AsyncIterator[tuple[AsyncSession, Caller]]:
    """Write an access event, yield a session and the caller, then write the access entries and commit.

    Raises:
        Unauthenticated: the sign-in session has ended.
        Forbidden: the roles of the caller do not include the permission.
    """
    access_request = log.AccessRequest(permission, uuid.uuid4().hex, None, kind, subject, session_id)
    opened = await log.open_access(database, access_request)
    if opened["event_id"] is None:
        raise Unauthenticated
    caller = Caller.from_opened_access(
        opened, subject_id=subject, kind=kind, session_id=session_id, signed_in_at=int(time.time())
    )
    if not caller.has_permission(permission):
        raise Forbidden
    with translate_database_errors():
        async with database.session_factory() as session:
            await log.bind_access(session, caller.access)
            yield session, caller
            await log.conclude_access_in_session(session, caller.access, "allowed", 200)
            await session.commit()
