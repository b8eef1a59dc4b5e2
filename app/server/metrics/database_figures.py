"""The numbers of the metrics that come from the database: jobs, partitions of the access log, backlog of the agenda.

They are read with the role of the API and without an access event, so that no row about a child is visible.
"""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

import asyncpg

from app.database.connections import connect
from app.database.errors import translate_database_errors
from app.server.job_kinds import JOB_KINDS
from app.server.operator_errors import describe_failure
from app.structured_log import logger

INTERVAL_SECONDS = 30.0
"""Minimum time between two reads, independent of the number of scrapes."""
OTHER_KIND = "other"
"""The kind of jobs that this version does not know."""
STATEMENT_TIMEOUT_SQL = "SET statement_timeout = '5s'"
JOBS_SQL = """
    WITH job AS (
        SELECT CASE WHEN kind = ANY ($1) THEN kind ELSE $2 END AS kind, run_after, failed_at IS NOT NULL AS is_failed,
               failed_at IS NULL AND run_after <= clock_timestamp()
               AND (leased_until IS NULL OR leased_until <= clock_timestamp()) AS is_waiting
          FROM jobs WHERE finished_at IS NULL
    )
    SELECT kind, count(*) FILTER (WHERE is_waiting) AS waiting, count(*) FILTER (WHERE is_failed) AS failed,
           coalesce(extract(epoch FROM clock_timestamp() - min(run_after) FILTER (WHERE is_waiting)), 0)::float
               AS oldest_seconds
      FROM job GROUP BY kind
"""
PARTITION_MONTHS_SQL = """
    SELECT min(months) FROM (
        SELECT count(c.oid) AS months
          FROM unnest(ARRAY['access_events', 'access_entries']) AS parent
          LEFT JOIN pg_inherits i ON i.inhparent = parent::regclass
          LEFT JOIN pg_class c ON c.oid = i.inhrelid AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
               AND c.relname > format('%s_%s', parent, to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM'))
         GROUP BY parent
    ) AS ahead
"""
BACKLOG_SQL = "SELECT measure, kind, number FROM access.count_backlog()"


class JobFigures(NamedTuple):
    """The unfinished jobs of one kind."""

    waiting: int
    """Number of jobs that are due and that no process runs."""
    failed: int
    oldest_seconds: float
    """Time since the first waiting job became due."""


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """The numbers that one read returned."""

    is_reachable: bool = False
    jobs: dict[str, JobFigures] = field(default_factory=dict)
    partition_months: int | None = None
    """Number of months after the current one for which the access log has partitions."""
    backlog: dict[tuple[str, str], int] = field(default_factory=dict)
    """Numbers by measure (`overdue` or `unacknowledged`) and kind."""


class DatabaseFigureCache:
    """Reads the figures at most every 30 seconds."""

    def __init__(self, url: str) -> None:
        """Begin without figures."""
        self._url = url
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._figures = DatabaseFigures()

    async def get(self) -> DatabaseFigures:
        """Return the figures of the last 30 seconds. If they cannot be read, log the reason and return none."""
        async with self._lock:
            if monotonic() - self._read_at >= INTERVAL_SECONDS:
                try:
                    self._figures = await read_database_figures(self._url)
                except Exception as error:  # noqa: BLE001 - the other metrics are served without a database
                    logger.error("metrics_incomplete", reason=describe_failure(error))
                    self._figures = DatabaseFigures()
                self._read_at = monotonic()
            return self._figures


async def read_database_figures(url: str) -> DatabaseFigures:
    """Read all figures on a separate connection.

    Raises:
        FirstStepError: the database cannot be reached, or a statement failed.
    """
    with translate_database_errors():
        async with connect(url) as connection:
            await connection.execute(STATEMENT_TIMEOUT_SQL)
            return DatabaseFigures(
                is_reachable=True,
                jobs=await _read_jobs(connection),
                partition_months=await connection.fetchval(PARTITION_MONTHS_SQL),
                backlog=await _read_backlog(connection),
            )


async def _read_backlog(connection: asyncpg.Connection) -> dict[tuple[str, str], int]:
    """Return the backlog, or nothing if its count takes longer than the timeout, so that the other figures remain."""
    try:
        rows = await connection.fetch(BACKLOG_SQL)
    except asyncpg.QueryCanceledError as error:
        logger.error("metrics_incomplete", reason=describe_failure(error))
        return {}
    return {(row["measure"], row["kind"]): row["number"] for row in rows}


async def _read_jobs(connection: asyncpg.Connection) -> dict[str, JobFigures]:
    """Return the figures of every kind, including kinds without an unfinished job."""
    kinds = [kind.name for kind in JOB_KINDS]
    figures = dict.fromkeys(kinds, JobFigures(0, 0, 0.0))
    for kind, *values in await connection.fetch(JOBS_SQL, kinds, OTHER_KIND):
        figures[kind] = JobFigures(*values)
    return figures
