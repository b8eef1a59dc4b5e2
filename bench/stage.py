"""The stage every program plays on: one PostgreSQL, two databases with the same caseload, people with real tokens."""

import asyncio
import random
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from jose import jwt

from app.access.blind_index import BlindIndex
from app.access.encryption import Sealer
from app.access.keyring import KeyRing
from app.access.tokens import Kind, Tokens
from app.access.vault import Vault
from app.database import Urls, driver_url, with_role
from app.embedded import EmbeddedServer, new_password
from app.migrations import make_roles, migrate
from bench.caseload import Organisation, Story, fill_first_step, fill_plain, stories

ISSUER = "https://bench.example"
LIFETIME = 12 * 3600
"""Seconds a token lives: longer than any measurement."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Actors:
    """Tokens of those who ask; `plain` has its own."""

    worker: str
    supervisor: str
    client: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the programs and the clients need to know."""

    home: Path
    admin_url: str
    plain_url: str
    plain_secret: str
    postgres_pid: int
    postgres_version: str
    stories: list[Story]
    worker_cases: list[UUID]
    """The cases of the social worker who asks."""
    actors: Actors
    plain_actors: Actors

    def environment(self) -> dict[str, str]:
        """What a program reads from its environment."""
        return {
            "FIRSTSTEP_HOME": str(self.home),
            "FIRSTSTEP_PUBLIC_URL": ISSUER,
            "FIRSTSTEP_REQUESTS_PER_MINUTE": "100000000",
            "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": "100000000",
            "BENCH_PLAIN_URL": self.plain_url.replace("postgresql:", "postgresql+asyncpg:"),
            "BENCH_PLAIN_SECRET": self.plain_secret,
        }


@contextmanager
def staged(folder: Path, cases: int, make_plain_tables: Callable[[dict[str, str]], None], say: Say) -> Iterator[Stage]:
    """Build the stage under `folder`, on the disk the product would use; take everything away afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder, prefix="bench-"))
    home.chmod(0o711)  # PostgreSQL's account passes through, where root runs this
    server = EmbeddedServer(home, durable=True)
    try:
        say("starting PostgreSQL")
        admin_url = server.start(new_password())
        yield _built(home, admin_url, cases, make_plain_tables, say)
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _built(
    home: Path, admin_url: str, cases: int, make_plain_tables: Callable[[dict[str, str]], None], say: Say
) -> Stage:
    organisation = Organisation(random.Random(2026))  # noqa: S311 - an invented caseload, the same in every run
    say("making databases and roles")
    first_step, plain, urls = asyncio.run(_databases(admin_url))
    urls.save(home / "database.json")
    say("migrating")
    migrate(urls.owner)
    ring = KeyRing.create(home / "keys.json")
    vault = Vault(ring, Sealer(ring), BlindIndex(ring.blind_index), Tokens(ring, ISSUER))
    told = list(stories(organisation, cases))
    worker = organisation.workers[0]
    secret = secrets.token_urlsafe(32)
    stage = Stage(
        home=home, admin_url=first_step, plain_url=plain, plain_secret=secret,
        postgres_pid=int((home / "postgres" / "postmaster.pid").read_text().split()[0]),
        postgres_version=asyncio.run(_server_version(first_step)),
        stories=told, worker_cases=[s.case_id for s in told if organisation.workers[s.worker] == worker],
        actors=asyncio.run(_sign_in(first_step, vault.tokens, organisation, before=lambda c: _fill(c, organisation, told, vault, say))),
        plain_actors=Actors(*(_plain_token(who, secret) for who in (worker, organisation.supervisor, organisation.client))),
    )  # fmt: skip
    say("filling the plain database")
    make_plain_tables(stage.environment())
    asyncio.run(_fill_plain(stage, organisation, told))
    return stage
