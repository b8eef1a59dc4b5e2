"""The demonstration: an invented organisation and caseload, made by the same services as real ones, once."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from sqlalchemy.orm import configure_mappers

from app.config import Settings
from app.database.embedded import EmbeddedServer
from app.database.engine import Database
from app.database.urls import DatabaseUrls
from app.demo import case_lifecycle
from app.demo.case_scenarios import (
    REFERRAL_OUTCOMES,
    CaseScenario,
    build_case_scenarios,
    build_referral_scenarios,
)
from app.demo.fund import create_demo_funds
from app.demo.intake import simulate_accepted_referral, simulate_unaccepted_referral
from app.demo.organisation import DemoContext, DemoIds, create_demo_organisation, has_no_users
from app.errors import Conflict
from app.kit.dates import today
from app.models.record import new_id
from app.server import workers
from app.server.installation import UNFINISHED_DEMO_FILE, ProgressReporter

WORKER_PROCESSES = 2
"""Processes that play side by side."""
PROGRESS_INTERVAL = 10
"""Children after which progress is told."""


class ScenarioQueue:
    """The stories, and how far they are told; several processes read from one book."""

    def __init__(
        self, stories: Sequence[CaseScenario], others: Sequence[CaseScenario], say: ProgressReporter
    ) -> None:
        self.case_scenarios, self.referral_scenarios, self.report_progress = stories, others, say
        fork = get_context("fork")
        self.next_position: Synchronized[int] = fork.Value("i", 0)
        self.finished_count: Synchronized[int] = fork.Value("i", 0)

    async def run(self, stage: DemoContext) -> None:
        """Tell one story after the other. Children come in the order of their cases' numbers; then each lives its life."""
        while True:
            with self.next_position.get_lock():
                position = self.next_position.value
                self.next_position.value += 1
                if position >= len(self.case_scenarios):
                    break
                life = await simulate_accepted_referral(stage, self.case_scenarios[position])
            await case_lifecycle.simulate_case(life)
            self._count_finished()
        while position < len(self.case_scenarios) + len(self.referral_scenarios):
            other = position - len(self.case_scenarios)
            await simulate_unaccepted_referral(
                stage, self.referral_scenarios[other], REFERRAL_OUTCOMES[other]
            )
            with self.next_position.get_lock():
                position = self.next_position.value
                self.next_position.value += 1

    def _count_finished(self) -> None:
        with self.finished_count.get_lock():
            self.finished_count.value += 1
            if self.finished_count.value % PROGRESS_INTERVAL == 0:
                self.report_progress(f"… {self.finished_count.value} of {len(self.case_scenarios)} children")


def create_demo(chosen: Settings, urls: DatabaseUrls, say: ProgressReporter) -> None:
    """Fill an empty database with the demonstration, and note who can try it with which password.

    The notes stand under another name until everything is told: a start that finds them so begins anew.

    Raises:
        Conflict: it could not be made.
    """
    configure_mappers()  # once, and not in every process
    cast, unfinished, day = DemoIds(), chosen.home / UNFINISHED_DEMO_FILE, today()
    book = ScenarioQueue(build_case_scenarios(chosen.demo_children, day), build_referral_scenarios(day), say)
    cast.referral_ids = {story.number: new_id() for story in (*book.case_scenarios, *book.referral_scenarios)}
    _run_in_processes(lambda: _create_organisation(urls, cast, unfinished))
    if not unfinished.exists():
        return  # people have accounts here already
    say("Inventing a demonstration caseload …")
    _run_in_processes(*[lambda: _run_scenarios(urls, cast, book)] * WORKER_PROCESSES)
    _run_in_processes(lambda: _run_closing_events(urls, cast, book))
    unfinished.rename(chosen.home / "demo.json")


def _run_in_processes(*works: workers.AsyncJob) -> None:
    if not workers.run_in_child_processes(works):
        raise Conflict("The demonstration could not be made.")


async def _create_organisation(urls: DatabaseUrls, cast: DemoIds, notes: Path) -> None:
    async with _open_database(urls) as database:
        if await has_no_users(database):
            await create_demo_organisation(cast, database, notes)
            await create_demo_funds(DemoContext(cast, database), today())


async def _run_scenarios(urls: DatabaseUrls, cast: DemoIds, book: ScenarioQueue) -> None:
    async with _open_database(urls) as database:
        await book.run(DemoContext(cast, database))


async def _run_closing_events(urls: DatabaseUrls, cast: DemoIds, book: ScenarioQueue) -> None:
    async with _open_database(urls) as database:
        await case_lifecycle.simulate_closing_events(DemoContext(cast, database), book.case_scenarios)


@asynccontextmanager
async def _open_database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.api, pool_size=2, durable=False)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def reset_demo(chosen: Settings) -> None:
    """Throw a demonstration away.

    Raises:
        Conflict: this is no demonstration, or uses a database that is not ours to delete.
    """
    is_there = any((chosen.home / name).exists() for name in ("demo.json", UNFINISHED_DEMO_FILE))
    if chosen.mode != "demo" or not is_there or chosen.database_url is not None:
        raise Conflict(f"{chosen.home} holds no demonstration that could be thrown away.")
    EmbeddedServer(chosen.home).stop()
    shutil.rmtree(chosen.home)
