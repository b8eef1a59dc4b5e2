"""Sessions in the database. Only the functions of `alembic/sql/functions/sessions.sql` write them.

The database measures every lifetime with its own clock.
"""

import hmac
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.refresh_token import RefreshToken
from app.access.vault import get_vault
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import Conflict

HMAC_BLOCK_BYTES = 64
"""Block size of SHA-256, to which HMAC pads its key."""
REGISTER_KEY_SQL = text("SELECT access.register_session_key(:inner_pad, :outer_pad)")
BEGIN_SESSION_SQL = text("""
    SELECT access.begin_session(:id, :user_id, :client_id, :family_digest, :refresh_digest, :idle_seconds, :seconds, :proof,
                                :address, :user_agent)
""")
REFRESH_SESSION_SQL = text("""
    SELECT outcome, user_id, age_seconds, idle_seconds, remaining_seconds
      FROM access.refresh_session(:session_id, :family, :secret, :successor_digest, :idle_seconds)
""")
FIND_SESSION_SQL = text(
    "SELECT outcome, user_id FROM access.find_session_by_token(:session_id, :family, :secret)"
)
REVOKE_SESSIONS_SQL = text("SELECT access.revoke_sessions(:user_id, :client_id, :reason, :only, :except)")

TokenOutcome = Literal["current", "previous", "reused", "ended", "unknown"]
"""Result of matching a refresh token with its session: see `access.match_refresh_token`."""


class NewSession(NamedTuple):
    """A session to begin: of a user, with a refresh token, or of an API client."""

    id: UUID
    user_id: UUID | None
    client_id: UUID | None
    seconds: int
    """Lifetime of the session, which no refresh extends."""
    idle_seconds: int
    """Maximum time without a refresh."""
    refresh_token: RefreshToken | None = None
    address: str | None = None
    user_agent: str | None = None

    def compute_proof(self) -> bytes:
        """Return the proof that a process with the key ring begins this session."""
        token = self.refresh_token
        digests = (token.family_digest.hex(), token.secret_digest.hex()) if token else ("", "")
        parts = (self.id, self.user_id, self.client_id, *digests, self.idle_seconds, self.seconds)
        message = "|".join("" if part is None else str(part) for part in parts)
        return hmac.digest(_derive_session_key(), message.encode(), "sha256")


class RefreshedSession(NamedTuple):
    """The result of a refresh. The lifetimes are None unless the token was accepted."""

    outcome: TokenOutcome
    user_id: UUID | None
    age_seconds: int
    """Time since the sign-in."""
    idle_seconds: int
    """Time after which the session ends without a refresh."""
    remaining_seconds: int
    """Time after which the session ends."""


class FoundSession(NamedTuple):
    """Result of matching a refresh token with its session, and the user of the session unless the token is unknown."""

    outcome: TokenOutcome
    user_id: UUID | None


async def register_session_key(database: Database) -> None:
    """Store the key that verifies new sessions in the database, unless it is stored.

    Raises:
        Conflict: the database has the key of another key ring.
    """
    key = _derive_session_key().ljust(HMAC_BLOCK_BYTES, b"\0")
    pads = {
        name: bytes(byte ^ pad for byte in key) for name, pad in (("inner_pad", 0x36), ("outer_pad", 0x5C))
    }
    with translate_database_errors():
        async with database.session_factory() as session:
            is_registered = await session.scalar(REGISTER_KEY_SQL, pads)
            await session.commit()
    if not is_registered:
        raise Conflict("The database was created with another key ring.")


async def begin_session(session: AsyncSession, new_session: NewSession) -> None:
    """Begin a session, in the transaction of `session`."""
    token = new_session.refresh_token
    parameters = {
        **new_session._asdict(),
        "family_digest": token.family_digest if token else None,
        "refresh_digest": token.secret_digest if token else None,
        "proof": new_session.compute_proof(),
    }
    del parameters["refresh_token"]
    await session.execute(BEGIN_SESSION_SQL, parameters)


async def refresh_session(
    session: AsyncSession, token: RefreshToken, successor: RefreshToken, idle_seconds: int
) -> RefreshedSession:
    """Replace a refresh token by its successor. A reused token revokes the session."""
    parameters = {
        **token._asdict(),
        "successor_digest": successor.secret_digest,
        "idle_seconds": idle_seconds,
    }
    return RefreshedSession(*(await session.execute(REFRESH_SESSION_SQL, parameters)).one())


async def find_session_by_token(session: AsyncSession, token: RefreshToken) -> FoundSession:
    """Return how a refresh token matches its session, without changing it."""
    return FoundSession(*(await session.execute(FIND_SESSION_SQL, token._asdict())).one())


async def revoke_sessions_of(
    session: AsyncSession,
    reason: str,
    *,
    user_id: UUID | None = None,
    client_id: UUID | None = None,
    only_session_id: UUID | None = None,
    except_session_id: UUID | None = None,
) -> int:
    """Revoke the active sessions of a user or an API client, and return their number."""
    parameters = {
        "user_id": user_id,
        "client_id": client_id,
        "reason": reason,
        "only": only_session_id,
        "except": except_session_id,
    }
    return int(await session.scalar(REVOKE_SESSIONS_SQL, parameters) or 0)


def _derive_session_key() -> bytes:
    return get_vault().blind_index.compute_digest(b"session-key")
