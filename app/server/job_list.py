"""List the background jobs for operators, and repeat failed jobs."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.config import Settings
from app.database.connections import connect
from app.database.urls import get_api_url

UNFINISHED_JOBS_SQL = """
    SELECT id, kind,
           CASE WHEN failed_at IS NOT NULL THEN 'failed' WHEN leased_until > clock_timestamp() THEN 'running'
                ELSE 'waiting' END AS status,
           run_after, attempts, last_error
      FROM jobs WHERE finished_at IS NULL
     ORDER BY status, run_after, id LIMIT 1000
"""
RETRY_FAILED_JOBS_SQL = """
    UPDATE jobs SET failed_at = NULL, attempts = 0, run_after = clock_timestamp()
     WHERE failed_at IS NOT NULL AND finished_at IS NULL
"""


class UnfinishedJob(NamedTuple):
    """A job that is waiting, running or failed."""

    id: UUID
    kind: str
    status: str
    run_after: datetime
    attempts: int
    last_error: str | None

    def to_document(self) -> dict[str, Any]:
        """Return the job with JSON values."""
        return {**self._asdict(), "id": str(self.id), "run_after": self.run_after.isoformat()}

    def __str__(self) -> str:
        """Return the job as one line."""
        error = f"  {self.last_error}" if self.last_error else ""
        return f"{self.status:8} {self.kind:20} {self.run_after:%Y-%m-%d %H:%M:%S}  attempts {self.attempts}{error}"


async def list_unfinished_jobs(settings: Settings) -> list[UnfinishedJob]:
    """Return at most 1,000 jobs that are not finished: first failed jobs, then running jobs, then waiting jobs."""
    async with connect(get_api_url(settings)) as connection:
        return [UnfinishedJob(*row) for row in await connection.fetch(UNFINISHED_JOBS_SQL)]


async def retry_failed_jobs(settings: Settings) -> int:
    """Make all failed jobs wait for a first attempt again. Return their number."""
    async with connect(get_api_url(settings)) as connection:
        status: str = await connection.execute(RETRY_FAILED_JOBS_SQL)
        return int(status.removeprefix("UPDATE "))
