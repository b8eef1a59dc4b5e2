"""Run `pg_dump` and `pg_restore` of the server's major version. No password is part of a command line."""

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE

from app.database.embedded import find_postgres_binaries
from app.database.urls import remove_password
from app.errors import Unavailable

PRIVATE_UMASK = 0o077
MAX_MESSAGE_LENGTH = 300
END_SECONDS = 10.0
"""Seconds after which a program that does not end is killed."""
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def find_program(name: str, major: int) -> Path:
    """Return the path of a program of PostgreSQL: the embedded one, or else the one on PATH.

    Raises:
        Unavailable: none has the major version.
    """
    versions = []
    for path in _list_candidates(name):
        version = _get_major_version(path)
        if version == major:
            return path
        versions.append(str(version))
    found = f", and found only version {' and '.join(versions)}" if versions else ""
    raise Unavailable(
        f"This command needs {name} of PostgreSQL {major}{found}. Install the client programs of PostgreSQL {major}."
    )


async def run_program(program: Path, *arguments: str, url: str | None = None) -> str:
    """Run a program, with the database of a URL if it is given, and return its output. Files that it creates are private.

    The program is ended if this task is cancelled.

    Raises:
        Unavailable: the program failed. The message contains its first error, without values of rows.
    """
    location, password = remove_password(url) if url else ("", None)
    process = await asyncio.create_subprocess_exec(
        program, *(["--no-password", f"--dbname={location}"] if url else []), *arguments,
        stdin=DEVNULL, stdout=PIPE, stderr=PIPE, umask=PRIVATE_UMASK, env=_build_environment(password),
    )  # fmt: skip
    try:
        output, errors = await process.communicate()
    except BaseException:
        await _end_process(process)
        raise
    if process.returncode:
        raise Unavailable(f"{program.name} failed: {summarize_errors(errors.decode(errors='replace'))}")
    return output.decode()


async def _end_process(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()  # pg_restore then ends its own child processes
    try:
        await asyncio.wait_for(process.wait(), END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def summarize_errors(text: str) -> str:
    """Return the first error of a program. The lines after it can contain values of rows."""
    lines = [line for line in text.splitlines() if line.strip()] or ["it printed no reason"]
    line = next((line for line in lines if "error:" in line), lines[-1])
    return line.rpartition("error: ")[2].strip().rstrip(".")[:MAX_MESSAGE_LENGTH] + "."


def _build_environment(password: str | None) -> dict[str, str]:
    """Return the environment of a program, with the password and without the secrets of this process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTSTEP_")}
    return environment | {"LC_ALL": "C"} | ({} if password is None else {"PGPASSWORD": password})


def _list_candidates(name: str) -> Iterator[Path]:
    with suppress(Unavailable):
        yield find_postgres_binaries() / name
    if path := shutil.which(name):
        yield Path(path)


def _get_major_version(program: Path) -> int | None:
    with suppress(OSError):
        process = subprocess.run(  # noqa: S603 - a program of PostgreSQL
            [program, "--version"], check=False, capture_output=True, text=True, stdin=DEVNULL
        )
        if match := VERSION.search(process.stdout):
            return int(match[1])
    return None
