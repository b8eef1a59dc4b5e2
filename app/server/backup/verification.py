"""Verify a restored database against the manifest of its backup, one finding per check."""

from collections.abc import AsyncIterator
from typing import Literal

import asyncpg

from app.access.encryption import Cipher, DecryptionError
from app.access.key_canaries import validate_key_ring
from app.access.keyring import KeyRing
from app.errors import FirstStepError
from app.server.backup.database_facts import count_rows, read_log_end
from app.server.backup.manifest import DatabaseFacts
from app.server.doctor import Finding
from app.server.key_rotation import list_encrypted_columns

MAX_LISTED = 5
ORPHANS_SQL = """
    SELECT count(*) FROM access_entries e WHERE NOT EXISTS (SELECT FROM access_events v WHERE v.id = e.event_id)
"""
UNPROTECTED_LOG_SQL = """
    SELECT c.relname::text AS name FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname ~ '^access_(events|entries)'
       AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                AND 2 = (SELECT count(*) FROM pg_trigger t
                          WHERE t.tgrelid = c.oid AND t.tgenabled IN ('O', 'A')
                            AND t.tgname IN ('prevent_truncate', 'prevent_update_and_delete')
                            AND t.tgfoid = to_regproc('access.prevent_change')))
     ORDER BY 1
"""
"""The tables and partitions of the access log without row-level security or without a trigger that keeps it append-only."""


async def verify_content(
    connection: asyncpg.Connection, expected: DatabaseFacts, ring: KeyRing
) -> AsyncIterator[Finding]:
    """Compare rows, log and keys of a restored database with the backup. `connection` must be a superuser's."""
    rows = await count_rows(connection)
    yield _verify_rows(rows, expected)
    yield await _verify_log(connection, rows, expected)
    yield await _verify_log_protection(connection)
    yield await _verify_keys(connection, ring)


def verify_schema(differences: list[str]) -> Finding:
    """Return the finding about the differences from a new database."""
    if differences:
        more = f", and {len(differences) - MAX_LISTED} more" if len(differences) > MAX_LISTED else ""
        listed = "; ".join(differences[:MAX_LISTED])
        return Finding("rules", "error", f"The schema differs from the one of this version: {listed}{more}.")
    return Finding(
        "rules", "ok", "Tables, policies, functions, triggers and privileges are those of this version."
    )


def _verify_rows(rows: dict[str, int], expected: DatabaseFacts) -> Finding:
    tables = sorted(rows.keys() | expected.rows.keys())
    wrong = [table for table in tables if rows.get(table) != expected.rows.get(table)]
    if wrong:
        listed = ", ".join(
            f"{table} ({rows.get(table)} instead of {expected.rows.get(table)})" for table in wrong
        )
        return Finding("rows", "error", f"Tables have other numbers of rows than in the backup: {listed}.")
    return Finding("rows", "ok", f"{len(rows)} tables have {sum(rows.values())} rows, as in the backup.")


async def _verify_log(
    connection: asyncpg.Connection, rows: dict[str, int], expected: DatabaseFacts
) -> Finding:
    end = await read_log_end(connection, rows)
    if end != expected.log:
        return Finding("log", "error", "The access log does not end with the last event of the backup.")
    if orphans := await connection.fetchval(ORPHANS_SQL):
        return Finding("log", "error", f"{orphans} entries of the access log have no event.")
    last = f"the last one from {end.last_event_at:%Y-%m-%d %H:%M:%S} UTC" if end.last_event_at else "none"
    return Finding("log", "ok", f"The access log has {end.events} events, {last}, as in the backup.")


async def _verify_log_protection(connection: asyncpg.Connection) -> Finding:
    unprotected = [row["name"] for row in await connection.fetch(UNPROTECTED_LOG_SQL)]
    if unprotected:
        return Finding("log rules", "error", f"The access log can be changed in {', '.join(unprotected)}.")
    return Finding("log rules", "ok", "Every partition of the access log is append-only.")


async def _verify_keys(connection: asyncpg.Connection, ring: KeyRing) -> Finding:
    level: Literal["ok", "error"] = "error"
    try:
        await validate_key_ring(connection, ring)
        count = await _decrypt_samples(connection, ring)
    except DecryptionError:
        message = "The key ring belongs to the database, but a value cannot be decrypted."
    except FirstStepError as error:
        message = str(error)
    else:
        level, message = (
            "ok",
            f"The key ring belongs to the database, and decrypts a value of {count} columns.",
        )
    return Finding("content", level, message)


async def _decrypt_samples(connection: asyncpg.Connection, ring: KeyRing) -> int:
    """Decrypt the newest value of each encrypted column. Return the number of columns with a value."""
    cipher = Cipher(ring)
    count = 0
    for table, column in list_encrypted_columns():
        query = f"SELECT id, {column.name} AS value FROM {table.name} WHERE length({column.name}) > 2 ORDER BY id DESC LIMIT 1"  # noqa: S608 - names from the metadata
        if row := await connection.fetchrow(query):
            cipher.decrypt_bytes(row["value"], table=table.name, column=column.name, row_id=row["id"])
            count += 1
    return count
