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

from app.access.vault import vault
from app.database.engine import Database
from app.database.errors import translated
from app.errors import TooManyRequests

HOUR = 3600
DAY = 24 * HOUR

COUNT = """
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
WAIT = """
    SELECT greatest(1, ceil(extract(epoch FROM blocked_until - clock_timestamp())))::integer
      FROM sign_in_attempts WHERE key = $1
"""
EXCUSE = """
    UPDATE sign_in_attempts SET failures = greatest(failures - 1, 0), blocked_until = NULL WHERE key = ANY ($1)
"""
FORGET = "DELETE FROM sign_in_attempts WHERE key = ANY ($1) OR last_at < clock_timestamp() - make_interval(secs => $2)"


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may fail."""

    key: bytes
    free: int
    """Failures until the first wait."""
    longest: float
    """Seconds a wait can last."""
    forgotten_after: float = DAY
    """Seconds without an attempt after which counting starts anew."""


def of_account(email: str, network: str) -> Limit:
    """Return the limit of one account, known or not, from one network."""
    return Limit(_key(b"account", email.casefold(), network), 5, 900)


def of_network(network: str) -> Limit:
    """Return the limit of one network. Short waits: an office behind one address shares them."""
    return Limit(_key(b"network", network), 50, 60, HOUR)


def of_codes(user_id: UUID) -> Limit:
    """Return the limit of second-factor codes of one person, from everywhere."""
    return Limit(_key(b"codes", str(user_id)), 10, 900)


def of_proofs(user_id: UUID) -> Limit:
    """Return the limit of proofs asked for again inside a session: a stolen token must not help to guess."""
    return Limit(_key(b"proofs", str(user_id)), 5, 900)


def of_feeds(network: str) -> Limit:
    """Return the limit of one network for addresses of calendar feeds; it never stands in the way of signing in."""
    return Limit(_key(b"feeds", network), 50, 60, HOUR)


async def begin(database: Database, *limits: Limit) -> None:
    """Count an attempt against every limit.

    Raises:
        TooManyRequests: one of them asks to wait; then none has counted it.
    """
    for position, limit in enumerate(limits):
        if not await _counted(database, limit):
            await excuse(database, *limits[:position])
            raise TooManyRequests("Too many attempts; please wait.", retry_after=await _wait(database, limit))


async def excuse(database: Database, *limits: Limit) -> None:
    """Take an attempt back: it was no guess."""
    with translated():
        await database.gate.execute(EXCUSE, [limit.key for limit in limits])


async def forget(database: Database, *limits: Limit) -> None:
    """Start counting anew after a proof was right; tidy up what is old."""
    with translated():
        await database.gate.execute(FORGET, [limit.key for limit in limits], DAY)


async def _counted(database: Database, limit: Limit) -> bool:
    counting = (limit.key, limit.free, float(limit.longest), float(limit.forgotten_after))
    with translated():
        return await database.gate.fetchval(COUNT, *counting) is not None


async def _wait(database: Database, limit: Limit) -> int:
    with translated():
        return int(await database.gate.fetchval(WAIT, limit.key) or 1)


def _key(kind: bytes, *parts: str) -> bytes:
    return vault().blind.digest(b"sign-in", kind, *(part.encode() for part in parts))
