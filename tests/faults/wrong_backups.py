"""Mistakes with backups and restores."""

from collections.abc import Callable

from app.access.key_ring_copy import encrypt_key_ring
from app.access.keyring import KeyRing
from tests.faults.workbench import Mistake, Workbench
from tests.faults.wrong_files import create_second_ring, hide_postgres

PASSPHRASE = "seven green boats on the Tonle Sap"
BACKUP_URL = {"FIRSTSTEP_BACKUP_DATABASE_URL": "{admin}"}
RESTORE_URLS = {**BACKUP_URL, "FIRSTSTEP_OWNER_DATABASE_URL": "{owner}"}
NO_TERMINAL = 'exec "$0" "$@" < /dev/null'


def change_file(name: str, change: Callable[[bytes], bytes]) -> Callable[[Workbench], None]:
    def apply(bench: Workbench) -> None:
        file = bench.home / name
        file.write_bytes(change(file.read_bytes()))

    return apply


def make_passphrase_public(bench: Workbench) -> None:
    (bench.home / "passphrase").chmod(0o644)


def forget_passphrase(bench: Workbench) -> None:
    bench.key_ring.unlink()
    (bench.home / "passphrase").write_text("another passphrase")


def lose_copy(bench: Workbench) -> None:
    bench.key_ring.unlink()
    (bench.home / "backup.keys").unlink()


def exchange_copy(bench: Workbench) -> None:
    bench.key_ring.unlink()
    (bench.home / "backup.keys").write_text(encrypt_key_ring(KeyRing.generate(), PASSPHRASE))


def install_old_programs(bench: Workbench) -> None:
    hide_postgres(bench)
    for name in ("pg_dump", "pg_restore"):
        program = bench.home / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) 15.4"\n')
        program.chmod(0o755)


def backup(
    name: str,
    sentence: str,
    target: str = "{directory}/new",
    *,
    url: str = "{admin}",
    prepare: Callable[[Workbench], object] = lambda _: None,
    is_quick: bool = False,
) -> Mistake:
    """A mistake with `backup`."""
    arguments = f"backup {target} --passphrase-file {{home}}/passphrase"
    return Mistake(
        name, arguments, sentence, {"FIRSTSTEP_BACKUP_DATABASE_URL": url}, prepare=prepare, is_quick=is_quick
    )


def restore(
    name: str,
    sentence: str,
    arguments: str = "",
    *,
    environment: dict[str, str] = RESTORE_URLS,
    prepare: Callable[[Workbench], object] = lambda _: None,
    is_quick: bool = False,
) -> Mistake:
    """A mistake with `restore`."""
    arguments = f"restore {{home}}/backup --passphrase-file {{home}}/passphrase {arguments}"
    return Mistake(
        name, arguments, sentence, environment, prepare=prepare, shell_script=NO_TERMINAL, is_quick=is_quick
    )


WRONG_BACKUPS = [
    backup("a backup without a URL", "This command needs FIRSTSTEP_BACKUP_DATABASE_URL.", url="", is_quick=True),
    backup("a backup over a directory", "exists already. Choose another name", "{home}"),
    backup("a backup under a file", "/dev/null", "/dev/null/backup"),
    backup("a backup by the API role", "Row-level security hides rows from the role firststep_api", url="{api}"),
    backup("a backup of an empty database", "There is nothing to back up.", url="{empty}"),
    backup("a backup of a stopped server", "no server listens there", url="postgresql://a:b@127.0.0.1:1/d"),
    backup("a backup with another key ring", "belongs to another database", prepare=create_second_ring),
    backup("a passphrase that others can read", "Run `chmod 600", prepare=make_passphrase_public),
    backup("a weak passphrase", "The passphrase is too weak.", prepare=change_file("passphrase", lambda _: b"2026")),
    Mistake("no passphrase", "backup {directory}/new", "with `--passphrase-file`", BACKUP_URL, shell_script=NO_TERMINAL),
    Mistake(
        "no pg_dump", "backup {directory}/new --passphrase-file {home}/passphrase", "This command needs pg_dump of PostgreSQL 18.",
        {**BACKUP_URL, "PYTHONPATH": "{directory}/packages", "PATH": "/nowhere"}, prepare=hide_postgres,
    ),
    Mistake(
        "pg_dump of another version", "backup {directory}/new --passphrase-file {home}/passphrase", "found only version 15",
        {**BACKUP_URL, "PYTHONPATH": "{directory}/packages", "PATH": "{home}:/bin"}, prepare=install_old_programs,
    ),
    Mistake(
        "a full disk for a backup", "backup {directory}/new --passphrase-file {home}/passphrase", "pg_dump failed",
        BACKUP_URL, shell_script='ulimit -f 64; exec "$0" "$@"',
    ),
    Mistake("the URL for backups for run", "run", "must not have FIRSTSTEP_BACKUP_DATABASE_URL", BACKUP_URL, is_quick=True),
]  # fmt: skip
WRONG_RESTORES = [
    Mistake("a restore of nothing", "restore {directory}/absent", "is not a complete backup", RESTORE_URLS, is_quick=True),
    restore("a restore of a dump that is cut off", "was cut off or changed", prepare=change_file("backup/database.dump", lambda dump: dump[:-9])),
    restore(
        "a restore of a changed manifest", "was changed after the backup",
        prepare=change_file("backup/manifest.json", lambda text: text.replace(b'"users": 0', b'"users": 1')),
    ),
    restore(
        "a restore of a newer schema", "has the schema revision 9001",
        prepare=change_file("backup/manifest.json", lambda text: text.replace(b'"0001"', b'"9001"')), is_quick=True,
    ),
    restore("a wrong passphrase", "The passphrase is wrong", prepare=forget_passphrase),
    restore("a restore without a key ring", "Name the copy that belongs to the backup", prepare=lose_copy),
    restore("the copy of another key ring", "belongs to the backup of another database", prepare=exchange_copy),
    restore("a restore with another key ring", "It is not the one of the backup.", prepare=create_second_ring),
    restore("a restore into a database with data", "is not empty. Use an empty database"),
    restore("a replacement that is not confirmed", "confirm its name: `--yes somewhere`", "--replace"),
    restore("a replacement of another database", "Nothing was changed.", "--replace --yes empty"),
    restore("a restore by the owner", "is not a superuser", environment={**RESTORE_URLS, "FIRSTSTEP_BACKUP_DATABASE_URL": "{owner}"}),
    restore("a restore without the owner", "This command needs FIRSTSTEP_OWNER_DATABASE_URL.", environment=BACKUP_URL),
    restore("a restore into two databases", "name different databases", environment={**RESTORE_URLS, "FIRSTSTEP_BACKUP_DATABASE_URL": "{empty}"}),
]  # fmt: skip
