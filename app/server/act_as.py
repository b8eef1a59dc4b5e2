"""Run services outside HTTP, as a user or an API client, with an access event like a request."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import log
from app.access.caller import Caller
from app.access.permissions import Permission, has_permission
from app.access.tokens import SubjectKind
from app.config import Settings
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.database.urls import get_api_url
from app.errors import Forbidden, Unauthenticated
from app.models import AuthSession
from app.services.accounts import users

SESSION_LIFETIME = timedelta(hours=1)


async def bootstrap_first_administrator(settings: Settings, email: str, name: str) -> str:
    """Create the first administrator and return the initial password.

    Raises:
        AlreadyExists: an active administrator exists.
        InvalidInput: the email address or the name is invalid.
    """
    database = Database(get_api_url(settings), pool_size=1)
    try:
        with translate_database_errors():
            async with database.session_factory() as session:
                _, password = await users.create_first_administrator(session, email, name)
                await session.commit()
        return password
    finally:
        await database.engine.dispose()


async def start_session_as(database: Database, kind: SubjectKind, subject: uuid.UUID) -> uuid.UUID:
    """Create a sign-in session for a user or an API client and return its id."""
    # Not utc_now(), which the demonstration sets to a past time: the database compares this time with its own clock.
    ends_at = datetime.now(UTC) + SESSION_LIFETIME
    record = AuthSession(idle_ends_at=ends_at, ends_at=ends_at)
    record.user_id, record.client_id = (subject, None) if kind == "person" else (None, subject)
    async with database.session_factory() as session:
        session.add(record)
        await session.commit()
    return record.id


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
    if not has_permission(caller.roles, permission):
        raise Forbidden
    with translate_database_errors():
        async with database.session_factory() as session:
            await log.bind_access(session, caller.access)
            yield session, caller
            await log.conclude_access_in_session(session, caller.access, "allowed", 200)
            await session.commit()
