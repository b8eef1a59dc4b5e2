"""Prepare the environment: a PostgreSQL server, two databases with the same caseload, and access tokens."""

import asyncio
import os
import random
import secrets
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from jose import jwt
from sqlalchemy.engine import make_url

from app.access.keyring import KeyRing
from app.access.tokens import SubjectKind
from app.access.vault import get_vault
from app.database.embedded import EmbeddedServer, generate_database_password
from app.database.migrations import create_database_roles, run_in_thread, upgrade_schema
from app.database.urls import to_driver_url, to_sqlalchemy_url
from bench.access_log import fill_access_log
from bench.caseload import InventedCase, Organisation, fill_first_step, generate_cases
from bench.history import CaseKeys, fill_history
from bench.intake import fill_pending_referrals
from bench.limit.database import create_limit_database
from bench.plain_caseload import fill_plain

ROOT = Path(__file__).parent.parent
ISSUER = "https://bench.example"
TOKEN_LIFETIME_SECONDS = 12 * 3600
"""Lifetime of a token in seconds, longer than any measurement."""

INSERT_SESSION_SQL = """
    INSERT INTO sessions (id, user_id, client_id, created_at, refreshed_at, idle_ends_at, ends_at)
    VALUES ($1, $2, $3, $4, $4, $5, $5)
"""

SEARCH_COUNT = 24
SEARCH_INTERVAL = 97
"""Number of searches, and distance of the searched children in the list of the team's children."""

ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BearerTokens:
    """Access tokens for the measured requests."""

    worker: str
    supervisor: str
    api_client: str


@dataclass(frozen=True, slots=True)
class GeneratedRecords:
    """Records of First Step that the requests name, and tokens of their callers."""

    worker_case_ids: list[uuid.UUID]
    """The cases of the first worker."""
    cases_with_history: list[tuple[uuid.UUID, uuid.UUID]]
    """Cases with two years of history, each with its care plan."""
    search_texts: list[str]
    """Names of children in the cases of the supervisor."""
    most_read_child_id: uuid.UUID
    """A child with a long access log, in a case of the supervisor."""
    pending_referral_ids: list[uuid.UUID]
    tokens: BearerTokens


@dataclass(frozen=True, slots=True)
class BenchEnvironment:
    """Addresses, ids and tokens that the programs and the load clients use."""

    admin_url: str
    environment_variables: dict[str, str]
    """Environment variables of the programs."""
    postgres_pid: int
    postgres_version: str
    generated: GeneratedRecords
    plain_tokens: BearerTokens


@contextmanager
def prepare_environment(
    folder: Path, cases: int, report_progress: ReportProgress
) -> Iterator[BenchEnvironment]:
    """Create the environment in a temporary directory under `folder`, and delete it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder, prefix="bench-"))
    home.chmod(0o711)  # if root runs this, PostgreSQL's account needs search permission
    server = EmbeddedServer(home, durable=True)
    try:
        report_progress("starting PostgreSQL")
        admin_url = server.start(generate_database_password())
        yield asyncio.run(_build_environment(home, admin_url, cases, report_progress))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _build_environment(
    home: Path, admin_url: str, cases: int, report_progress: ReportProgress
) -> BenchEnvironment:
    report_progress("creating databases and roles")
    first_step, plain = [await _create_database(admin_url, name) for name in ("first_step", "plain")]
    urls = await create_database_roles(first_step)
    urls.save(home)
    KeyRing.load_or_create(home / "keys.json")
    environment = {
        "FIRSTSTEP_HOME": str(home),
        "FIRSTSTEP_MODE": "demo",  # the callers have no second factor
        "FIRSTSTEP_PUBLIC_URL": ISSUER,
        "FIRSTSTEP_REQUESTS_PER_MINUTE": "100000000",
        "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": "100000000",
        "BENCH_PLAIN_URL": to_sqlalchemy_url(plain),
        "BENCH_PLAIN_SECRET": secrets.token_urlsafe(32),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    os.environ.update(environment)  # this process encrypts and signs with the keys of the programs
    report_progress("migrating")
    await run_in_thread(upgrade_schema, urls.owner)
    await _create_plain_tables(environment)
    report_progress(f"generating and encrypting {cases:,} cases")
    organisation = Organisation(random.Random(2026))  # noqa: S311 - must be reproducible, not secret
    bench_cases = list(generate_cases(organisation, cases))
    async with _connect(first_step) as connection:
        version = await _require_durable_server(connection)
        generated = await _fill_first_step(connection, organisation, bench_cases)
    async with _connect(plain) as connection:
        await fill_plain(connection, organisation, bench_cases)
    report_progress("copying the caseload for the program limit")
    environment["BENCH_LIMIT_URL"] = await create_limit_database(first_step, urls.api)
    return BenchEnvironment(
        admin_url=first_step,
        environment_variables=environment,
        postgres_pid=int((home / "postgres" / "postmaster.pid").read_text().split()[0]),
        postgres_version=version,
        generated=generated,
        plain_tokens=_create_plain_tokens(organisation, environment["BENCH_PLAIN_SECRET"]),
    )


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(to_driver_url(url))
    try:
        yield connection
    finally:
        await connection.close()


async def _fill_first_step(
    connection: asyncpg.Connection, organisation: Organisation, bench_cases: list[InventedCase]
) -> GeneratedRecords:
    """Insert the caseload, the history of the first worker's cases, and the records that a supervisor reads."""
    worker_id, supervisor_id = organisation.worker_ids[0], organisation.supervisor_id
    supervised_cases = [
        case for case in bench_cases if organisation.get_team_id(case.worker) == organisation.team_ids[0]
    ]
    worker_cases = [
        CaseKeys(case.number, case.case_id, case.child_id) for case in bench_cases if case.worker == 0
    ]
    await fill_first_step(connection, organisation, bench_cases)
    await fill_history(connection, worker_cases, worker_id, supervisor_id)
    await fill_access_log(connection, supervised_cases[0], worker_id)
    pending_referral_ids = await fill_pending_referrals(connection, organisation, bench_cases)
    await connection.execute("VACUUM ANALYZE")
    return GeneratedRecords(
        worker_case_ids=_list_worker_case_ids(bench_cases),
        cases_with_history=[
            tuple(row) for row in await connection.fetch("SELECT case_id, id FROM care_plans")
        ],
        search_texts=list_search_texts(
            case.referral for case in supervised_cases[::SEARCH_INTERVAL][:SEARCH_COUNT]
        ),
        most_read_child_id=supervised_cases[0].child_id,
        pending_referral_ids=pending_referral_ids,
        tokens=await create_sessions(connection, worker_id, supervisor_id, organisation.api_client_id),
    )


