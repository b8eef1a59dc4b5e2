"""Rotate keys: create a key, re-encrypt all content with it, retire the old key. The server can keep running."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
from rich.progress import Progress
from sqlalchemy import Column, Table
from sqlmodel import SQLModel

import app.models  # noqa: F401 - registers all tables in the metadata
from app.access.accessed_records import AccessedRecord
from app.access.acts import ActWithoutPermission
from app.access.encryption import Cipher
from app.access.keyring import RELOAD_INTERVAL_SECONDS, KeyRing
from app.access.log import open_custodian_transaction
from app.config import Settings
from app.database.errors import translate_database_errors
from app.database.urls import get_owner_url, to_driver_url
from app.errors import Conflict, InvalidInput

BATCH_SIZE = 200
BATCH_SIZE_BY_TABLE = {"document_contents": 5}
"""Batch sizes of tables with large rows, here files of up to 10 MiB."""
TABLES_WITHOUT_ACCESS_ENTRIES = frozenset({"users"})
"""Tables with encrypted content about staff. They contain no data about a child, so they need no access entries."""


def list_keys(settings: Settings) -> dict[str, Any]:
    """Return the ids of all keys, and the ids of the active ones."""
    ring = KeyRing.load(settings.key_ring_path)
    return {
        "encryption_active": ring.encryption_active,
        "encryption": sorted(ring.encryption_keys),
        "signing_active": ring.signing_active,
        "signing": sorted(ring.signing_keys),
    }


def create_key(settings: Settings, kind: str) -> str:
    """Create a key and make it the active key of its kind. Running servers use it after a few seconds.

    Raises:
        InvalidInput: the kind is neither `encryption` nor `signing`.
    """
    ring = KeyRing.load(settings.key_ring_path)
    if kind == "encryption":
        return ring.add_encryption_key().encryption_active
    if kind == "signing":
        return ring.add_signing_key().signing_active
    raise InvalidInput([])


def list_encrypted_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Yield every encrypted column of every table."""
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_encrypted"):
                yield table, column


async def reencrypt_all(settings: Settings, *, show_progress: bool) -> int:
    """Re-encrypt all content of other keys with the active key. Return the number of values.

    A running server may write values with the old key during this call. Call it again to re-encrypt these.
    """
    await asyncio.sleep(RELOAD_INTERVAL_SECONDS)  # until every server has loaded the new key
    cipher = Cipher(KeyRing.load(settings.key_ring_path))
    ring = KeyRing.load(settings.key_ring_path)
    total = 0
    with translate_database_errors(), Progress(disable=not show_progress) as progress:
        owner = await asyncpg.connect(to_driver_url(get_owner_url(settings)))
        try:
            for table, column in list_encrypted_columns():
                task = progress.add_task(f"{table.name}.{column.name}", total=None)
                while count := await _reencrypt_batch(
                    owner, cipher, ring.encryption_active, table.name, column.name
                ):
                    total += count
                    progress.advance(task, count)
                progress.update(task, total=1, completed=1)
        finally:
            await owner.close()
    return total


async def _reencrypt_batch(
    owner: asyncpg.Connection, cipher: Cipher, active: str, table: str, column: str
) -> int:
    if table in TABLES_WITHOUT_ACCESS_ENTRIES:
        child = "NULL::uuid"
    else:
        child = "id" if table == "children" else "child_id"
    async with open_custodian_transaction(owner, ActWithoutPermission.keys_reseal) as records:
        rows = await owner.fetch(
            f"SELECT id, {child} AS child, {column} AS ciphertext FROM {table} WHERE {_other_key_condition(column)} LIMIT {BATCH_SIZE_BY_TABLE.get(table, BATCH_SIZE)} FOR UPDATE",  # noqa: S608 - names from the metadata
            active,
        )
        values = [(row["id"], _reencrypt_value(cipher, row, table, column)) for row in rows]
        await owner.executemany(f"UPDATE {table} SET {column} = $2 WHERE id = $1", values)  # noqa: S608 - same
        if table not in TABLES_WITHOUT_ACCESS_ENTRIES:
            records += [AccessedRecord(row["child"], None, table, row["id"]) for row in rows]
    return len(rows)


def _other_key_condition(column: str) -> str:
    """Return the SQL condition that a value was not encrypted with the key `$1`. A value contains its key id."""
    return f"length({column}) > 2 AND convert_from(substring({column} FROM 3 FOR get_byte({column}, 1)), 'SQL_ASCII') <> $1"


def _reencrypt_value(cipher: Cipher, row: asyncpg.Record, table: str, column: str) -> bytes:
    location: dict[str, Any] = {"table": table, "column": column, "row_id": row["id"]}
    return cipher.encrypt_bytes(cipher.decrypt_bytes(row["ciphertext"], **location), **location)


async def retire_key(settings: Settings, key_id: str) -> None:
    """Remove a key from the key ring permanently.

    Raises:
        Conflict: the key is active, or a value is still encrypted with it.
        NotFound: the key does not exist.
    """
    ring = KeyRing.load(settings.key_ring_path)
    if key_id in ring.encryption_keys and await _is_key_in_use(settings, key_id):
        raise Conflict("Some values are still encrypted with this key. Run `keys reseal` first.")
    ring.retire_key(key_id)


async def _is_key_in_use(settings: Settings, key_id: str) -> bool:
    with translate_database_errors():
        owner = await asyncpg.connect(to_driver_url(get_owner_url(settings)))
        try:
            async with open_custodian_transaction(owner, ActWithoutPermission.keys_retire):
                for table, column in list_encrypted_columns():
                    condition = _other_key_condition(column.name).replace("<>", "=")
                    query = f"SELECT EXISTS (SELECT FROM {table.name} WHERE {condition})"  # noqa: S608 - same
                    if await owner.fetchval(query, key_id):
                        return True
                return False
        finally:
            await owner.close()
