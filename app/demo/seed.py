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
from app.database.urls import Urls
from app.demo import scenario as demo_play
from app.demo.actors import Cast, Stage, assemble, is_empty
from app.demo.fund import endow
from app.demo.intake import come, stay_outside
from app.demo.storylines import ENDINGS, Story, outside, told
from app.errors import Conflict
from app.kit.dates import today
from app.models.record import new_id
from app.server import workers
from app.server.installation import UNFINISHED, Say

PLAYERS = 2
"""Processes that play side by side."""
TOLD_EVERY = 10
"""Children after which progress is told."""


class Book:
    """The stories, and how far they are told; several processes read from one book."""

    def __init__(self, stories: Sequence[Story], others: Sequence[Story], say: Say) -> None:
        self.stories, self.others, self.say = stories, others, say
        fork = get_context("fork")
        self.turn: Synchronized[int] = fork.Value("i", 0)
        self.finished: Synchronized[int] = fork.Value("i", 0)

    async def play(self, stage: Stage) -> None:
        """Tell one story after the other. Children come in the order of their cases' numbers; then each lives its life."""
        while True:
            with self.turn.get_lock():
                position = self.turn.value
                self.turn.value += 1
                if position >= len(self.stories):
                    break
                life = await come(stage, self.stories[position])
            await demo_play.live(life)
            self._tell()
        while position < len(self.stories) + len(self.others):
            other = position - len(self.stories)
            await stay_outside(stage, self.others[other], ENDINGS[other])
            with self.turn.get_lock():
                position = self.turn.value
                self.turn.value += 1

    def _tell(self) -> None:
        with self.finished.get_lock():
            self.finished.value += 1
            if self.finished.value % TOLD_EVERY == 0:
                self.say(f"… {self.finished.value} of {len(self.stories)} children")


def prepare(chosen: Settings, urls: Urls, say: Say) -> None:
    """Fill an empty database with the demonstration, and note who can try it with which password.

    The notes stand under another name until everything is told: a start that finds them so begins anew.

    Raises:
        Conflict: it could not be made.
    """
    configure_mappers()  # once, and not in every process
    cast, unfinished, day = Cast(), chosen.home / UNFINISHED, today()
    book = Book(told(chosen.demo_children, day), outside(day), say)
    cast.referrals = {story.number: new_id() for story in (*book.stories, *book.others)}
    _do(lambda: _assemble(urls, cast, unfinished))
    if not unfinished.exists():
        return  # people have accounts here already
    say("Inventing a demonstration caseload …")
    _do(*[lambda: _play(urls, cast, book)] * PLAYERS)
    _do(lambda: _end(urls, cast, book))
    unfinished.rename(chosen.home / "demo.json")


def _do(*works: workers.Work) -> None:
    if not workers.in_processes_of_their_own(works):
        raise Conflict("The demonstration could not be made.")


async def _assemble(urls: Urls, cast: Cast, notes: Path) -> None:
    async with _connected(urls) as database:
        if await is_empty(database):
            await assemble(cast, database, notes)
            await endow(Stage(cast, database), today())


async def _play(urls: Urls, cast: Cast, book: Book) -> None:
    async with _connected(urls) as database:
        await book.play(Stage(cast, database))


async def _end(urls: Urls, cast: Cast, book: Book) -> None:
    async with _connected(urls) as database:
        await demo_play.end(Stage(cast, database), book.stories)


@asynccontextmanager
async def _connected(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.api, pool_size=2, durable=False)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def reset(chosen: Settings) -> None:
    """Throw a demonstration away.

    Raises:
        Conflict: this is no demonstration, or uses a database that is not ours to delete.
    """
    is_there = any((chosen.home / name).exists() for name in ("demo.json", UNFINISHED))
    if chosen.mode != "demo" or not is_there or chosen.database_url is not None:
        raise Conflict(f"{chosen.home} holds no demonstration that could be thrown away.")
    EmbeddedServer(chosen.home).stop()
    shutil.rmtree(chosen.home)
