"""Acting as somebody without HTTP: the command line and the demo go through the same door, and leave the same trace."""

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
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import Forbidden, Unauthenticated
from app.models import AuthSession

SESSION_LIFETIME = timedelta(hours=1)


async def start_session_as(database: Database, kind: SubjectKind, subject: uuid.UUID) -> uuid.UUID:
    """Begin a session for somebody, as a sign-in would; return its id."""
    end = (
        datetime.now(UTC) + SESSION_LIFETIME
    )  # by the true clock, which the database asks, whenever the act is set
    record = AuthSession(idle_ends_at=end, ends_at=end)
    record.user_id, record.client_id = (subject, None) if kind == "person" else (None, subject)
    async with database.session_factory() as session:
        session.add(record)
        await session.commit()
    return record.id


@asynccontextmanager
async def run_as(
    database: Database, kind: SubjectKind, subject: uuid.UUID, session_id: uuid.UUID, act: Permission
) -> AsyncIterator[tuple[AsyncSession, Caller]]:
    """Open an access for one act, give its transaction, then write its entries and commit.

    Raises:
        Unauthenticated: the session is over.
        Forbidden: the roles do not include the act.
    """
    question = log.AccessRequest(act.value, uuid.uuid4().hex, None, kind, subject, session_id)
    opened = await log.open_access_event(database, question)
    if opened["event_id"] is None:
        raise Unauthenticated
    actor = Caller(
        id=subject,
        kind=kind,
        name=opened["name"],
        roles=frozenset(opened["roles"]),
        agency_id=opened["agency_id"],
        team_ids=frozenset(opened["teams"]),
        supervised_team_ids=frozenset(opened["supervised_team_ids"]),
        session_id=session_id,
        event_id=opened["event_id"],
        signed_in_at=int(time.time()),
    )
    if not has_permission(actor.roles, act):
        raise Forbidden
    with translate_database_errors():
        async with database.session_factory() as session:
            await log.bind_access_event(session, actor.event_id)
            yield session, actor
            await log.write_access_entries(session, actor.event_id, "allowed", 200)
            await session.commit()
