"""Background jobs: leases, retries, periodic runs, and what remains after a kill."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.engine import Database
from app.kit.jobs import (
    FIRST_RETRY_DELAY,
    MAX_ATTEMPTS,
    MAX_RETRY_DELAY,
    JobKind,
    enqueue_job,
    get_retry_delay,
    renew_lease,
)
from app.server.job_kinds import JOB_KINDS
from app.server.jobs import JobRunner
from tests.support.job_processes import EFFECTS_TABLE_SQL, kill_process, start_job_process
from tests.support.scenario import Scenario

JOBS_QUERY = "SELECT * FROM jobs ORDER BY created_at, id"
EFFECTS_OF_PROCESS = "SELECT count(*) FROM effects WHERE pid = $1"


class RecordingKind:
    """A kind of job that records its payloads, and can wait or fail."""

    def __init__(self, period: timedelta | None = None) -> None:
        self.kind = JobKind("recorded", self.run, period)
        self.payloads: list[Mapping[str, Any]] = []
        self.error: Exception | None = None
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, session: AsyncSession, payload: Mapping[str, Any]) -> None:
        await session.execute(text("SELECT 1"))
        self.payloads.append(payload)
        self.started.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
async def second_database(scenario: Scenario) -> AsyncIterator[Database]:
    database = Database(scenario.urls.api, pool_size=2)
    yield database
    await database.engine.dispose()


async def add_job(database: Database, kind: JobKind, **payload: str) -> None:
    async with database.session_factory.begin() as session:
        enqueue_job(session, kind, payload)


async def test_job_runs_once_with_its_payload(scenario: Scenario, superuser_connection: Any) -> None:
    recording = RecordingKind()
    await add_job(scenario.database, recording.kind, alert_id="7")
    runner = JobRunner(scenario.database, [recording.kind])
    assert await runner.run_next_job()
    assert not await runner.run_next_job()
    assert recording.payloads == [{"alert_id": "7"}]
    job = await superuser_connection.fetchrow(JOBS_QUERY)
    assert (job["attempts"], job["leased_until"], job["last_error"]) == (1, None, None)
    assert job["finished_at"] is not None


async def test_job_of_a_rolled_back_transaction_does_not_exist(scenario: Scenario) -> None:
    recording = RecordingKind()
    async with scenario.database.session_factory() as session:
        enqueue_job(session, recording.kind, {})
        await session.flush()
        await session.rollback()
    assert not await JobRunner(scenario.database, [recording.kind]).run_next_job()


async def test_job_of_unknown_kind_is_left_to_other_runners(scenario: Scenario) -> None:
    # Catches: the condition on the kind removed from CLAIM_SQL.
    recording = RecordingKind()
    await add_job(scenario.database, recording.kind)
    other = JobKind("other", recording.run)
    assert not await JobRunner(scenario.database, [other]).run_next_job()


async def test_failed_attempt_is_rolled_back_and_repeated_later(
    scenario: Scenario, superuser_connection: Any
) -> None:
    recording = RecordingKind()
    recording.error = ValueError("Sok Dara, 012 345 678")
    await add_job(scenario.database, recording.kind)
    runner = JobRunner(scenario.database, [recording.kind])
    assert await runner.run_next_job()
    assert not await runner.run_next_job()
    job = await superuser_connection.fetchrow(
        "SELECT *, run_after > clock_timestamp() + interval '5 seconds' AS is_later FROM jobs"
    )
    assert (job["last_error"], job["is_later"], job["leased_until"]) == ("ValueError", True, None)
    await superuser_connection.execute("UPDATE jobs SET run_after = now()")
    recording.error = None
    assert await runner.run_next_job()
    assert (await superuser_connection.fetchrow(JOBS_QUERY))["finished_at"] is not None


async def test_job_fails_after_its_last_attempt(scenario: Scenario, superuser_connection: Any) -> None:
    recording = RecordingKind()
    recording.error = ValueError("planted")
    await add_job(scenario.database, recording.kind)
    await superuser_connection.execute("UPDATE jobs SET attempts = $1", MAX_ATTEMPTS - 1)
    runner = JobRunner(scenario.database, [recording.kind])
    assert await runner.run_next_job()
    assert (await superuser_connection.fetchrow(JOBS_QUERY))["failed_at"] is not None
    await superuser_connection.execute("UPDATE jobs SET run_after = now()")
    assert not await runner.run_next_job()


async def test_job_that_ends_its_process_each_time_fails_after_the_last_attempt(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the check of the attempts removed from run_next_job.
    recording = RecordingKind()
    await add_job(scenario.database, recording.kind)
    await superuser_connection.execute("UPDATE jobs SET attempts = $1", MAX_ATTEMPTS)
    assert await JobRunner(scenario.database, [recording.kind]).run_next_job()
    job = await superuser_connection.fetchrow(JOBS_QUERY)
    assert (job["last_error"], recording.payloads) == ("AttemptsExhausted", [])
    assert job["failed_at"] is not None


async def test_job_that_exceeds_its_time_limit_is_stopped(
    scenario: Scenario, superuser_connection: Any
) -> None:
    recording = RecordingKind()
    recording.gate.clear()
    await add_job(scenario.database, recording.kind)
    assert await JobRunner(scenario.database, [recording.kind], lease_seconds=0.2).run_next_job()
    assert (await superuser_connection.fetchrow(JOBS_QUERY))["last_error"] == "TimeoutError"


async def test_job_that_renews_its_lease_can_take_longer(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the renewal changes the lease and not the time limit; the time limit and not the lease.
    leases = []

    async def run_long(session: AsyncSession, payload: Mapping[str, Any]) -> None:
        del payload
        for _ in range(4):
            await asyncio.sleep(0.4)
            await renew_lease(session)
            leases.append(
                await superuser_connection.fetchval(
                    "SELECT leased_until > now() + interval '0.7 s' FROM jobs"
                )
            )

    kind = JobKind("long", run_long)
    await add_job(scenario.database, kind)
    await JobRunner(scenario.database, [kind], lease_seconds=1.0).run_next_job()
    job = await superuser_connection.fetchrow(JOBS_QUERY)
    assert (job["finished_at"] is not None, leases) == (True, [True] * 4)


async def test_job_whose_lease_another_process_has_taken_ends_at_the_renewal(
    scenario: Scenario, superuser_connection: Any
) -> None:
    reached = []

    async def run_late(session: AsyncSession, payload: Mapping[str, Any]) -> None:
        await superuser_connection.execute("UPDATE jobs SET attempts = attempts + 1")
        await renew_lease(session)
        reached.append(payload)

    kind = JobKind("late", run_late)
    await add_job(scenario.database, kind)
    await JobRunner(scenario.database, [kind]).run_next_job()
    assert (reached, await superuser_connection.fetchval("SELECT last_error FROM jobs")) == ([], None)


async def test_two_runners_run_a_job_once(scenario: Scenario, second_database: Database) -> None:
    recording = RecordingKind()
    for number in range(20):
        await add_job(scenario.database, recording.kind, number=str(number))
    runners = [JobRunner(database, [recording.kind]) for database in (scenario.database, second_database)]

    async def drain(runner: JobRunner) -> None:
        while await runner.run_next_job():
            pass

    await asyncio.gather(*map(drain, runners))
    assert sorted(int(payload["number"]) for payload in recording.payloads) == list(range(20))


async def test_late_process_cannot_end_a_job_that_another_process_has_taken(
    scenario: Scenario, second_database: Database, superuser_connection: Any
) -> None:
    # Catches: the condition on `attempts` removed from FINISH_SQL.
    slow, fast = RecordingKind(), RecordingKind()
    slow.gate.clear()
    await add_job(scenario.database, slow.kind)
    late = asyncio.create_task(JobRunner(scenario.database, [slow.kind]).run_next_job())
    await slow.started.wait()
    await superuser_connection.execute("UPDATE jobs SET leased_until = now()")
    assert await JobRunner(second_database, [fast.kind]).run_next_job()
    finished = await superuser_connection.fetchrow(JOBS_QUERY)
    slow.gate.set()
    assert await late
    assert await superuser_connection.fetchrow(JOBS_QUERY) == finished
    assert finished["attempts"] == 2


async def test_cancelled_runner_releases_its_lease(scenario: Scenario, superuser_connection: Any) -> None:
    recording = RecordingKind()
    recording.gate.clear()
    await add_job(scenario.database, recording.kind)
    run = asyncio.create_task(JobRunner(scenario.database, [recording.kind], poll_seconds=0.05).run())
    await recording.started.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    job = await superuser_connection.fetchrow(JOBS_QUERY)
    assert (job["leased_until"], job["finished_at"], job["failed_at"]) == (None, None, None)
    recording.gate.set()
    assert await JobRunner(scenario.database, [recording.kind]).run_next_job()


async def test_periodic_kind_has_one_unfinished_run_with_several_runners(
    scenario: Scenario, second_database: Database, superuser_connection: Any
) -> None:
    # Catches: the index uq_jobs_periodic without `unique`.
    recording = RecordingKind(period=timedelta(hours=1))
    runners = [JobRunner(database, [recording.kind]) for database in (scenario.database, second_database)]
    await asyncio.gather(*(runner.schedule_periodic_jobs() for runner in runners))
    await asyncio.gather(*(runner.run_next_job() for runner in runners))
    assert len(recording.payloads) == 1
    await asyncio.gather(*(runner.schedule_periodic_jobs() for runner in runners))
    finished, waiting = await superuser_connection.fetch(
        "SELECT *, run_after - clock_timestamp() AS delay FROM jobs ORDER BY finished_at"
    )
    assert finished["finished_at"] is not None
    assert waiting["finished_at"] is None
    assert timedelta(minutes=59) < waiting["delay"] <= timedelta(hours=1)


async def test_failed_periodic_job_is_repeated_without_end(
    scenario: Scenario, superuser_connection: Any
) -> None:
    recording = RecordingKind(period=timedelta(hours=1))
    recording.error = ValueError("planted")
    runner = JobRunner(scenario.database, [recording.kind])
    await runner.schedule_periodic_jobs()
    await superuser_connection.execute("UPDATE jobs SET attempts = 100")
    assert await runner.run_next_job()
    job = await superuser_connection.fetchrow(JOBS_QUERY)
    assert (job["failed_at"], job["last_error"]) == (None, "ValueError")


async def test_maintenance_jobs_run_with_the_role_of_the_api(
    scenario: Scenario, superuser_connection: Any
) -> None:
    runner = JobRunner(scenario.database, JOB_KINDS)
    await runner.schedule_periodic_jobs()
    await superuser_connection.execute(
        "INSERT INTO jobs (id, kind, payload, is_periodic, created_at, run_after, attempts, finished_at)"
        " VALUES (gen_random_uuid(), 'old', '{}', false, now(), now(), 1, now() - interval '25 hours')"
    )
    while await runner.run_next_job():
        pass
    jobs = await superuser_connection.fetch("SELECT kind, last_error FROM jobs WHERE finished_at IS NOT NULL")
    periodic = {kind.name for kind in JOB_KINDS if kind.period is not None}
    assert {(job["kind"], job["last_error"]) for job in jobs} == {(name, None) for name in periodic}


async def test_missing_log_partitions_are_created_by_the_role_of_the_api(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    del scenario
    newest = await superuser_connection.fetchval(
        "SELECT max(relname) FROM pg_class WHERE relname ~ '^access_events_\\d' AND relkind = 'r'"
    )
    await superuser_connection.execute(f"DROP TABLE {newest}")
    assert await api_connection.fetchval("SELECT access.create_log_partitions()") == 1
    assert await superuser_connection.fetchval("SELECT to_regclass($1) IS NOT NULL", newest)


async def test_killed_job_processes_lose_no_job_and_repeat_no_effect(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `await session.commit()` before FINISH_SQL; the lease not written; FOR UPDATE SKIP LOCKED removed.
    await superuser_connection.execute(EFFECTS_TABLE_SQL)
    kind = JobKind("effect", RecordingKind().run)
    for number in range(200):
        await add_job(scenario.database, kind, number=str(number))
    processes = [start_job_process(scenario.urls.api) for _ in range(2)]
    kills = 0
    try:
        async with asyncio.timeout(90):
            while await superuser_connection.fetchval("SELECT count(*) FROM jobs WHERE finished_at IS NULL"):
                # A failed attempt waits for its retry; the test does not.
                await superuser_connection.execute(
                    "UPDATE jobs SET run_after = now() WHERE finished_at IS NULL"
                )
                await asyncio.sleep(0.1)
                if (
                    kills < 4
                    and await superuser_connection.fetchval(EFFECTS_OF_PROCESS, processes[0].pid) > 10
                ):
                    kill_process(processes.pop(0))
                    kills += 1
                    processes.append(start_job_process(scenario.urls.api))
    finally:
        for process in processes:
            kill_process(process)
    effects = await superuser_connection.fetch("SELECT number FROM effects ORDER BY number")
    assert [row["number"] for row in effects] == list(range(200))
    assert kills == 4


@pytest.mark.parametrize(
    ("attempts", "delay"),
    [(1, FIRST_RETRY_DELAY), (2, 2 * FIRST_RETRY_DELAY), (15, MAX_RETRY_DELAY), (1000, MAX_RETRY_DELAY)],
)
def test_retry_delay_doubles_up_to_a_maximum(attempts: int, delay: timedelta) -> None:
    assert get_retry_delay(attempts) == delay
