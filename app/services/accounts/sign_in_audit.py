"""The context of unauthenticated sign-in requests, and their entries in the access log."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, select

from app.access import log
from app.access.acts import Act
from app.access.caller import OpenAccess
from app.access.tokens import SubjectKind
from app.database.engine import Database
from app.database.errors import translate_database_errors


@dataclass(frozen=True, slots=True)
class SignInContext:
    """Context of an unauthenticated request to sign in, refresh or sign out."""

    database: Database
    request_id: str
    correlation_id: str | None
    address: str | None
    network: str
    """Network that sign-in attempts are counted for: the /64 prefix of an IPv6 address, or an IPv4 address."""
    user_agent: str | None


async def record_authenticated_access(
    context: SignInContext,
    action: Act,
    kind: SubjectKind,
    subject_id: UUID,
    session_id: UUID,
    *,
    status: int = 200,
    change: ColumnElement[None] | None = None,
) -> None:
    """Log an action in an active session. `change` is a call of a database function that needs the access.

    Raises:
        Unavailable: the log cannot be written. Tokens must not be issued then.
    """
    opened = await log.open_access(
        context.database, _access_request(context, action, kind, subject_id, session_id)
    )
    # The id is None if the session was revoked in the meantime. The database has logged the failure already.
    if opened["event_id"] is None:
        return
    access = _to_open_access(opened)
    if change is None:
        await log.conclude_access(context.database, log.Conclusion(access, "allowed", status))
        return
    with translate_database_errors():
        async with context.database.session_factory() as session:
            await log.bind_access(session, access)
            await session.execute(select(change))
            await log.conclude_access_in_session(session, access, "allowed", status)
            await session.commit()


async def record_authentication_failure(
    context: SignInContext,
    action: Act,
    kind: SubjectKind = "person",
    subject_id: UUID | None = None,
    session_id: UUID | None = None,
) -> None:
    """Log a failed authentication, with the user or API client if it is known."""
    if subject_id is None:
        await _record_anonymous_refusal(context, action, "unauthenticated", 401)
        return
    # Without an active session the database itself writes the entry with the outcome `unauthenticated`.
    await log.open_access(context.database, _access_request(context, action, kind, subject_id, session_id))


async def record_throttled_attempt(context: SignInContext, action: Act) -> None:
    """Log an attempt that the throttle rejected. Its credentials were not verified."""
    await _record_anonymous_refusal(context, action, "refused", 429)


async def _record_anonymous_refusal(context: SignInContext, action: Act, outcome: str, status: int) -> None:
    opened = await log.open_access(
        context.database,
        log.AccessRequest(action, context.request_id, context.address, correlation_id=context.correlation_id),
    )
    await log.conclude_access(context.database, log.Conclusion(_to_open_access(opened), outcome, status))


def _to_open_access(opened: asyncpg.Record) -> OpenAccess:
    return OpenAccess(opened["event_id"], opened["secret"])


def _access_request(
    context: SignInContext, action: Act, kind: SubjectKind, subject_id: UUID, session_id: UUID | None
) -> log.AccessRequest:
    return log.AccessRequest(
        action,
        context.request_id,
        context.address,
        kind,
        subject_id,
        session_id,
        correlation_id=context.correlation_id,
    )
