"""Check the settings and attributes of the database roles that the guarantees of the database depend on."""

from typing import NamedTuple

import asyncpg

DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})


class RequiredSetting(NamedTuple):
    """The values that a setting can have, and the consequence of another value."""

    values: frozenset[str]
    consequence: str


def _require(value: str, consequence: str) -> RequiredSetting:
    return RequiredSetting(frozenset({value}), consequence)


REQUIRED_SETTINGS = {
    "synchronous_commit": RequiredSetting(DURABLE, "a committed log entry could be lost"),
    "fsync": _require("on", "a committed log entry could be lost"),
    "full_page_writes": _require("on", "a committed log entry could be lost"),
    "session_replication_role": _require("origin", "triggers do not protect frozen records and the log"),
    "row_security": _require("on", "every query of a table with row policies fails"),
    "role": _require("none", "the role acts with the privileges of another one"),
    "search_path": RequiredSetting(
        frozenset({'"$user", public', "public"}), "a query could use a table or function of another schema"
    ),
    "default_transaction_isolation": _require(
        "read committed", "a check behind a lock would not see the changes of the previous holder"
    ),
    "default_transaction_read_only": _require("off", "requests cannot write"),
    "default_transaction_deferrable": _require("off", "reads can wait for other transactions"),
    "plan_cache_mode": _require("auto", "frequent queries get plans that are planned for other values"),
    "transform_null_equals": _require("off", "comparisons with NULL have another meaning"),
}
"""Settings that an operator can change for a role, a database or the server."""

SETTINGS_QUERY = """
    WITH checked (role, oid) AS (
        SELECT rolname::text, oid FROM pg_roles
         WHERE rolname = current_user
            OR oid IN (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.children'))
    ), stored (origin, reset, setting) AS (
        SELECT concat_ws(' in ', 'of ' || coalesce('the role ' || c.role, 'all roles'),
                         CASE WHEN s.setdatabase <> 0 THEN 'this database' END),
               concat_ws(' IN DATABASE ', 'ALTER ROLE ' || coalesce(quote_ident(c.role), 'ALL'),
                         CASE WHEN s.setdatabase <> 0 THEN quote_ident(current_database()) END),
               unnest(s.setconfig)
          FROM pg_db_role_setting s
          LEFT JOIN checked c ON c.oid = s.setrole
         WHERE (s.setrole = 0 OR c.oid IS NOT NULL)
           AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    )
    SELECT origin, reset, split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value
      FROM stored
     UNION ALL
    SELECT 'of the session', NULL, name, current_setting(name) FROM unnest($1::text[]) AS name
"""
"""The settings that are stored for the role of the session, the table owner, all roles and this database, then those of
the session itself, which can also come from the configuration of the server."""

ROLES_QUERY = """
    WITH checked (role, oid) AS (
        SELECT rolname::text, oid FROM pg_roles
         WHERE rolname = current_user
            OR oid IN (SELECT proowner FROM pg_proc WHERE oid = to_regprocedure('access.context()'))
    )
    SELECT c.role, problem.text AS problem
      FROM checked c JOIN pg_roles r ON r.oid = c.oid
     CROSS JOIN LATERAL (
        SELECT 'is a superuser' WHERE r.rolsuper
        UNION ALL SELECT 'bypasses row-level security' WHERE r.rolbypassrls AND NOT r.rolsuper
        UNION ALL SELECT 'can create roles' WHERE r.rolcreaterole AND NOT r.rolsuper
        UNION ALL SELECT 'can read the replication stream' WHERE r.rolreplication AND NOT r.rolsuper
        UNION ALL SELECT 'owns the tables' FROM pg_class t
                   WHERE t.oid = to_regclass('public.children') AND t.relowner = r.oid
        UNION ALL SELECT 'is a member of ' || m.roleid::regrole FROM pg_auth_members m WHERE m.member = r.oid
     ) AS problem (text)
     ORDER BY 1, 2
"""
"""Attributes and memberships that extend the privileges of the session's role, or of the role that owns the functions."""


async def list_unsafe_settings(connection: asyncpg.Connection) -> list[str]:
    """Return one sentence for each setting and attribute of a database role that breaks a guarantee of the database.

    `connection` must be a connection with the role of the API.
    """
    sentences = [
        f"The database role {row['role']} {row['problem']}." for row in await connection.fetch(ROLES_QUERY)
    ]
    explained: set[str] = set()
    for row in await connection.fetch(SETTINGS_QUERY, list(REQUIRED_SETTINGS)):
        required = REQUIRED_SETTINGS.get(row["name"])
        if required is None or row["value"] in required.values or row["name"] in explained:
            continue
        remedy = f" Run `{row['reset']} RESET {row['name']}`." if row["reset"] else ""
        sentences.append(
            f"The setting {row['name']} {row['origin']} is {row['value']}, so that {required.consequence}.{remedy}"
        )
        if row["reset"]:
            explained.add(row["name"])
    return sentences
