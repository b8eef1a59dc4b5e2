"""Taking care of the keys: adding, sealing everything anew, retiring. All of it while the server runs."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
from rich.progress import Progress
from sqlalchemy import Column, Table
from sqlmodel import SQLModel

import app.models  # noqa: F401 - every table is known to the metadata
from app.access import log
from app.access.encryption import Cipher
from app.access.keyring import RELOAD_INTERVAL_SECONDS, KeyRing
from app.config import Settings
from app.database.errors import translate_database_errors
from app.database.urls import get_owner_url, to_driver_url
from app.errors import Conflict, InvalidInput

BATCH_SIZE = 200
BATCH_SIZE_BY_TABLE = {"document_contents": 5}
"""Rows at a time of tables whose rows are large: files of 10 MiB."""
REENCRYPTION_ACTION = "keys.reseal"
TABLES_WITHOUT_ACCESS_ENTRIES = frozenset({"users"})
"""Tables with sealed values about staff, not about children: no event is needed, the API's role may write them."""


def list_keys(chosen: Settings) -> dict[str, Any]:
    """Return the ids of the keys, and which are active."""
    ring = KeyRing.load(chosen.key_ring_path)
    return {
        "encryption_active": ring.encryption_active,
        "encryption": sorted(ring.encryption_keys),
        "signing_active": ring.signing_active,
        "signing": sorted(ring.signing_keys),
    }


def create_key(chosen: Settings, kind: str) -> str:
    """Add a key of a kind and make it the active one; running servers follow within seconds.

    Raises:
        InvalidInput: no such kind.
    """
    ring = KeyRing.load(chosen.key_ring_path)
    if kind == "encryption":
        return ring.add_encryption_key().encryption_active
    if kind == "signing":
        return ring.add_signing_key().signing_active
    raise InvalidInput([])


def list_encrypted_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Yield every sealed column of every table."""
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_encrypted"):
                yield table, column


async def reencrypt_all(chosen: Settings, *, show_progress: bool) -> int:
    """Seal under the active key what another key sealed; return how many values.

    A value that a running server seals meanwhile under the old key is found by the next call.
    """
    await asyncio.sleep(RELOAD_INTERVAL_SECONDS)  # until every server has seen the new key
    sealer = Cipher(KeyRing.load(chosen.key_ring_path))
    ring = KeyRing.load(chosen.key_ring_path)
    done = 0
    with translate_database_errors(), Progress(disable=not show_progress) as bar:
        owner = await asyncpg.connect(to_driver_url(get_owner_url(chosen)))
        try:
            for table, column in list_encrypted_columns():
                task = bar.add_task(f"{table.name}.{column.name}", total=None)
                while count := await _reencrypt_batch(
                    owner, sealer, ring.encryption_active, table.name, column.name
                ):
                    done += count
                    bar.advance(task, count)
                bar.update(task, total=1, completed=1)
        finally:
            await owner.close()
    return done


async def _reencrypt_batch(
    owner: asyncpg.Connection, sealer: Cipher, active: str, table: str, column: str
) -> int:
    event = await log.open_custodian_access_event(owner, REENCRYPTION_ACTION)
    child = (
        "NULL::uuid"
        if table in TABLES_WITHOUT_ACCESS_ENTRIES
        else ("id" if table == "children" else "child_id")
    )
    async with owner.transaction():
        await owner.execute("SELECT set_config('firststep.access', $1, true)", str(event))
        rows = await owner.fetch(
            f"SELECT id, {child} AS child, {column} AS ciphertext FROM {table} WHERE {_other_key_condition(column)} LIMIT {BATCH_SIZE_BY_TABLE.get(table, BATCH_SIZE)} FOR UPDATE",  # noqa: S608 - names from our own metadata
            active,
        )
        fresh = [(row["id"], _reencrypt_value(sealer, row, table, column)) for row in rows]
        await owner.executemany(f"UPDATE {table} SET {column} = $2 WHERE id = $1", fresh)  # noqa: S608 - same
        if table not in TABLES_WITHOUT_ACCESS_ENTRIES:
            await log.write_custodian_access_entries(
                owner, event, table, [(row["id"], row["child"]) for row in rows]
            )
    return len(rows)


def _other_key_condition(column: str) -> str:
    """Say in SQL that a value was sealed by another key: the id stands at its head."""
    return f"length({column}) > 2 AND convert_from(substring({column} FROM 3 FOR get_byte({column}, 1)), 'SQL_ASCII') <> $1"


def _reencrypt_value(sealer: Cipher, row: asyncpg.Record, table: str, column: str) -> bytes:
    place: dict[str, Any] = {"table": table, "column": column, "row_id": row["id"]}
    return sealer.encrypt_bytes(sealer.decrypt_bytes(row["ciphertext"], **place), **place)


async def retire_key(chosen: Settings, key_id: str) -> None:
    """Take a key off the ring for good.

    Raises:
        Conflict: it is active, or something is still sealed under it.
        NotFound: there is no such key.
    """
    ring = KeyRing.load(chosen.key_ring_path)
    if key_id in ring.encryption_keys and await _is_key_in_use(chosen, key_id):
        raise Conflict("Something is still sealed under this key: run `keys reseal` first.")
    ring.retire_key(key_id)


async def _is_key_in_use(chosen: Settings, key_id: str) -> bool:
    with translate_database_errors():
        owner = await asyncpg.connect(to_driver_url(get_owner_url(chosen)))
        try:
            event = await log.open_custodian_access_event(owner, "keys.retire")
            async with owner.transaction():
                await owner.execute("SELECT set_config('firststep.access', $1, true)", str(event))
                for table, column in list_encrypted_columns():
                    by_it = _other_key_condition(column.name).replace("<>", "=")
                    query = f"SELECT EXISTS (SELECT FROM {table.name} WHERE {by_it})"  # noqa: S608 - our own names
                    if await owner.fetchval(query, key_id):
                        return True
                return False
        finally:
            await owner.close()
