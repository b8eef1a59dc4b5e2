"""Somebody at the door who is not known yet: where they come from, and the trace of how it went."""

from dataclasses import dataclass
from uuid import UUID

from app.access import log
from app.access.tokens import SubjectKind
from app.database.engine import Database


@dataclass(frozen=True, slots=True)
class SignInContext:
    """One request to sign in, refresh or sign out: what is known of it besides what it says."""

    database: Database
    request_id: str
    address: str | None
    network: str
    """What attempts are counted by: an IPv6 subscriber's /64, else the address."""
    user_agent: str | None


async def record_authenticated_access(
    visit: SignInContext, act: str, kind: SubjectKind, subject: UUID, session_id: UUID, *, status: int = 200
) -> None:
    """Log an act on a session that is alive.

    Raises:
        Unavailable: the log cannot be written; then nothing may be handed out.
    """
    opened = await log.open_access_event(
        visit.database, _access_request(visit, act, kind, subject, session_id)
    )
    if opened["event_id"] is not None:  # None: the session was ended a moment ago, and that stands in the log
        await log.conclude_access_event(visit.database, opened["event_id"], "allowed", status)


async def record_authentication_failure(
    visit: SignInContext,
    act: str,
    kind: SubjectKind = "person",
    subject: UUID | None = None,
    session_id: UUID | None = None,
) -> None:
    """Log a proof of identity that failed: whose, where that is known."""
    if subject is None:
        await _record_anonymous_refusal(visit, act, "unauthenticated", 401)
        return
    # Without a live session the database writes the entry 'unauthenticated' by itself.
    await log.open_access_event(visit.database, _access_request(visit, act, kind, subject, session_id))


async def record_throttled_attempt(visit: SignInContext, act: str) -> None:
    """Log an attempt that came too soon, and was not looked at."""
    await _record_anonymous_refusal(visit, act, "refused", 429)


async def _record_anonymous_refusal(visit: SignInContext, act: str, outcome: str, status: int) -> None:
    opened = await log.open_access_event(
        visit.database, log.AccessRequest(act, visit.request_id, visit.address)
    )
    await log.conclude_access_event(visit.database, opened["event_id"], outcome, status)


def _access_request(
    visit: SignInContext, act: str, kind: SubjectKind, subject: UUID, session_id: UUID | None
) -> log.AccessRequest:
    return log.AccessRequest(act, visit.request_id, visit.address, kind, subject, session_id)
