"""Each mistake of an operator gives a few plain lines, never a traceback or a password.

`make test` makes some of the mistakes, `make faults` all of them.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.access.keyring import KeyRing
from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from app.database.urls import DatabaseUrls
from tests.faults.mistakes import MISTAKES
from tests.faults.workbench import Mistake, Workbench, check_explained
from tests.faults.wrong_backups import PASSPHRASE
from tests.faults.wrong_files import LOCKS
from tests.support.server_process import ServerProcess, temporary_home

ADMIN_PASSWORD = "administrator-of-the-faults"
IS_COMPLETE = os.environ.get("FAULTS") == "whole"
SELECTED = [mistake for mistake in MISTAKES if IS_COMPLETE or mistake.is_quick]


async def create_databases(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute("CREATE DATABASE somewhere")
    await connection.execute("CREATE DATABASE empty")
    await connection.execute("CREATE ROLE limited LOGIN PASSWORD 'limited-password'")
    await connection.close()


def change_url(url: str, **parts: Any) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def listeners() -> Iterator[dict[str, str]]:
    """The ports of a program that closes its connections, and of one that never answers."""
    with socket.socket() as silent, socket.socket() as other:
        for listener in (silent, other):
            listener.bind(("127.0.0.1", 0))
        silent.listen()
        other.listen()
        yield {"silent_port": str(silent.getsockname()[1]), "other_port": str(other.getsockname()[1])}


def create_backup(installation: ServerProcess) -> None:
    """Create `backup`, `backup.keys` and `passphrase` in the home directory."""
    passphrase = installation.home / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE)
    backup = installation.run_command(
        "backup", str(installation.home / "backup"), f"--passphrase-file={passphrase}"
    )
    assert backup.returncode == 0, backup.stderr


@pytest.fixture(scope="module")
def healthy(listeners: dict[str, str]) -> Iterator[Workbench]:
    """A migrated installation with a PostgreSQL server of its own."""
    with temporary_home() as directory:
        server = EmbeddedServer(directory / "external")
        server.start(ADMIN_PASSWORD)
        try:
            asyncio.run(create_databases(server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, "postgres")))
            admin = server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, "somewhere")
            installation = ServerProcess(
                directory / "var", FIRSTSTEP_DATABASE_URL=admin, FIRSTSTEP_MODE="production"
            )
            migration = installation.run_command("migrate")
            assert migration.returncode == 0, migration.stderr
            create_backup(installation)
            urls = DatabaseUrls.load(directory / "var")
            values = {
                "admin": admin, "owner": urls.owner, "api": urls.api, "reports": urls.reports, **listeners,
                "api_wrong_password": change_url(urls.api, password="wrong-password"),
                "owner_wrong_password": change_url(urls.owner, password="wrong-password"),
                "api_unknown_role": change_url(urls.api, username="nobody"),
                "api_unknown_database": change_url(urls.api, database="absent"),
                "empty": change_url(admin, database="empty"),
                "limited": change_url(admin, username="limited", password="limited-password", database="empty"),
                "active_key": KeyRing.load(directory / "var" / "keys.json").encryption_active,
            }  # fmt: skip
            yield Workbench(directory / "var", values)
        finally:
            server.stop()


@pytest.mark.parametrize("mistake", SELECTED, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_mistake_is_explained_in_plain_lines(mistake: Mistake, healthy: Workbench, tmp_path: Path) -> None:
    # Catches: the handler of unexpected errors removed from `app.cli.main`; `connect` replaced by `asyncpg.connect`.
    bench = Workbench.copy(healthy.home, tmp_path, healthy.urls)
    mistake.prepare(bench)
    try:
        check_explained(mistake, bench.run(mistake), bench.urls)
    finally:
        while LOCKS:
            LOCKS.pop().close()


def test_healthy_installation_has_no_error(healthy: Workbench, tmp_path: Path) -> None:
    bench = Workbench.copy(healthy.home, tmp_path, healthy.urls)
    healthy_doctor = Mistake("none", "doctor", "The key ring belongs to this database.", status=0)
    process = bench.run(healthy_doctor)
    assert process.returncode == 0, process.stdout
    assert "The key ring belongs to this database." in process.stdout


def test_names_of_mistakes_are_unique() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)
