"""The job process: runs the background jobs of the table `jobs`.

A process takes a job by a lease, which it commits before it begins. A job whose process was killed runs again when its lease
has ended. The work and the end of a job are one transaction, and only the process with the newest lease can end the job.
Two processes therefore never both change the database for the same job.

The process connects with the role of the API, for which the row policies apply. Without an access event, it reads no data
about a child.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import get_settings
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.database.urls import get_api_url, get_reports_url
from app.kit.jobs import MAX_ATTEMPTS, RENEW_LEASE, JobKind, LeaseRenewal, get_retry_delay
from app.server.child_processes import STOP_SIGNALS, exit_with_parent
from app.server.job_kinds import JOB_KINDS
from app.server.operator_errors import describe_failure
from app.structured_log import configure_logging, describe_exception, logger

CONCURRENT_JOBS = 3
"""Number of jobs that one process runs at the same time. Each needs one database connection."""
LEASE_SECONDS = 120.0
TIME_LIMIT_SHARE = 0.75
"""The part of the lease after which a job is stopped, unless it renews the lease (`app.kit.jobs.renew_lease`).

The job ends before another process can run it again.
"""
POLL_SECONDS = 2.0
"""Seconds between two looks for a job that is due."""

SCHEDULE_PERIODIC_SQL = text("""
    INSERT INTO jobs (id, kind, payload, is_periodic, created_at, run_after, attempts)
    VALUES (:id, :kind, '{}', true, clock_timestamp(), clock_timestamp() + :delay, 0)
    ON CONFLICT (kind) WHERE is_periodic AND finished_at IS NULL DO NOTHING
