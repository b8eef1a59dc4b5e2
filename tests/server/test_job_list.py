"""The list of jobs for operators."""

from typing import Any

from pydantic import SecretStr

from app.config import Settings
from app.kit.jobs import JobKind, enqueue_job
from app.server import job_list
from tests.support.scenario import Scenario


async def do_nothing(*_: object) -> None: ...


async def test_unfinished_jobs_are_listed_and_failed_ones_repeated(
    scenario: Scenario, superuser_connection: Any
) -> None:
    settings = Settings(api_database_url=SecretStr(scenario.urls.api))
    async with scenario.database.session_factory.begin() as session:
        for name in ("waiting", "running", "failed", "finished"):
            enqueue_job(session, JobKind(name, do_nothing), {})
    await superuser_connection.execute(
        """UPDATE jobs SET leased_until = CASE kind WHEN 'running' THEN now() + interval '1 minute' END,
                  failed_at = CASE kind WHEN 'failed' THEN now() END, finished_at = CASE kind WHEN 'finished' THEN now() END,
                  attempts = 15, last_error = CASE kind WHEN 'failed' THEN 'OSError' END"""
    )
    jobs = await job_list.list_unfinished_jobs(settings)
    assert [(job.kind, job.status, job.last_error) for job in jobs] == [
        ("failed", "failed", "OSError"), ("running", "running", None), ("waiting", "waiting", None),
    ]  # fmt: skip
    assert "OSError" in str(jobs[0])
    assert await job_list.retry_failed_jobs(settings) == 1
    jobs = await job_list.list_unfinished_jobs(settings)
    assert sorted((job.kind, job.status, job.attempts) for job in jobs) == [
        ("failed", "waiting", 0), ("running", "running", 15), ("waiting", "waiting", 15),
    ]  # fmt: skip
