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
from app.access.tokens import SubjectKind
from app.access.vault import get_vault
from app.database.embedded import EmbeddedServer, generate_database_password
from app.database.migrations import create_database_roles, run_in_thread, upgrade_schema
from app.database.urls import to_driver_url, to_sqlalchemy_url
from bench.caseload import InventedCase, Organisation, fill_first_step, fill_plain, generate_cases
from bench.history import fill_history

ROOT = Path(__file__).parent.parent
ISSUER = "https://bench.example"
TOKEN_LIFETIME_SECONDS = 12 * 3600
"""Seconds a token lives: longer than any measurement."""

INSERT_SESSION_SQL = """
    INSERT INTO sessions (id, user_id, client_id, created_at, refreshed_at, idle_ends_at, ends_at)
    VALUES ($1, $2, $3, $4, $4, $5, $5)
"""

ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BearerTokens:
    """Access tokens of the three who ask."""

    worker: str
    supervisor: str
    api_client: str


@dataclass(frozen=True, slots=True)
class BenchEnvironment:
    """What the programs and the clients need to know."""

    admin_url: str
    environment_variables: dict[str, str]
    """What a program reads from its environment."""
    postgres_pid: int
    postgres_version: str
    worker_case_ids: list[uuid.UUID]
    """The cases of the social worker who asks."""
    cases_with_history: list[tuple[uuid.UUID, uuid.UUID]]
    """Those of them with two years of history, and each one's care plan."""
    first_step_tokens: BearerTokens
    plain_tokens: BearerTokens


@contextmanager
def prepare_environment(folder: Path, cases: int, say: ReportProgress) -> Iterator[BenchEnvironment]:
    """Build the stage under `folder`, on the disk the product would use; take everything away afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder, prefix="bench-"))
    home.chmod(0o711)  # PostgreSQL's own account passes through, where root runs this
    server = EmbeddedServer(home, durable=True)
    try:
        say("starting PostgreSQL")
        admin_url = server.start(generate_database_password())
        yield asyncio.run(_build_environment(home, admin_url, cases, say))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _build_environment(home: Path, admin_url: str, cases: int, say: ReportProgress) -> BenchEnvironment:
    say("making databases and roles")
    first_step, plain = [await _create_database(admin_url, name) for name in ("first_step", "plain")]
    urls = await create_database_roles(first_step)
    urls.save(home / "database.json")
    KeyRing.load_or_create(home / "keys.json")
    environment = {
        "FIRSTSTEP_HOME": str(home),
        "FIRSTSTEP_PUBLIC_URL": ISSUER,
        "FIRSTSTEP_REQUESTS_PER_MINUTE": "100000000",
        "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": "100000000",
        "BENCH_PLAIN_URL": to_sqlalchemy_url(plain),
        "BENCH_PLAIN_SECRET": secrets.token_urlsafe(32),
    }
    os.environ.update(environment)  # this process seals and signs with the same keys, as the product does
    say("migrating")
    await run_in_thread(upgrade_schema, urls.owner)
    await _create_plain_tables(environment)
    say(f"inventing and sealing {cases:,} cases")
    organisation = Organisation(random.Random(2026))  # noqa: S311 - invented, and the same in every run
    told = list(generate_cases(organisation, cases))
    connection, other = (
        await asyncpg.connect(to_driver_url(first_step)),
        await asyncpg.connect(to_driver_url(plain)),
    )
    try:
        await fill_first_step(connection, organisation, told)
        await fill_history(connection, organisation, told)
        await fill_plain(other, organisation, told)
        return BenchEnvironment(
            admin_url=first_step,
            environment_variables=environment,
            postgres_pid=int((home / "postgres" / "postmaster.pid").read_text().split()[0]),
            postgres_version=await _require_durable_server(connection),
            worker_case_ids=_list_worker_case_ids(told),
            cases_with_history=[
                tuple(row) for row in await connection.fetch("SELECT case_id, id FROM care_plans")
            ],
            first_step_tokens=await _create_sessions(connection, organisation),
            plain_tokens=_create_plain_tokens(organisation, environment["BENCH_PLAIN_SECRET"]),
        )
    finally:
        await connection.close()
        await other.close()


async def _create_database(admin_url: str, name: str) -> str:
    connection = await asyncpg.connect(to_driver_url(admin_url))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


async def _create_plain_tables(environment: dict[str, str]) -> None:
    """In a process of its own: two programs' tables do not fit into one registry."""
    command = (sys.executable, "-m", "bench.plain")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**os.environ, **environment})
    if await process.wait():
        raise RuntimeError("The plain program's tables could not be made.")


async def _require_durable_server(connection: asyncpg.Connection) -> str:
    """Return the server's version; refuse to measure one that forgets."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if await connection.fetchval(f"SHOW {name}") != "on":
            raise RuntimeError(f"Measured with {name} on, or not at all.")
    return str(await connection.fetchval("SHOW server_version"))


def _list_worker_case_ids(told: list[InventedCase]) -> list[uuid.UUID]:
    return [s.case_id for s in told if 0 in {s.worker, s.co_worker}]


async def _create_sessions(connection: asyncpg.Connection, chosen: Organisation) -> BearerTokens:
    async def token(who: uuid.UUID, kind: SubjectKind, scope: str) -> str:
        session, now = uuid.uuid4(), datetime.now(UTC)
        ends = now + timedelta(seconds=TOKEN_LIFETIME_SECONDS)
        subjects = (who, None) if kind == "person" else (None, who)
        await connection.execute(INSERT_SESSION_SQL, session, *subjects, now, ends)
        amr, at = (("pwd",), int(now.timestamp())) if kind == "person" else ((), None)
        return get_vault().access_tokens.issue_access_token(
            who,
            kind=kind,
            session_id=session,
            scope=scope,
            lifetime=TOKEN_LIFETIME_SECONDS,
            auth_time=at,
            amr=amr,
        )

    return BearerTokens(
        await token(chosen.worker_ids[0], "person", "full"),
        await token(chosen.supervisor_id, "person", "full"),
        await token(chosen.api_client_id, "client", "referrals"),
    )


def _create_plain_tokens(chosen: Organisation, secret: str) -> BearerTokens:
    ends = datetime.now(UTC) + timedelta(seconds=TOKEN_LIFETIME_SECONDS)
    asking = (chosen.worker_ids[0], chosen.supervisor_id, chosen.api_client_id)
    return BearerTokens(
        *(jwt.encode({"sub": str(who), "exp": ends}, secret, algorithm="HS256") for who in asking)
    )