""")
CLAIM_SQL = text("""
    UPDATE jobs
       SET attempts = attempts + 1, leased_until = clock_timestamp() + make_interval(secs => :lease_seconds)
     WHERE id = (SELECT id FROM jobs
                  WHERE kind = ANY (:kinds) AND finished_at IS NULL AND failed_at IS NULL
                    AND run_after <= clock_timestamp()
                    AND (leased_until IS NULL OR leased_until <= clock_timestamp())
                  ORDER BY run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, payload, is_periodic, attempts
""").columns(payload=JSONB)
FINISH_SQL = text("""
    UPDATE jobs SET finished_at = clock_timestamp(), leased_until = NULL, last_error = NULL
     WHERE id = :id AND attempts = :attempts
""")
RENEW_SQL = text("""
    UPDATE jobs SET leased_until = clock_timestamp() + make_interval(secs => :lease_seconds)
     WHERE id = :id AND attempts = :attempts
""")
RELEASE_SQL = text("UPDATE jobs SET leased_until = NULL WHERE id = :id AND attempts = :attempts")
RECORD_FAILURE_SQL = text("""
    UPDATE jobs
       SET leased_until = NULL, last_error = :error, run_after = clock_timestamp() + :delay,
           failed_at = CASE WHEN :is_last THEN clock_timestamp() END
     WHERE id = :id AND attempts = :attempts
""")


class ClaimedJob(NamedTuple):
    """A job under a lease of this process. The number of attempts identifies the lease."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    is_periodic: bool
    attempts: int


class LeaseLost(Exception):
    """The lease has ended and another process has taken the job. The changes of this process are rolled back."""


class AttemptsExhausted(Exception):
    """The process was killed during each of the attempts, so that no error was recorded."""


class JobRunner:
    """Runs the jobs of the given kinds. Several runners, on one or several machines, share the jobs."""

    def __init__(
        self,
        database: Database,
        kinds: Sequence[JobKind] = JOB_KINDS,
        *,
        lease_seconds: float = LEASE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Create a runner. It leaves jobs of other kinds, which a newer version may have added, to other runners."""
        self._database = database
        self._kinds = {kind.name: kind for kind in kinds}
        self._lease_seconds = lease_seconds
        self._time_limit = lease_seconds * TIME_LIMIT_SHARE
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Run jobs until cancelled. A running job is then rolled back, and its lease is released."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENT_JOBS):
                group.create_task(self._run_repeatedly())

    async def _run_repeatedly(self) -> None:
        is_scheduled = False
        while True:
            has_run = False
            try:
                if not is_scheduled:
                    await self.schedule_periodic_jobs()
                    is_scheduled = True
                has_run = await self.run_next_job()
            except Exception as error:  # noqa: BLE001 - the database cannot be reached, or is not migrated yet
                logger.error("jobs_unavailable", reason=describe_failure(error), **describe_exception(error))
            if not has_run:
                await asyncio.sleep(self._poll_seconds)

    async def schedule_periodic_jobs(self) -> None:
        """Add the first run of each periodic kind that has no unfinished one."""
        with translate_database_errors():
            async with self._database.session_factory.begin() as session:
                for kind in self._kinds.values():
                    if kind.period is not None:
                        await _schedule_run(session, kind.name, timedelta(0))

    async def run_next_job(self) -> bool:
        """Run the job that is due first. Return False if no job is due."""
        job = await self._claim_job()
        if job is None:
            return False
        try:
            if job.attempts > MAX_ATTEMPTS and not job.is_periodic:
                raise AttemptsExhausted  # noqa: TRY301 - recorded like any other failure
            async with asyncio.timeout(self._time_limit) as timer:
                await self._run_job(job, partial(self._renew_lease, job, timer))
        except asyncio.CancelledError:
            await self._execute(RELEASE_SQL, id=job.id, attempts=job.attempts)
            raise
        except LeaseLost:
            logger.warning("job_lease_lost", job=job.kind, attempt=job.attempts)
        except Exception as error:  # noqa: BLE001 - every failure of a job is recorded, and the job is repeated
            await self._record_failure(job, error)
        return True

    async def _claim_job(self) -> ClaimedJob | None:
        with translate_database_errors():
            async with self._database.session_factory.begin() as session:
                parameters = {"kinds": list(self._kinds), "lease_seconds": self._lease_seconds}
                row = (await session.execute(CLAIM_SQL, parameters)).one_or_none()
        return None if row is None else ClaimedJob(*row)

    async def _renew_lease(self, job: ClaimedJob, timer: asyncio.Timeout) -> None:
        """Begin the lease and the time limit of a running job again."""
        renewed = await self._execute(
            RENEW_SQL, id=job.id, attempts=job.attempts, lease_seconds=self._lease_seconds
        )
        if renewed != 1:
            raise LeaseLost
        timer.reschedule(asyncio.get_running_loop().time() + self._time_limit)

    async def _run_job(self, job: ClaimedJob, renew: LeaseRenewal) -> None:
        kind = self._kinds[job.kind]
        with translate_database_errors():
            async with self._database.session_factory.begin() as session:
                session.info[RENEW_LEASE] = renew
                await kind.run(session, job.payload)
                await session.flush()  # the changes of the job come before its end
                finished: Any = await session.execute(FINISH_SQL, {"id": job.id, "attempts": job.attempts})
                if finished.rowcount != 1:
                    raise LeaseLost
                if kind.period is not None:
                    await _schedule_run(session, kind.name, kind.period)

    async def _record_failure(self, job: ClaimedJob, error: Exception) -> None:
        is_last = job.attempts >= MAX_ATTEMPTS and not job.is_periodic
        logger.error(
            "job_failed" if is_last else "job_attempt_failed",
            job=job.kind,
            attempt=job.attempts,
            **describe_exception(error),
        )
        await self._execute(
            RECORD_FAILURE_SQL,
            id=job.id,
            attempts=job.attempts,
            error=type(error).__qualname__,
            delay=get_retry_delay(job.attempts),
            is_last=is_last,
        )
        fail = self._kinds[job.kind].fail
        if is_last and fail is not None:
            async with self._database.session_factory.begin() as session:
                await fail(session, job.payload)

    async def _execute(self, statement: Any, **parameters: object) -> int:
        """Execute a statement in a separate transaction, and return the number of changed rows."""
        with translate_database_errors():
            async with self._database.session_factory.begin() as session:
                result: Any = await session.execute(statement, parameters)
                return int(result.rowcount)


async def _schedule_run(session: AsyncSession, kind: str, delay: timedelta) -> None:
    """Add the next run of a periodic kind, unless it has an unfinished one."""
    await session.execute(SCHEDULE_PERIODIC_SQL, {"id": uuid4(), "kind": kind, "delay": delay})


async def run_job_process() -> None:
    """Run jobs in this process until a stop signal arrives or the supervisor is gone."""
    configure_logging()
    settings = get_settings()
    database = Database(
        get_api_url(settings), pool_size=CONCURRENT_JOBS, reports_url=get_reports_url(settings)
    )
    parent_watch = asyncio.create_task(exit_with_parent())
    runner = asyncio.create_task(JobRunner(database).run())
    for stop_signal in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(stop_signal, runner.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await runner
    finally:
        parent_watch.cancel()
        await database.engine.dispose()
