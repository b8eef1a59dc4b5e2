"""Throttle of sign-in attempts: after repeated failures the next attempt must wait.

No account is locked (OWASP ASVS 6.1.1, 6.3.1).

    attempts                               without wait   then waits in seconds   reset after
    one account from one network                      5   1, 2, 4 … 900           a day
    all accounts from one network                    50   1, 2, 4 … 60            an hour
    second-factor codes of one account               10   1, 2, 4 … 900           a day
    passwords and codes inside a session              5   1, 2, 4 … 900           a day
    calendar feeds from one network                  50   1, 2, 4 … 60            an hour

An attacker cannot lock out a user: the correct password from another network always works. Only second-factor codes are
counted per account from all networks, and a code can be tried only with the correct password.

An attempt is counted before it is verified, so that concurrent attempts cannot exceed the limit. Every statement of this
module commits its own changes, because the rollback of a rejected sign-in must not undo its count. The stored keys are
keyed digests of the account and network.
"""

from dataclasses import dataclass
from uuid import UUID

from app.access.vault import get_vault
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import TooManyRequests
from app.text_folding import fold_email_address

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS

COUNT_ATTEMPT_SQL = """
    INSERT INTO sign_in_attempts AS a (key, failures, last_at) VALUES ($1, 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE
       SET failures = CASE WHEN a.last_at < clock_timestamp() - make_interval(secs => $4) THEN 1
                           ELSE a.failures + 1 END,
           last_at = clock_timestamp(),
           blocked_until = CASE WHEN a.last_at >= clock_timestamp() - make_interval(secs => $4)
                                 AND a.failures + 1 >= $2
                                THEN clock_timestamp()
                                     + make_interval(secs => least($3, 2 ^ least(a.failures + 1 - $2, 20))) END
     WHERE a.blocked_until IS NULL OR a.blocked_until <= clock_timestamp()
    RETURNING failures
"""
SELECT_WAIT_SQL = """
    SELECT greatest(1, ceil(extract(epoch FROM blocked_until - clock_timestamp())))::integer
      FROM sign_in_attempts WHERE key = $1
"""
UNDO_ATTEMPT_SQL = """
    UPDATE sign_in_attempts SET failures = greatest(failures - 1, 0), blocked_until = NULL WHERE key = ANY ($1)
"""
RESET_ATTEMPTS_SQL = "DELETE FROM sign_in_attempts WHERE key = ANY ($1) OR last_at < clock_timestamp() - make_interval(secs => $2)"


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """Limit of the failed attempts under one key."""

    key: bytes
    free_failures: int
    """Number of failed attempts without a wait."""
    max_wait_seconds: float
    """Maximum length of a wait in seconds."""
    reset_after_seconds: float = DAY_SECONDS
    """Seconds without an attempt after which the count is reset."""


def account_limit(email: str, network: str) -> AttemptLimit:
    """Return the limit of one account from one network. The account need not exist."""
    return AttemptLimit(_limit_key(b"account", fold_email_address(email), network), 5, 900)


def network_limit(network: str) -> AttemptLimit:
    """Return the limit of one network. Its waits are short, because all users of an office share them."""
    return AttemptLimit(_limit_key(b"network", network), 50, 60, HOUR_SECONDS)


def second_factor_limit(user_id: UUID) -> AttemptLimit:
    """Return the limit of one user's second-factor codes, from all networks."""
    return AttemptLimit(_limit_key(b"codes", str(user_id)), 10, 900)


def reauthentication_limit(user_id: UUID) -> AttemptLimit:
    """Return the limit of passwords and codes inside a session, so that a stolen token does not allow guessing."""
    return AttemptLimit(_limit_key(b"proofs", str(user_id)), 5, 900)


def calendar_feed_limit(network: str) -> AttemptLimit:
    """Return the limit of one network for calendar feeds. It does not affect sign-ins."""
    return AttemptLimit(_limit_key(b"feeds", network), 50, 60, HOUR_SECONDS)


async def count_attempt(database: Database, *limits: AttemptLimit) -> None:
    """Count an attempt under every limit.

    Raises:
        TooManyRequests: one of the limits requires a wait. The attempt is then counted under none of them.
    """
    for position, limit in enumerate(limits):
        if not await _try_count_attempt(database, limit):
            await undo_attempt(database, *limits[:position])
            raise TooManyRequests(
                "Too many attempts. Please wait.", retry_after=await _get_wait_seconds(database, limit)
            )


async def undo_attempt(database: Database, *limits: AttemptLimit) -> None:
    """Undo the count of an attempt that did not fail."""
    with translate_database_errors():
        await database.access_pool.execute(UNDO_ATTEMPT_SQL, [limit.key for limit in limits])


async def reset_attempts(database: Database, *limits: AttemptLimit) -> None:
    """Delete the counts of limits after a success, and all counts that are older than a day."""
    with translate_database_errors():
        await database.access_pool.execute(RESET_ATTEMPTS_SQL, [limit.key for limit in limits], DAY_SECONDS)


async def _try_count_attempt(database: Database, limit: AttemptLimit) -> bool:
    """Count an attempt, unless a wait has not ended. Returns whether the attempt was counted."""
    parameters = (
        limit.key,
        limit.free_failures,
        float(limit.max_wait_seconds),
        float(limit.reset_after_seconds),
    )
    with translate_database_errors():
        return await database.access_pool.fetchval(COUNT_ATTEMPT_SQL, *parameters) is not None


async def _get_wait_seconds(database: Database, limit: AttemptLimit) -> int:
    with translate_database_errors():
        return int(await database.access_pool.fetchval(SELECT_WAIT_SQL, limit.key) or 1)


def _limit_key(kind: bytes, *parts: str) -> bytes:
    return get_vault().blind_index.compute_digest(b"sign-in", kind, *(part.encode() for part in parts))
