"""Slowing down who guesses, without locking anybody else out.

    what is counted                 free   then, seconds      forgotten after quiet of
    account from one network           5   1, 2, 4 … 900      a day
    one network, whatever account     50   1, 2, 4 … 60       an hour
    codes of one account              10   1, 2, 4 … 900      a day
    passwords asked again (step-up)    5   1, 2, 4 … 900      a day
    calendar feeds, from one network  50   1, 2, 4 … 60       an hour

The right password from another network always works: only codes are counted per account, and those are reached by
nobody without the password. An attempt counts as failed before it is tried, so that many at once gain nothing.
Every statement here commits on its own: a refused sign-in must not roll back its own count. Keys are keyed digests.
(OWASP ASVS 6.3.1, 6.1.1)
"""

from dataclasses import dataclass
from uuid import UUID

from app.access.vault import get_vault
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import TooManyRequests

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
    """How often something may fail."""

    key: bytes
    free_failures: int
    """Failures until the first wait."""
    max_wait_seconds: float
    """Seconds a wait can last."""
    reset_after_seconds: float = DAY_SECONDS
    """Seconds without an attempt after which counting starts anew."""


def account_limit(email: str, network: str) -> AttemptLimit:
    """Return the limit of one account, known or not, from one network."""
    return AttemptLimit(_limit_key(b"account", email.casefold(), network), 5, 900)


def network_limit(network: str) -> AttemptLimit:
    """Return the limit of one network. Short waits: an office behind one address shares them."""
    return AttemptLimit(_limit_key(b"network", network), 50, 60, HOUR_SECONDS)


def second_factor_limit(user_id: UUID) -> AttemptLimit:
    """Return the limit of second-factor codes of one person, from everywhere."""
    return AttemptLimit(_limit_key(b"codes", str(user_id)), 10, 900)


def reauthentication_limit(user_id: UUID) -> AttemptLimit:
    """Return the limit of proofs asked for again inside a session: a stolen token must not help to guess."""
    return AttemptLimit(_limit_key(b"proofs", str(user_id)), 5, 900)


def calendar_feed_limit(network: str) -> AttemptLimit:
    """Return the limit of one network for addresses of calendar feeds; it never stands in the way of signing in."""
    return AttemptLimit(_limit_key(b"feeds", network), 50, 60, HOUR_SECONDS)


async def count_attempt(database: Database, *limits: AttemptLimit) -> None:
    """Count an attempt against every limit.

    Raises:
        TooManyRequests: one of them asks to wait; then none has counted it.
    """
    for position, limit in enumerate(limits):
        if not await _try_count_attempt(database, limit):
            await undo_attempt(database, *limits[:position])
            raise TooManyRequests(
                "Too many attempts; please wait.", retry_after=await _get_wait_seconds(database, limit)
            )


async def undo_attempt(database: Database, *limits: AttemptLimit) -> None:
    """Take an attempt back: it was no guess."""
    with translate_database_errors():
        await database.access_pool.execute(UNDO_ATTEMPT_SQL, [limit.key for limit in limits])


async def reset_attempts(database: Database, *limits: AttemptLimit) -> None:
    """Start counting anew after a proof was right; tidy up what is old."""
    with translate_database_errors():
        await database.access_pool.execute(RESET_ATTEMPTS_SQL, [limit.key for limit in limits], DAY_SECONDS)


async def _try_count_attempt(database: Database, limit: AttemptLimit) -> bool:
    counting = (
        limit.key,
        limit.free_failures,
        float(limit.max_wait_seconds),
        float(limit.reset_after_seconds),
    )
    with translate_database_errors():
        return await database.access_pool.fetchval(COUNT_ATTEMPT_SQL, *counting) is not None


async def _get_wait_seconds(database: Database, limit: AttemptLimit) -> int:
    with translate_database_errors():
        return int(await database.access_pool.fetchval(SELECT_WAIT_SQL, limit.key) or 1)


def _limit_key(kind: bytes, *parts: str) -> bytes:
    return get_vault().blind_index.compute_digest(b"sign-in", kind, *(part.encode() for part in parts))
