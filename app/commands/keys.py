"""Manage the keys for encryption and token signing."""

import asyncio
from typing import Annotated

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

KeyIdArgument = Annotated[str, typer.Argument(help="Id of the key, as in `keys list`.")]

keys_cli = typer.Typer(no_args_is_help=True, help="Manage the keys for encryption and token signing.")


@keys_cli.command("list")
def list_keys(*, as_json: JsonOption = False) -> None:
    """List the ids of the keys of each kind, and which one is active. The keys themselves are not printed."""
    from app.server import key_rotation

    data = key_rotation.list_keys(get_settings())
    lines = [
        f"{kind:12}{key_id}{'  active' if key_id == data[f'{kind}_active'] else ''}"
        for kind in key_rotation.KEY_KINDS
        for key_id in data[kind]
    ]
    print_result("\n".join(lines), data, as_json=as_json)


@keys_cli.command("add")
def add_key(
    kind: Annotated[str, typer.Argument(help="encryption or signing.")], *, as_json: JsonOption = False
) -> None:
    """Create a key, which is not used yet. Copy the key ring to every machine, then run `keys activate`."""
    from app.server import key_rotation

    key_id = asyncio.run(key_rotation.add_key(get_settings(), kind))
    print_result(f"New {kind} key: {key_id}", {"key_id": key_id}, as_json=as_json)


@keys_cli.command("activate")
def activate_key(key_id: KeyIdArgument, *, as_json: JsonOption = False) -> None:
    """Make a key the active one of its kind. Older keys still decrypt and verify existing data."""
    from app.server import key_rotation

    asyncio.run(key_rotation.activate_key(get_settings(), key_id))
    print_result(f"Activated key {key_id}.", {"activated": key_id}, as_json=as_json)


@keys_cli.command("reencrypt")
def reencrypt(*, as_json: JsonOption = False) -> None:
    """Re-encrypt all content with the active key. The server may run, and the access log records every child."""
    from app.server import key_rotation

    count = asyncio.run(key_rotation.reencrypt_all(get_settings(), show_progress=not as_json))
    print_result(f"Re-encrypted {count} values.", {"reencrypted": count}, as_json=as_json)


@keys_cli.command("retire")
def retire_key(key_id: KeyIdArgument, *, as_json: JsonOption = False) -> None:
    """Remove a key permanently. The command fails while any value is encrypted with the key."""
    from app.server import key_rotation

    asyncio.run(key_rotation.retire_key(get_settings(), key_id))
    print_result(f"Removed key {key_id}.", {"retired": key_id}, as_json=as_json)
