"""Measure the time of each operation in PostgreSQL, from its statement statistics, and processor time from /proc."""

import asyncio
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from bench.environment import GeneratedRecords
from bench.growth.client import SequentialClient
from bench.growth.databases import GrowthDatabase
from bench.growth.records import load_generated_records
from bench.measure import process_tree_cpu_seconds
from bench.operations import Operation
from bench.programs import FIRST_STEP, RunningProgram, run_program

WARM_UP_SECONDS = 1
WARM_UP_REQUESTS = 20
"""Requests before each run. PostgreSQL decides after five executions whether it keeps the plan of a statement."""
MIN_REQUESTS = 5

RESET_STATISTICS_SQL = """
    SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)
"""
# The time of functions and policies is part of the statement that calls them. COMMIT has no planning or execution time.
STATEMENTS_SQL = """
    SELECT query, calls, plans, total_exec_time + total_plan_time AS milliseconds
      FROM pg_stat_statements
     WHERE toplevel AND userid = 'firststep_api'::regrole
       AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY milliseconds DESC
"""
SLOWEST_STATEMENT_COUNT = 3
QUERY_LENGTH = 120
"""Number of characters of a statement in the result."""
DATABASE_FACTS_SQL = """
    SELECT (SELECT count(*) FROM cases) AS cases, (SELECT count(*) FROM access_entries) AS access_entries,
           (SELECT count(*) FROM case_links) AS case_links, (SELECT count(*) FROM name_tokens) AS name_tokens,
           pg_database_size(current_database()) AS bytes
"""
REMOVE_WRITTEN_ROWS_SQL = """
    SET LOCAL session_replication_role = replica;
    DELETE FROM access_entries WHERE event_id >= access.smallest_uuid7('{since}');
    DELETE FROM access_events WHERE id >= access.smallest_uuid7('{since}');
    DELETE FROM name_tokens USING referrals r WHERE owner_id = r.id AND r.received_at >= '{since}';
    DELETE FROM referrals WHERE received_at >= '{since}';
    DELETE FROM idempotency_records WHERE stored_at >= '{since}';
"""


@dataclass(frozen=True, slots=True)
class GrowthRun:
    """The result of one run of an operation in one database, per request."""

    operation: str
    case_count: int
    requests: int
    postgres_ms: float
    """Planning and execution time of the statements."""
    postgres_cpu_us: float | None
    """Processor time of PostgreSQL with its background work, in microseconds."""
    program_cpu_us: float | None
    latency_ms: float
    """The median."""
    statements: float
    planned: float
    """Statements that were planned."""
    slowest: list[dict[str, Any]]
    """The slowest statements."""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run with a response that was not successful, for example because a statement was too slow."""

    operation: str
    case_count: int
    error: str


class GrowthMeasurement:
    """Programs that run with one database each."""

    def __init__(self, databases: Sequence[GrowthDatabase], folder: Path, stack: ExitStack) -> None:
        self.databases = databases
        self.started_at = [asyncio.run(_fetch_now(database)) for database in databases]
        stack.callback(self._remove_written_rows)
        self.records = [asyncio.run(_load_records(database)) for database in databases]
        self.programs = [
            stack.enter_context(
                run_program(
                    FIRST_STEP, database.environment_variables, folder / f"{database.size.case_count}.log"
                )
            )
            for database in databases
        ]

    def measure_runs(
        self, operations: Sequence[Operation], seconds: float, repeats: int
    ) -> Iterator[GrowthRun | FailedRun]:
        """Measure each operation in each database. Each repeat measures all of them."""
        for _ in range(repeats):
            for operation in operations:
                for database, program, generated in zip(
                    self.databases, self.programs, self.records, strict=True
                ):
                    requests = operation.list_requests(generated, generated.tokens)
                    client = SequentialClient(requests, program.port)
                    try:
                        yield measure_run(database, program, operation.name, client, seconds)
                    except RuntimeError as error:
                        yield FailedRun(operation.name, database.size.case_count, str(error))
                    finally:
                        client.close()

    def _remove_written_rows(self) -> None:
        """Remove the rows that the requests wrote, so that the next run measures the same databases."""
        for database, started_at in zip(self.databases, self.started_at, strict=True):
            asyncio.run(_remove_rows(database, started_at))


def measure_run(
    database: GrowthDatabase,
    program: RunningProgram,
    operation_name: str,
    client: SequentialClient,
    seconds: float,
) -> GrowthRun:
    """Warm up, send requests for some seconds, and return the result."""
    client.send(WARM_UP_SECONDS, WARM_UP_REQUESTS)
    asyncio.run(_fetch(database, RESET_STATISTICS_SQL))
    pids = (database.postgres_pid, program.pid)
    before = [process_tree_cpu_seconds(pid) for pid in pids]
    latencies = client.send(seconds, MIN_REQUESTS)
    after = [process_tree_cpu_seconds(pid) for pid in pids]
    postgres_cpu_us, program_cpu_us = (
        None if start is None or end is None else round(1e6 * (end - start) / len(latencies), 1)
        for start, end in zip(before, after, strict=True)
    )
    statements = asyncio.run(_fetch(database, STATEMENTS_SQL))
    return GrowthRun(
        operation=operation_name,
        case_count=database.size.case_count,
        requests=len(latencies),
        postgres_ms=_per_request(statements, "milliseconds", latencies),
        postgres_cpu_us=postgres_cpu_us,
        program_cpu_us=program_cpu_us,
        latency_ms=round(statistics.median(latencies), 3),
        statements=_per_request(statements, "calls", latencies),
        planned=_per_request(statements, "plans", latencies),
        slowest=[_describe_statement(row, latencies) for row in statements[:SLOWEST_STATEMENT_COUNT]],
    )


def _per_request(rows: list[asyncpg.Record], column: str, latencies: Sequence[float]) -> float:
    return round(float(sum(row[column] for row in rows)) / len(latencies), 4)


def _describe_statement(row: asyncpg.Record, latencies: Sequence[float]) -> dict[str, Any]:
    return {
        "milliseconds": _per_request([row], "milliseconds", latencies),
        "statement": " ".join(row["query"].split())[:QUERY_LENGTH],
    }


async def _fetch(database: GrowthDatabase, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database.admin_url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query)
        return rows
    finally:
        await connection.close()


async def _fetch_now(database: GrowthDatabase) -> datetime:
    now: datetime = (await _fetch(database, "SELECT clock_timestamp()"))[0][0]
    return now


async def describe_database(database: GrowthDatabase) -> dict[str, int]:
    """Return the number of rows of a database, and its size in bytes."""
    return dict((await _fetch(database, DATABASE_FACTS_SQL))[0])


async def _load_records(database: GrowthDatabase) -> GeneratedRecords:
    connection = await asyncpg.connect(database.admin_url)
    try:
        return await load_generated_records(connection, database.size)
    finally:
        await connection.close()


async def _remove_rows(database: GrowthDatabase, since: datetime) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        async with connection.transaction():
            await connection.execute(REMOVE_WRITTEN_ROWS_SQL.format(since=since.isoformat()))
        for table in ("access_entries", "access_events", "name_tokens", "referrals", "idempotency_records"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()
