"""Try to change single columns of a row by SQL, as an intruder with the password of a database role would."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg

from tests.support.raw_sql import open_transaction_as
from tests.support.scenario import id_of

UPDATABLE_COLUMNS_QUERY = """
    SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type, (
               SELECT f.confrelid::regclass::text FROM pg_constraint f
                WHERE f.contype = 'f' AND f.conrelid = a.attrelid AND f.conkey = ARRAY[a.attnum]) AS target
      FROM pg_attribute a
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attname NOT IN ('status', 'version', 'updated_at')
       AND has_column_privilege('firststep_api', a.attrelid, a.attnum, 'UPDATE')
     ORDER BY a.attnum
"""
"""Columns that firststep_api may update, with the table that a foreign key refers to."""
DIFFERENT_VALUES = {
    "boolean": "{column} IS NOT TRUE", "integer": "coalesce({column}, 0) + 1", "bigint": "coalesce({column}, 0) + 1",
    "date": "coalesce({column}, current_date) + 1", "timestamp with time zone": "now()",
    "bytea": "coalesce({column}, '') || '\\x00'", "jsonb": "'{{\"changed\": 1}}'", "text[]": "'{{changed}}'",
    "uuid[]": "ARRAY[gen_random_uuid()]", "character varying": "'changed'", "uuid": "gen_random_uuid()",
}  # fmt: skip
"""An SQL expression with another value than the current one, by type."""
DIFFERENT_CODES = {
    "risk_level": "CASE {column} WHEN 'high' THEN 'low' ELSE 'high' END",
    "hsb_outcome": "CASE {column} WHEN 'unknown' THEN 'further_behaviour' ELSE 'unknown' END",
    "conditions_met": "'{{friends}}'", "conditions_unmet": "'{{confident}}'",
    "grant_code": "(SELECT min(code) FROM donor_grants)",
}  # fmt: skip
"""The same for columns whose values are listed."""
REJECTION_ERRORS = (asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)


async def list_updatable_columns(superuser: Any, table: str) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await superuser.fetch(UPDATABLE_COLUMNS_QUERY, table)
    return rows


async def build_different_value(
    superuser: Any, table: str, row_id: UUID, column: asyncpg.Record, caller: str
) -> str:
    """Return an SQL expression for another value of a column. A foreign key gets the id of an existing row."""
    name = f'"{column["name"]}"'
    if column["target"] == "users":
        return f"'{id_of('worker_north_2' if column['name'] == 'worker_id' else caller)}'"
    if column["target"] is not None and column["name"] not in DIFFERENT_CODES:
        query = f"SELECT id FROM {column['target']} WHERE id IS DISTINCT FROM (SELECT {name} FROM {table} WHERE id = $1)"  # noqa: S608 - names from the catalog
        other_id = await superuser.fetchval(query, row_id)
        return f"'{other_id}'" if other_id else "gen_random_uuid()"
    template = DIFFERENT_CODES.get(column["name"]) or DIFFERENT_VALUES[column["type"]]
    return f"({template.format(column=name)})"


async def is_accepted(connection: Any, statement: str, *arguments: object) -> bool:
    """Return whether a statement changes a row. The change is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return not str(await connection.execute(statement, *arguments)).endswith(" 0")
    except REJECTION_ERRORS:
        return False
    finally:
        await transaction.rollback()


async def list_changeable_columns(
    connection: Any, superuser: Any, callers: Iterable[str], table: str, row_id: UUID
) -> set[str]:
    """Return the columns of a row that at least one of the callers can change."""
    columns = await list_updatable_columns(superuser, table)
    changed = set()
    for caller in callers:
        async with open_transaction_as(connection, caller):
            for column in columns:
                value = await build_different_value(superuser, table, row_id, column, caller)
                statement = (
                    f'UPDATE {table} SET "{column["name"]}" = {value}, version = version + 1'  # noqa: S608 - names from the catalog
                    f' WHERE id = $1 AND "{column["name"]}" IS DISTINCT FROM {value}'
                )
                if await is_accepted(connection, statement, row_id):
                    changed.add(column["name"])
    return changed
