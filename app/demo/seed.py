"""Create and delete the demonstration. Its records are written by the same services as real records."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from sqlalchemy.orm import configure_mappers

from app.config import Settings
from app.database.embedded import EmbeddedServer
from app.database.engine import AsyncSession, Database
from app.database.urls import get_owner_url, get_reports_url
from app.demo import case_lifecycle, closing_events
from app.demo.case_scenarios import (
    REFERRAL_OUTCOMES,
    CaseScenario,
    build_case_scenarios,
    build_referral_scenarios,
)
from app.demo.funds import create_demo_funds
from app.demo.intake import simulate_accepted_referral, simulate_unaccepted_referral
from app.demo.organisation import DemoContext, DemoIds, create_demo_organisation, has_no_users
from app.demo.outreach import create_demo_outreach
from app.demo.releases import create_demo_release, create_demo_report_run
from app.errors import Conflict
from app.kit.dates import today
from app.models.record import new_id
from app.server import child_processes
from app.server.installation import UNFINISHED_DEMO_FILE, ProgressReporter

WORKER_PROCESSES = 2
"""Number of processes that simulate cases in parallel."""
PROGRESS_INTERVAL = 10
"""Number of cases between two progress messages."""


class ScenarioQueue:
    """The scenarios and the shared position of the processes that work on them."""

    def __init__(
        self,
        case_scenarios: Sequence[CaseScenario],
        referral_scenarios: Sequence[CaseScenario],
        report_progress: ProgressReporter,
    ) -> None:
        self.case_scenarios = case_scenarios
        self.referral_scenarios = referral_scenarios
        self.report_progress = report_progress
        fork = get_context("fork")
        self.next_position: Synchronized[int] = fork.Value("i", 0)
        self.finished_count: Synchronized[int] = fork.Value("i", 0)

    async def run(self, context: DemoContext) -> None:
        """Simulate scenarios until none is left.

        Referrals are accepted under the lock, so that case numbers have the order of the opening dates.
        """
        while True:
            with self.next_position.get_lock():
                position = self.next_position.value
                self.next_position.value += 1
                if position >= len(self.case_scenarios):
                    break
                simulation = await simulate_accepted_referral(context, self.case_scenarios[position])
            await case_lifecycle.simulate_case(simulation)
            self._count_finished()
        while position < len(self.case_scenarios) + len(self.referral_scenarios):
            index = position - len(self.case_scenarios)
            await simulate_unaccepted_referral(
                context, self.referral_scenarios[index], REFERRAL_OUTCOMES[index]
            )
            with self.next_position.get_lock():
                position = self.next_position.value
                self.next_position.value += 1

    def _count_finished(self) -> None:
        with self.finished_count.get_lock():
            self.finished_count.value += 1
            if self.finished_count.value % PROGRESS_INTERVAL == 0:
                self.report_progress(f"… {self.finished_count.value} of {len(self.case_scenarios)} children")


def create_demo(settings: Settings, api_url: str, report_progress: ProgressReporter) -> None:
    """Create the demonstration in an empty database, and write the users and their passwords to `demo.json`.

    The file has another name until the demonstration is complete. A start that finds that name creates the
    demonstration again.

    Raises:
        Conflict: a process failed.
    """
    configure_mappers()  # before the fork, so that no process repeats it
    ids, unfinished_file, day = DemoIds(), settings.home / UNFINISHED_DEMO_FILE, today()
    queue = ScenarioQueue(
        build_case_scenarios(settings.demo_children, day), build_referral_scenarios(day), report_progress
    )
    ids.referral_ids = {
        scenario.number: new_id() for scenario in (*queue.case_scenarios, *queue.referral_scenarios)
    }
    _run_in_processes(lambda: _create_organisation(settings, api_url, ids, unfinished_file))
    if not unfinished_file.exists():
        return  # the database contains users and is not a new one
    report_progress("Creating a demonstration caseload …")
    _run_in_processes(*[lambda: _run_scenarios(api_url, ids, queue)] * WORKER_PROCESSES)
    _run_in_processes(lambda: _run_closing_events(api_url, ids, queue))
    _run_in_processes(lambda: _create_release(settings, api_url, ids))
    unfinished_file.rename(settings.home / "demo.json")


def _run_in_processes(*tasks: child_processes.AsyncTask) -> None:
    if not child_processes.run_in_child_processes(tasks):
        raise Conflict("The demonstration could not be created.")


async def _create_organisation(
    settings: Settings, api_url: str, ids: DemoIds, credentials_file: Path
) -> None:
    async with _open_database(api_url) as database:
        if await has_no_users(database):
            async with open_owner_session(get_owner_url(settings)) as owner:
                await create_demo_organisation(ids, owner, credentials_file)
            context = DemoContext(ids, database)
            await create_demo_funds(context, today())
            await create_demo_outreach(context, today())


async def _run_scenarios(api_url: str, ids: DemoIds, queue: ScenarioQueue) -> None:
    async with _open_database(api_url) as database:
        await queue.run(DemoContext(ids, database))


async def _run_closing_events(api_url: str, ids: DemoIds, queue: ScenarioQueue) -> None:
    async with _open_database(api_url) as database:
        await closing_events.simulate_closing_events(DemoContext(ids, database), queue.case_scenarios)


async def _create_release(settings: Settings, api_url: str, ids: DemoIds) -> None:
    async with _open_database(api_url, get_reports_url(settings)) as database:
        await create_demo_release(DemoContext(ids, database))
        await create_demo_report_run(DemoContext(ids, database))


@asynccontextmanager
async def _open_database(api_url: str, reports_url: str | None = None) -> AsyncIterator[Database]:
    database = Database(api_url, reports_url=reports_url, pool_size=2)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_owner_session(owner_url: str) -> AsyncIterator[AsyncSession]:
    """Open a session of the owner role, which can create users with all their rights."""
    database = Database(owner_url, pool_size=1)
    try:
        async with database.session_factory() as session:
            yield session
    finally:
        await database.engine.dispose()


def reset_demo(settings: Settings) -> None:
    """Delete the home directory of a demonstration with its embedded database.

    Raises:
        Conflict: the home directory has no demonstration, or the demonstration is in an external database.
    """
    exists = any((settings.home / name).exists() for name in ("demo.json", UNFINISHED_DEMO_FILE))
    if settings.mode != "demo" or not exists or settings.database_url is not None:
        raise Conflict(f"{settings.home} contains no demonstration that can be deleted.")
    EmbeddedServer(settings.home).stop()
    shutil.rmtree(settings.home)