def list_search_texts(referrals: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a full name in Latin script, a given name in Khmer, and the beginning of a given name, in turn."""
    texts = []
    for number, referral in enumerate(referrals):
        khmer, latin = referral["child"]["names"]
        texts.append((f"{latin['family']} {latin['given']}", khmer["given"], latin["given"][:4])[number % 3])
    return [text.strip() for text in texts]


async def _create_database(admin_url: str, name: str) -> str:
    async with _connect(admin_url) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


async def _create_plain_tables(environment: dict[str, str]) -> None:
    """Create the tables of `plain` in another process, because its models conflict with those of First Step."""
    command = (sys.executable, "-m", "bench.plain")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**os.environ, **environment})
    if await process.wait():
        raise RuntimeError("The tables of `plain` could not be created.")


async def _require_durable_server(connection: asyncpg.Connection) -> str:
    """Return the version of the server, and check that its commits are durable."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if await connection.fetchval(f"SHOW {name}") != "on":
            raise RuntimeError(f"{name} must be on.")
    return str(await connection.fetchval("SHOW server_version"))


def _list_worker_case_ids(bench_cases: list[InventedCase]) -> list[uuid.UUID]:
    return [case.case_id for case in bench_cases if 0 in {case.worker, case.co_worker}]


async def create_sessions(
    connection: asyncpg.Connection, worker_id: uuid.UUID, supervisor_id: uuid.UUID, api_client_id: uuid.UUID
) -> BearerTokens:
    """Insert a session for each caller, and return their access tokens."""

    async def create_token(subject: uuid.UUID, kind: SubjectKind, scope: str) -> str:
        session_id, now = uuid.uuid4(), datetime.now(UTC)
        ends_at = now + timedelta(seconds=TOKEN_LIFETIME_SECONDS)
        user_and_client = (subject, None) if kind == "person" else (None, subject)
        await connection.execute(INSERT_SESSION_SQL, session_id, *user_and_client, now, ends_at)
        return get_vault().access_tokens.issue_access_token(
            subject,
            kind=kind,
            session_id=session_id,
            scope=scope,
            lifetime=TOKEN_LIFETIME_SECONDS,
            auth_time=int(now.timestamp()) if kind == "person" else None,
            amr=("pwd",) if kind == "person" else (),
        )

    return BearerTokens(
        await create_token(worker_id, "person", "full"),
        await create_token(supervisor_id, "person", "full"),
        await create_token(api_client_id, "client", "referrals"),
    )


def _create_plain_tokens(organisation: Organisation, secret: str) -> BearerTokens:
    """Return tokens with the claims that PostGraphile needs. `plain` uses the subject only."""

    def create_token(subject: uuid.UUID, **claims: str) -> str:
        expires_at = datetime.now(UTC) + timedelta(seconds=TOKEN_LIFETIME_SECONDS)
        return str(jwt.encode({"sub": str(subject), "exp": expires_at, **claims}, secret, algorithm="HS256"))

    team_id = str(organisation.team_ids[0])
    return BearerTokens(
        create_token(organisation.worker_ids[0], role="social_worker", team_id=team_id),
        create_token(organisation.supervisor_id, role="supervisor", team_id=team_id),
        create_token(organisation.api_client_id, role="partner", agency_id=str(organisation.agency_id)),
    )
