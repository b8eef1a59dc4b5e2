"""Acting as somebody without HTTP: the command line and the demo go through the same door, and leave the same trace."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import log
from app.access.actor import Actor
from app.access.permissions import Permission, may
from app.access.tokens import Kind
from app.database.engine import Database
from app.database.errors import translated
from app.errors import Forbidden, Unauthenticated
from app.models import SignIn

WORKING_HOURS = timedelta(hours=1)


async def begin(database: Database, kind: Kind, subject: uuid.UUID) -> uuid.UUID:
    """Begin a session for somebody, as a sign-in would; return its id."""
    end = (
        datetime.now(UTC) + WORKING_HOURS
    )  # by the true clock, which the database asks, whenever the act is set
    record = SignIn(idle_ends_at=end, ends_at=end)
    record.user_id, record.client_id = (subject, None) if kind == "person" else (None, subject)
    async with database.sessions() as session:
        session.add(record)
        await session.commit()
    return record.id


@asynccontextmanager
async def acting(
    database: Database, kind: Kind, subject: uuid.UUID, session_id: uuid.UUID, act: Permission
) -> AsyncIterator[tuple[AsyncSession, Actor]]:
    """Open an access for one act, give its transaction, then write its entries and commit.

    Raises:
        Unauthenticated: the session is over.
        Forbidden: the roles do not include the act.
    """
    question = log.Question(act.value, uuid.uuid4().hex, None, kind, subject, session_id)
    opened = await log.open_event(database, question)
    if opened["event_id"] is None:
        raise Unauthenticated
    actor = Actor(
        id=subject,
        kind=kind,
        name=opened["name"],
        roles=frozenset(opened["roles"]),
        agency_id=opened["agency_id"],
        teams=frozenset(opened["teams"]),
        supervises=frozenset(opened["supervises"]),
        session_id=session_id,
        event_id=opened["event_id"],
        signed_in_at=int(time.time()),
    )
    if not may(actor.roles, act):
        raise Forbidden
    with translated():
        async with database.sessions() as session:
            await log.enter(session, actor.event_id)
            yield session, actor
            await log.write(session, actor.event_id, "allowed", 200)
            await session.commit()
