"""Background jobs: kinds of jobs, and how a request adds a job in its own transaction.

The job process (`app.server.jobs`) runs a job after that transaction has committed. A job runs at least once. Its changes
in the database are made exactly once, because they commit together with the end of the job.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Job

MAX_ATTEMPTS = 15
"""With the delays of `get_retry_delay`, the attempts of a job cover about six hours."""
FIRST_RETRY_DELAY = timedelta(seconds=10)
MAX_RETRY_DELAY = timedelta(hours=1)

JobFunction = Callable[[AsyncSession, Mapping[str, Any]], Awaitable[None]]
"""The work of a job: changes records with a session, which the job process commits, and gets the payload."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job."""

    name: str
    run: JobFunction
    period: timedelta | None = None
    """Time between the end of one run and the beginning of the next. None: a job runs once."""
    fail: JobFunction | None = None
    """Records for the user that the last attempt of a job failed."""


LeaseRenewal = Callable[[], Awaitable[None]]
RENEW_LEASE = "renew_lease"
"""Key of the session's `info` under which the job process stores a `LeaseRenewal`."""


async def renew_lease(session: AsyncSession) -> None:
    """Begin the time limit of the current job again, after a part of its work.

    The session must not have a transaction during the work: PostgreSQL ends a transaction that is idle for 30 seconds.
    """
    renew: LeaseRenewal = session.info[RENEW_LEASE]
    await renew()


def enqueue_job(session: AsyncSession, kind: JobKind, payload: Mapping[str, str]) -> None:
    """Add a job. It runs after the transaction of the session has committed, and never if it is rolled back."""
    session.add(Job(kind=kind.name, payload=dict(payload)))


def get_retry_delay(attempts: int) -> timedelta:
    """Return the time until the next attempt, after this number of failed attempts."""
    return min(FIRST_RETRY_DELAY * (1 << min(attempts - 1, 20)), MAX_RETRY_DELAY)
