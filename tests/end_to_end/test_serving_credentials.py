"""The serving processes have neither the password of the owner nor the one of a superuser."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from tests.support.processes import list_descendants, read_environment, read_memory, read_open_files
from tests.support.server_process import ServerProcess, temporary_home

ADMIN_PASSWORD = "superuser-of-the-external-server"
SECRET_FILES = ("owner.url", "postgres.password")


@pytest.fixture
def directory() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


def find_credentials(pid: int, passwords: list[str], home: Path) -> list[str]:
    """List where a process has one of the passwords: environment, open files, memory."""
    secret_files = {str(home / name) for name in SECRET_FILES}
    found = [f"environment: {password}" for password in passwords if password in read_environment(pid)]
    found += [f"open file: {path}" for path in read_open_files(pid) if path in secret_files]
    memory = read_memory(pid)
    return found + [f"memory: {password}" for password in passwords if password.encode() in memory]


def list_serving_processes(pid: int) -> list[int]:
    """List the supervisor and its workers, without PostgreSQL."""
    pids = [pid, *list_descendants(pid)]
    return [p for p in pids if b"postgres" not in Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[0]]


def password_of(url_file: Path) -> str:
    return url_file.read_text().split("@")[0].rpartition(":")[2]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
async def test_serving_processes_have_no_credentials_of_an_external_server(directory: Path) -> None:
    # Catches: `launch_server` without `build_serving_environment`; `DatabaseUrls.load` in `get_api_url`.
    external = EmbeddedServer(directory / "external")
    external.start(ADMIN_PASSWORD)
    try:
        connection = await asyncpg.connect(external.build_url(ADMIN_ROLE, ADMIN_PASSWORD, "postgres"))
        await connection.execute("CREATE DATABASE somewhere")
        await connection.close()
        url = external.build_url(ADMIN_ROLE, ADMIN_PASSWORD, "somewhere")
        server = ServerProcess(directory / "var", FIRSTSTEP_DATABASE_URL=url, FIRSTSTEP_MODE="production")
        check_serving_processes(server, ADMIN_PASSWORD)
    finally:
        external.stop()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_serving_processes_have_no_credentials_of_the_embedded_server(directory: Path) -> None:
    check_serving_processes(ServerProcess(directory / "var", FIRSTSTEP_MODE="production"))


def check_serving_processes(server: ServerProcess, admin_password: str | None = None) -> None:
    process = server.start()
    try:
        passwords = [
            admin_password or (server.home / "postgres.password").read_text(),
            password_of(server.home / "owner.url"),
        ]
        assert len(set(passwords)) == 2
        pids = list_serving_processes(process.pid)
        assert len(pids) >= 3, "the supervisor and two workers"
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        api_password = password_of(server.home / "api.url").encode()
        assert all(find_credentials(pid, passwords, server.home) == [] for pid in pids)
        assert all(api_password in read_memory(pid) for pid in pids[1:3]), "the search finds passwords"
        assert {path.stat().st_mode & 0o777 for path in server.home.glob("*.url")} == {0o600}
        assert len(list(server.home.glob("*.url"))) == 3
        check_worker_starts_without_secret_files(server, pids[-1])
    finally:
        server.stop(process)


def check_worker_starts_without_secret_files(server: ServerProcess, worker: int) -> None:
    """Delete the files with the other passwords, kill a worker, and check that its successor serves."""
    for name in SECRET_FILES:
        (server.home / name).unlink(missing_ok=True)
    log = server.home.parent / "run.log"
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while log.read_text().count("Application startup complete") < 3:
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.1)
    assert log.read_text().count('"event":"process_ended"') == 1
