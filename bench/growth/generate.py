"""Fill a migrated database with an invented organisation of a given size. A second start continues an interrupted one.

The SQL files generate the rows, and `bench.growth.contents` encrypts their contents. Each step is one transaction that
also records its name, so that an interrupted step leaves nothing behind.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import asyncpg

from app.access.blind_index import recommend_token_bits
from app.database.migrations import MIGRATIONS_DIR
from bench.growth.contents import Seed, copy_contents, make_id
from bench.history import CaseKeys, fill_history

FOLDER = Path(__file__).parent
CASES_PER_TEAM = 2_500
CASES_PER_STEP = 5_000
WORKER_CASE_COUNT = 25
"""Number of cases of the measured worker."""
PENDING_REFERRAL_COUNT = 25
PROCESSES = 2

INSERT_SETTINGS_SQL = """
    INSERT INTO growth.settings
        (checksum, case_count, team_count, event_count, session_count, history_count, entry_count, has_referral_tokens)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
FINISH_STEP_SQL = "INSERT INTO growth.finished_steps VALUES ($1)"
POSTPONED_INDEXES_SQL = "SELECT definition FROM growth.postponed_indexes ORDER BY definition DESC"
DELETE_POSTPONED_INDEX_SQL = "DELETE FROM growth.postponed_indexes WHERE definition = $1"
# The rows are consistent, as a test with active constraints shows. Foreign keys would double the time.
SKIP_TRIGGERS_SQL = "SET LOCAL session_replication_role = replica"

ReportProgress = Callable[[int], None]
"""Called with the number of cases that have been generated."""


