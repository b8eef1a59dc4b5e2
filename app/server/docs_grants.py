"""The privileges of the database roles other than the table owner, with the reason for each."""

import tomllib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import asyncpg

from app.database import migrations

REASONS_FILE = migrations.MIGRATIONS_DIR / "sql" / "grant_reasons.toml"
GRANTS_SQL = """
    WITH roles AS (
        SELECT oid, substr(rolname, length('firststep_') + 1) AS name FROM pg_roles
         WHERE rolname IN ('firststep_api', 'firststep_gate', 'firststep_reports')
    ), granted (object, acl, columns) AS (
        SELECT 'database', a, NULL::text
          FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database()
         UNION ALL
        SELECT 'schema ' || n.nspname, a, NULL
          FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname IN ('access', 'ledger', 'public')
         UNION ALL
        SELECT c.relname::text, a, NULL
          FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
         UNION ALL
        SELECT c.relname::text, (a.grantor, a.grantee, a.privilege_type, a.is_grantable),
               string_agg(t.attname, ', ' ORDER BY t.attnum)
          FROM pg_class c
          JOIN pg_attribute t ON t.attrelid = c.oid
         CROSS JOIN aclexplode(t.attacl) a
         WHERE c.relnamespace = 'public'::regnamespace
         GROUP BY c.relname, a.grantor, a.grantee, a.privilege_type, a.is_grantable
    )
    SELECT g.object, coalesce(r.name, 'every role') AS role, (g.acl).privilege_type AS privilege, g.columns
      FROM granted g
      LEFT JOIN roles r ON r.oid = (g.acl).grantee
     WHERE r.oid IS NOT NULL OR (g.acl).grantee = 0
     ORDER BY 1, 2, array_position(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], (g.acl).privilege_type), 4 NULLS FIRST
"""


class Grant(NamedTuple):
    """A privilege of a role on a table, a schema or the database."""

    object: str
    role: str
    privilege: str
    columns: str | None
    """The columns that the privilege is limited to, separated by commas."""


@cache
def load_grant_reasons() -> dict[tuple[str, str, str], str]:
    """Return the reason for each privilege, by object, role and privilege."""
    return {
        (object_name, role, privilege): reason
        for object_name, roles in tomllib.loads(REASONS_FILE.read_text()).items()
        for role, privileges in roles.items()
        for privilege, reason in privileges.items()
    }


async def list_grants(connection: asyncpg.Connection) -> list[Grant]:
    """Return the privileges on the database, its schemas, tables and sequences."""
    return [Grant(*row) for row in await connection.fetch(GRANTS_SQL)]


def describe_grants(grants: list[Grant], object_name: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a table with the privileges on one object and their reasons."""
    reasons = load_grant_reasons()
    for grant in grants:
        if grant.object == object_name:
            columns = f" ({grant.columns})" if grant.columns else ""
            reason = reasons.get((object_name, grant.role, grant.privilege), "")
            yield grant.role, grant.privilege + columns, reason
