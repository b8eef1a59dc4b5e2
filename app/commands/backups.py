"""Back up an installation, and restore it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

backups_cli = typer.Typer()

KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys", help="The file with the copy of the key ring. Default: the directory's name and `.keys`."
    ),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help="A file that only you can read, with the passphrase in its first line."
    ),
]


@backups_cli.command("backup")
def back_up(
    target: Annotated[Path, typer.Argument(help="The directory to create.")],
    *,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back up the database, and the key ring encrypted with a passphrase. The server may run.

    Store the directory and the copy of the key ring in two different places, and the passphrase in a third place.
    """
    from app.server.backup.create import BackupPaths, create_backup
    from app.server.backup.passphrase import choose_passphrase
    from app.server.child_processes import interrupt_on_stop_signals
    from app.server.installation import print_progress

    interrupt_on_stop_signals()
    settings, paths = get_settings(), BackupPaths.choose(target, keys)
    paths.require_absent()
    passphrase = choose_passphrase(passphrase_file, settings.breached_passwords_file)
    manifest = create_backup(settings, paths, passphrase, print_progress)
    facts = manifest.database
    message = (
        f"Backed up {sum(facts.rows.values())} rows of {len(facts.rows)} tables, as of "
        f"{facts.taken_at:%Y-%m-%d %H:%M:%S} UTC.\nDatabase: {paths.directory}\nKey ring: {paths.keys} "
        "(store it separately)"
    )
    data = {
        "directory": str(paths.directory), "keys": str(paths.keys), "id": str(manifest.id),
        "taken_at": facts.taken_at.isoformat(), "rows": sum(facts.rows.values()),
    }  # fmt: skip
    print_result(message, data, as_json=as_json)


@backups_cli.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(help="The directory of the backup.")],
    *,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace a database that is not empty. It is kept under another name."
        ),
    ] = False,
    confirmed_name: Annotated[
        str | None,
        typer.Option("--yes", metavar="NAME", help="Confirm --replace with the name of the database."),
    ] = None,
    reset_passwords: Annotated[
        bool, typer.Option("--reset-passwords", help="Set new passwords for existing database roles.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into the empty database of this installation, and verify it. Stop the server first.

    The exit status is 1 if a check fails. All sessions end, and one-time codes become invalid.
    """
    from app.server.backup.create import BackupPaths
    from app.server.backup.passphrase import read_passphrase
    from app.server.backup.restore import RestoreRequest, restore_backup
    from app.server.child_processes import interrupt_on_stop_signals
    from app.server.installation import print_progress

    interrupt_on_stop_signals()
    paths = BackupPaths.choose(source, keys)
    request = RestoreRequest(
        paths.directory,
        paths.keys,
        lambda: read_passphrase(passphrase_file),
        lambda name: _confirm_replacement(name, replace=replace, confirmed_name=confirmed_name),
        reset_passwords,
    )
    result = restore_backup(get_settings(), request, print_progress)
    print_result(result.describe(), result.to_document(), as_json=as_json)
    if not result.is_healthy:
        raise typer.Exit(1)


def _confirm_replacement(name: str, *, replace: bool, confirmed_name: str | None) -> None:
    """Ask the operator to type the name of the database that is replaced.

    Raises:
        Conflict: the operator does not confirm it.
    """
    from app.errors import Conflict

    if not replace:
        raise Conflict(
            f"The database {name} is not empty. Use an empty database, or replace this one with `--replace`."
        )
    if confirmed_name is None and sys.stdin.isatty():
        confirmed_name = typer.prompt(
            f"The database {name} is not empty. Type its name to replace it", err=True
        )
    if confirmed_name != name:
        raise Conflict(f"Nothing was changed. To replace the database, confirm its name: `--yes {name}`.")
