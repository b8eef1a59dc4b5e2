"""Rotate keys: add a key, activate it, re-encrypt all content with it, retire the old key. The server can keep running.

Adding and activating are separate, so that every machine receives the key before another one uses it.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
from rich.progress import Progress
from sqlalchemy import Column, Table
from sqlmodel import SQLModel

import app.models  # noqa: F401 - registers all tables in the metadata
from app.access import key_canaries
from app.access.accessed_records import AccessedRecord
from app.access.acts import ActWithoutPermission
from app.access.encryption import Cipher
from app.access.keyring import RELOAD_INTERVAL_SECONDS, KeyRing
from app.access.log import open_custodian_transaction
from app.config import Settings
from app.database.connections import connect, hold_set_up_lock
from app.database.errors import translate_database_errors
from app.database.urls import get_api_url, get_owner_url
from app.errors import Conflict, NotFound

KEY_KINDS = ("encryption", "signing")
BATCH_SIZE = 200
BATCH_SIZE_BY_TABLE = {"document_contents": 5, "outreach_attachment_contents": 5, "report_run_contents": 5}
"""Batch sizes of tables with large rows, here files of up to 10 MiB."""
TABLES_WITHOUT_ACCESS_ENTRIES = frozenset(
    {
        "outreach_activities",
        "outreach_attachment_contents",
        "outreach_attachments",
        "outreach_changes",
        "release_populations",
        "report_run_contents",
        "users",
    }
)
"""Tables with encrypted content about staff, outreach and figures. They contain no data about a child, so they need no access
entries."""
DISCUSSED_CHILDREN = """
    ARRAY(SELECT c.child_id FROM supervision_meetings m JOIN cases c ON c.id = ANY (m.case_ids) WHERE m.id = {meeting_id})
"""
CHILDREN_BY_TABLE = {
    **dict.fromkeys(TABLES_WITHOUT_ACCESS_ENTRIES, "'{}'::uuid[]"),
    "children": "ARRAY[id]",
    "matching_allowances": "ARRAY(SELECT r.child_id FROM referrals r WHERE r.id = referral_id)",
    "supervision_meetings": "ARRAY(SELECT c.child_id FROM cases c WHERE c.id = ANY (case_ids))",
    "supervision_actions": DISCUSSED_CHILDREN.format(meeting_id="meeting_id"),
    "supervision_notes": DISCUSSED_CHILDREN.format(meeting_id="supervision_notes.id"),
}
"""SQL expression of the ids of the children in the tables without a column `child_id`."""
SECONDS_SINCE_ADDED_SQL = "SELECT extract(epoch FROM now() - added_at) FROM key_canaries WHERE key_id = $1"


def list_keys(settings: Settings) -> dict[str, Any]:
    """Return the ids of all keys, and the ids of the active keys."""
    ring = KeyRing.load_configured(settings)
    return {
        "encryption_active": ring.encryption_active,
        "encryption": sorted(ring.encryption_keys),
        "signing_active": ring.signing_active,
        "signing": sorted(ring.signing_keys),
    }


async def add_key(settings: Settings, kind: str) -> str:
    """Create a key, register it in the database, and return its id. It is not used until it is activated.

    Raises:
        Conflict: the kind is unknown, or the key ring belongs to another database or has no file.
    """
    if kind not in KEY_KINDS:
        raise Conflict("The kind of the key must be `encryption` or `signing`.")
    with translate_database_errors():
        async with hold_set_up_lock(get_owner_url(settings)) as owner:
            ring = KeyRing.load_configured(settings)
            await key_canaries.validate_key_ring(owner, ring)
            key_id = ring.add_encryption_key() if kind == "encryption" else ring.add_signing_key()
            await key_canaries.register_keys(owner, KeyRing.load_configured(settings))
    return key_id


async def activate_key(settings: Settings, key_id: str) -> None:
    """Make a key the active one of its kind. Servers that have the key ring file use it after a few seconds.

    Raises:
        Conflict: the key ring belongs to another database, or has no file.
        NotFound: the key ring has no such key.
    """
    with translate_database_errors():
        async with connect(get_api_url(settings)) as connection:
            ring = KeyRing.load_configured(settings)
            await key_canaries.validate_key_ring(connection, ring)
            seconds = await connection.fetchval(SECONDS_SINCE_ADDED_SQL, key_id)
    if seconds is None:
        raise NotFound(f"The database has no registered key {key_id}. Create keys with `keys add`.")
    await asyncio.sleep(max(0.0, RELOAD_INTERVAL_SECONDS - float(seconds)))  # until servers have loaded it
    ring.activate_key(key_id)


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
    await asyncio.sleep(RELOAD_INTERVAL_SECONDS)  # until every server has loaded the activated key
    ring = KeyRing.load_configured(settings)
    cipher = Cipher(ring)
    total = 0
    with translate_database_errors(), Progress(disable=not show_progress) as progress:
        async with connect(get_owner_url(settings)) as owner:
            await key_canaries.validate_key_ring(owner, ring)
            for table, column in list_encrypted_columns():
                task = progress.add_task(f"{table.name}.{column.name}", total=None)
                while count := await _reencrypt_batch(
                    owner, cipher, ring.encryption_active, table.name, column.name
                ):
                    total += count
                    progress.advance(task, count)
                progress.update(task, total=1, completed=1)
    return total


async def _reencrypt_batch(
    owner: asyncpg.Connection, cipher: Cipher, active: str, table: str, column: str
) -> int:
    children = CHILDREN_BY_TABLE.get(table, "ARRAY[child_id]")
    async with open_custodian_transaction(owner, ActWithoutPermission.keys_reencrypt) as records:
        rows = await owner.fetch(
            f"SELECT id, {children} AS children, {column} AS ciphertext FROM {table} WHERE {_other_key_condition(column)} LIMIT {BATCH_SIZE_BY_TABLE.get(table, BATCH_SIZE)} FOR UPDATE",  # noqa: S608 - names from the metadata
            active,
        )
        values = [(row["id"], _reencrypt_value(cipher, row, table, column)) for row in rows]
        await owner.executemany(f"UPDATE {table} SET {column} = $2 WHERE id = $1", values)  # noqa: S608 - same
        records += [
            AccessedRecord(child, None, table, row["id"]) for row in rows for child in row["children"]
        ]
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
    with translate_database_errors():
        async with hold_set_up_lock(get_owner_url(settings)) as owner:
            ring = KeyRing.load_configured(settings)
            await key_canaries.validate_key_ring(owner, ring)
            if key_id in ring.encryption_keys and await _is_key_in_use(owner, key_id):
                raise Conflict("Some values are still encrypted with this key. Run `keys reencrypt` first.")
            ring.retire_key(key_id)
            await key_canaries.delete_key_canary(owner, key_id)


async def _is_key_in_use(owner: asyncpg.Connection, key_id: str) -> bool:
    async with open_custodian_transaction(owner, ActWithoutPermission.keys_retire):
        for table, column in list_encrypted_columns():
            condition = _other_key_condition(column.name).replace("<>", "=")
            query = f"SELECT EXISTS (SELECT FROM {table.name} WHERE {condition})"  # noqa: S608 - same
            if await owner.fetchval(query, key_id):
                return True
        return False