@dataclass(frozen=True, slots=True)
class GrowthSize:
    """The number of cases, and of records per case."""

    case_count: int
    event_count: int = 2
    """Number of access events per case. They have four entries on average."""
    session_count: int = 4
    history_count: int = 10
    entry_count: int = 20_000
    """Number of access entries of one child."""
    has_referral_tokens: bool = True
    """Whether accepted referrals have search tokens."""
    seed_count: int = 1_000_000_000
    """Number of different names of children."""

    @property
    def team_count(self) -> int:
        return max(self.case_count // CASES_PER_TEAM, 1)

    @property
    def most_read_case_number(self) -> int:
        """Number of the case whose child has `entry_count` access entries. The case belongs to the first team."""
        return 2 * self.team_count

    def list_worker_case_numbers(self) -> list[int]:
        """Return the numbers of the cases of the measured worker."""
        return list(
            range(
                self.case_count // WORKER_CASE_COUNT,
                self.case_count + 1,
                self.case_count // WORKER_CASE_COUNT,
            )
        )

    def list_pending_referral_numbers(self) -> list[int]:
        """Return the numbers of the referrals that the measured team has received."""
        return list(range(self.case_count + 1, self.case_count + 1 + PENDING_REFERRAL_COUNT))

    def get_seed(self, number: int) -> Seed:
        return number % self.seed_count


def compute_checksum() -> str:
    """Return the checksum of the schema and of the generator. A database with another one is out of date."""
    files = sorted([*MIGRATIONS_DIR.rglob("*.sql"), *MIGRATIONS_DIR.rglob("*.py"), *FOLDER.glob("*.sql")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


async def create_structure(connection: asyncpg.Connection, size: GrowthSize) -> None:
    """Create the schema `growth` and the organisation in a migrated database."""
    async with connection.transaction():
        await connection.execute(_read_sql("schema"))
        settings = (size.event_count, size.session_count, size.history_count, size.entry_count)
        await connection.execute(
            INSERT_SETTINGS_SQL,
            compute_checksum(),
            size.case_count,
            size.team_count,
            *settings,
            size.has_referral_tokens,
        )
        await connection.execute(_read_sql("organisation"))
        bits = recommend_token_bits(size.case_count)
        await connection.execute("UPDATE name_token_lengths SET bits = $1", bits)


def _read_sql(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text()


async def generate_rows(admin_url: str, size: GrowthSize, report_progress: ReportProgress) -> None:
    """Execute the missing steps."""
    connection = await asyncpg.connect(admin_url)
    try:
        finished = {row[0] for row in await connection.fetch("SELECT step FROM growth.finished_steps")}
        ranges = list(_list_ranges(size))
        missing = [range_ for range_ in ranges if _name_step(range_) not in finished]
        report_progress((len(ranges) - len(missing)) * CASES_PER_STEP)
        await _fill_ranges(admin_url, size, missing, report_progress)
        definitions = [row[0] for row in await connection.fetch(POSTPONED_INDEXES_SQL)]
        await asyncio.gather(*(_create_indexes(admin_url, definitions) for _ in range(PROCESSES)))
        if "measured" not in finished:
            await _insert_measurement_rows(connection, size)
        if "vacuum" not in finished:
            await connection.execute("VACUUM ANALYZE")
            await connection.execute(FINISH_STEP_SQL, "vacuum")
    finally:
        await connection.close()


async def _fill_ranges(
    admin_url: str, size: GrowthSize, ranges: list[range], report_progress: ReportProgress
) -> None:
    """Insert ranges of cases in several processes."""
    loop = asyncio.get_running_loop()
    pool = ProcessPoolExecutor(PROCESSES, get_context("spawn"), _exit_with_parent)
    try:
        steps = [loop.run_in_executor(pool, fill_range, admin_url, size, range_) for range_ in ranges]
        for step in asyncio.as_completed(steps):
            report_progress(await step)
    finally:
        pool.shutdown(cancel_futures=True)


def _list_ranges(size: GrowthSize) -> Iterator[range]:
    for first in range(1, size.case_count + 1, CASES_PER_STEP):
        yield range(first, min(first + CASES_PER_STEP, size.case_count + 1))


def _name_step(numbers: range) -> str:
    return f"cases from {numbers.start}"


def _exit_with_parent() -> None:
    """End this process when its parent ends. Processes of a killed parent would otherwise wait for work forever."""

    def wait_for_parent() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    Thread(target=wait_for_parent, daemon=True).start()


def fill_range(admin_url: str, size: GrowthSize, numbers: range) -> int:
    """Insert a range of cases, and return their number. It runs in a process of its own."""
    asyncio.run(_fill_range(admin_url, size, numbers))
    return len(numbers)


async def _fill_range(admin_url: str, size: GrowthSize, numbers: range) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            await connection.execute(SKIP_TRIGGERS_SQL)
            await copy_contents(connection, ((number, size.get_seed(number)) for number in numbers))
            await connection.execute(_read_sql("caseload"))
            await connection.execute(_read_sql("access_log"))
            await connection.execute(FINISH_STEP_SQL, _name_step(numbers))
    finally:
        await connection.close()


async def _create_indexes(admin_url: str, definitions: list[str]) -> None:
    """Create postponed indexes until the list is empty. Several tasks share the list."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        while definitions:
            definition = definitions.pop()
            async with connection.transaction():
                await connection.execute(definition)
                await connection.execute(DELETE_POSTPONED_INDEX_SQL, definition)
    finally:
        await connection.close()


async def _insert_measurement_rows(connection: asyncpg.Connection, size: GrowthSize) -> None:
    async with connection.transaction():
        await connection.execute(SKIP_TRIGGERS_SQL)
        # Every fifth referral is about a child with a case.
        seeds = (
            (number, size.get_seed(number if number % 5 else number - size.case_count))
            for number in size.list_pending_referral_numbers()
        )
        await copy_contents(connection, seeds)
        await connection.execute(_read_sql("measured"))
        cases = [
            CaseKeys(number, make_id("case", number), make_id("child", number))
            for number in size.list_worker_case_numbers()
        ]
        await fill_history(connection, cases, make_id("worker", 0), make_id("supervisor", 0))
        await connection.execute(FINISH_STEP_SQL, "measured")
