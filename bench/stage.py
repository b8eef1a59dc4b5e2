"""The stage every program plays on: one PostgreSQL, two databases with the same caseload, people with real tokens."""

import asyncio
import os
import random
import secrets
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from jose import jwt
from sqlalchemy.engine import make_url

from app.access.keyring import KeyRing
from app.access.tokens import Kind
from app.access.vault import vault
from app.database.embedded import EmbeddedServer, new_password
from app.database.migrations import in_thread, make_roles, migrate
from app.database.urls import dialect_url, driver_url
from bench.caseload import Organisation, Story, fill_first_step, fill_plain, stories
from bench.history import fill_history

ROOT = Path(__file__).parent.parent
ISSUER = "https://bench.example"
LIFETIME = 12 * 3600
"""Seconds a token lives: longer than any measurement."""

SESSION = """
    INSERT INTO sessions (id, user_id, client_id, created_at, refreshed_at, idle_ends_at, ends_at)
    VALUES ($1, $2, $3, $4, $4, $5, $5)
"""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bearers:
    """Access tokens of the three who ask."""

    worker: str
    supervisor: str
    client: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What the programs and the clients need to know."""

    admin_url: str
    environment: dict[str, str]
    """What a program reads from its environment."""
    postgres_pid: int
    postgres_version: str
    worker_cases: list[uuid.UUID]
    """The cases of the social worker who asks."""
    lived: list[tuple[uuid.UUID, uuid.UUID]]
    """Those of them with two years of history, and each one's care plan."""
    first_step: Bearers
    plain: Bearers


@contextmanager
def staged(folder: Path, cases: int, say: Say) -> Iterator[Stage]:
    """Build the stage under `folder`, on the disk the product would use; take everything away afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder, prefix="bench-"))
    home.chmod(0o711)  # PostgreSQL's own account passes through, where root runs this
    server = EmbeddedServer(home, durable=True)
    try:
        say("starting PostgreSQL")
        admin_url = server.start(new_password())
        yield asyncio.run(_built(home, admin_url, cases, say))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _built(home: Path, admin_url: str, cases: int, say: Say) -> Stage:
    say("making databases and roles")
    first_step, plain = [await _database(admin_url, name) for name in ("first_step", "plain")]
    urls = await make_roles(first_step)
    urls.save(home / "database.json")
    KeyRing.create(home / "keys.json")
    environment = {
        "FIRSTSTEP_HOME": str(home),
        "FIRSTSTEP_PUBLIC_URL": ISSUER,
        "FIRSTSTEP_REQUESTS_PER_MINUTE": "100000000",
        "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": "100000000",
        "BENCH_PLAIN_URL": dialect_url(plain),
        "BENCH_PLAIN_SECRET": secrets.token_urlsafe(32),
    }
    os.environ.update(environment)  # this process seals and signs with the same keys, as the product does
    say("migrating")
    await in_thread(migrate, urls.owner)
    await _make_plain_tables(environment)
    say(f"inventing and sealing {cases:,} cases")
    organisation = Organisation(random.Random(2026))  # noqa: S311 - invented, and the same in every run
    told = list(stories(organisation, cases))
    connection, other = (
        await asyncpg.connect(driver_url(first_step)),
        await asyncpg.connect(driver_url(plain)),
    )
    try:
        await fill_first_step(connection, organisation, told)
        await fill_history(connection, organisation, told)
        await fill_plain(other, organisation, told)
        return Stage(
            admin_url=first_step,
            environment=environment,
            postgres_pid=int((home / "postgres" / "postmaster.pid").read_text().split()[0]),
            postgres_version=await _durable_version(connection),
            worker_cases=_cases_of_worker(told),
            lived=[tuple(row) for row in await connection.fetch("SELECT case_id, id FROM care_plans")],
            first_step=await _sign_in(connection, organisation),
            plain=_plain_tokens(organisation, environment["BENCH_PLAIN_SECRET"]),
        )
    finally:
        await connection.close()
        await other.close()


async def _database(admin_url: str, name: str) -> str:
    connection = await asyncpg.connect(driver_url(admin_url))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


async def _make_plain_tables(environment: dict[str, str]) -> None:
    """In a process of its own: two programs' tables do not fit into one registry."""
    command = (sys.executable, "-m", "bench.plain")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**os.environ, **environment})
    if await process.wait():
        raise RuntimeError("The plain program's tables could not be made.")


async def _durable_version(connection: asyncpg.Connection) -> str:
    """Return the server's version; refuse to measure one that forgets."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if await connection.fetchval(f"SHOW {name}") != "on":
            raise RuntimeError(f"Measured with {name} on, or not at all.")
    return str(await connection.fetchval("SHOW server_version"))


def _cases_of_worker(told: list[Story]) -> list[uuid.UUID]:
    return [s.case_id for s in told if 0 in {s.worker, s.co_worker}]


async def _sign_in(connection: asyncpg.Connection, chosen: Organisation) -> Bearers:
    async def token(who: uuid.UUID, kind: Kind, scope: str) -> str:
        session, now = uuid.uuid4(), datetime.now(UTC)
        ends = now + timedelta(seconds=LIFETIME)
        subjects = (who, None) if kind == "person" else (None, who)
        await connection.execute(SESSION, session, *subjects, now, ends)
        amr, at = (("pwd",), int(now.timestamp())) if kind == "person" else ((), None)
        return vault().tokens.issue(
            who, kind=kind, session_id=session, scope=scope, lifetime=LIFETIME, auth_time=at, amr=amr
        )

    return Bearers(
        await token(chosen.workers[0], "person", "full"),
        await token(chosen.supervisor, "person", "full"),
        await token(chosen.client, "client", "referrals"),
    )


def _plain_tokens(chosen: Organisation, secret: str) -> Bearers:
    ends = datetime.now(UTC) + timedelta(seconds=LIFETIME)
    asking = (chosen.workers[0], chosen.supervisor, chosen.client)
    return Bearers(*(jwt.encode({"sub": str(who), "exp": ends}, secret, algorithm="HS256") for who in asking))
