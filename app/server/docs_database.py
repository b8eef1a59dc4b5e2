"""Render docs/database.md from the catalog of a migrated database and the comments that the SQL files attach to it."""

import asyncio
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from app.database import migrations
from app.database.embedded import EmbeddedServer, generate_database_password
from app.database.urls import to_driver_url
from app.server.docs_grants import Grant, describe_grants, list_grants

MARKER = "<!-- Generated from here on by `make database-docs`; a test keeps it current. -->"
"""Separates the hand-written introduction of the page, which is kept, from the generated part."""

GRANT_COLUMNS = ("role", "privilege", "reason")
TABLES_SQL = """
    SELECT c.oid, c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS has_row_security
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY c.relname
"""
POLICIES_SQL = """
    SELECT p.polname AS name, p.polpermissive AS is_permissive, obj_description(p.oid, 'pg_policy') AS comment,
           CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                         ELSE 'ALL' END AS command,
           ARRAY(SELECT role::regrole::text FROM unnest(p.polroles) role ORDER BY 1) AS roles
      FROM pg_policy p
     WHERE p.polrelid = $1
     ORDER BY array_position(ARRAY['r', 'a', 'w', 'd', '*'], p.polcmd::text), p.polpermissive DESC, p.polname
"""
TRIGGERS_SQL = """
    SELECT t.tgname AS name, pg_get_triggerdef(t.oid) AS definition, obj_description(t.oid, 'pg_trigger') AS comment
      FROM pg_trigger t
      JOIN pg_proc f ON f.oid = t.tgfoid
     WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND f.pronamespace::regnamespace::text IN ('access', 'ledger')
     ORDER BY t.tgname
"""
CHECKS_SQL = """
    SELECT c.conname AS name, pg_get_constraintdef(c.oid) AS definition,
           obj_description(c.oid, 'pg_constraint') AS comment
      FROM pg_constraint c
     WHERE c.conrelid = $1 AND c.contype = 'c'
     ORDER BY c.conname
"""
FUNCTIONS_SQL = """
    SELECT p.oid::regprocedure::text AS signature, p.prosecdef AS is_definer, p.proowner::regrole::text AS owner,
           p.prorettype = 'trigger'::regtype AS is_trigger, obj_description(p.oid, 'pg_proc') AS comment,
           ARRAY(SELECT a.grantee::regrole::text FROM aclexplode(p.proacl) a
                  WHERE a.grantee <> p.proowner AND a.grantee <> 0 ORDER BY 1) AS roles
      FROM pg_proc p
     WHERE p.pronamespace::regnamespace::text IN ('access', 'ledger')
     ORDER BY 1
"""
ALLOWED_VALUES = re.compile(r"^CHECK \(\(\((\w+)\)::text = ANY \(\(ARRAY\[(.+)\]\)::text\[\]\)\)\)$")


def build_database_page(page: Path) -> str:
    """Return the page: the text above the marker, and the generated part from a temporary migrated database."""
    introduction = page.read_text().partition(MARKER)[0]
    with tempfile.TemporaryDirectory(prefix="firststep-docs-") as home:
        server = EmbeddedServer(Path(home), durable=False)
        try:
            admin_url = server.start(generate_database_password())
            urls = asyncio.run(migrations.create_database_roles(admin_url))
            migrations.upgrade_schema(urls.owner)
            return introduction + asyncio.run(render_database_rules(urls.owner))
        finally:
            server.stop()


async def render_database_rules(owner_url: str) -> str:
    """Return the generated part of the page, in Markdown."""
    connection = await asyncpg.connect(to_driver_url(owner_url))
    try:
        grants = await list_grants(connection)
        lines = [MARKER, "", *_describe_schema_grants(grants), "## Tables", ""]
        for table in await connection.fetch(TABLES_SQL):
            lines += [line async for line in _describe_table(connection, table, grants)]
        functions = await connection.fetch(FUNCTIONS_SQL)
    finally:
        await connection.close()
    return (
        "\n".join([*lines, *_describe_functions(functions), *_describe_trigger_functions(functions)]) + "\n"
    )


def _describe_schema_grants(grants: list[Grant]) -> Iterator[str]:
    """Yield the privileges on the database and its schemas."""
    yield "## Database and schemas\n"
    objects = sorted({grant.object for grant in grants if " " in grant.object or grant.object == "database"})
    yield from _render_table(
        ("object", *GRANT_COLUMNS),
        ((name, *cells) for name in objects for cells in describe_grants(grants, name)),
    )


async def _describe_table(connection: asyncpg.Connection, table: asyncpg.Record, grants: list[Grant]) -> Any:
    yield f"### {table['name']}\n"
    yield f"{_read_purpose(table['name'])}{'' if table['has_row_security'] else ' No row-level security.'}\n"
    for line in _render_table(GRANT_COLUMNS, describe_grants(grants, table["name"])):
        yield line
    policies = await connection.fetch(POLICIES_SQL, table["oid"])
    for line in _render_table(
        ("policy", "command", "role", "effect", "condition"), (_policy_cells(policy) for policy in policies)
    ):
        yield line
    triggers = await connection.fetch(TRIGGERS_SQL, table["oid"])
    for line in _render_table(
        ("trigger", "fires", "purpose"),
        ((f"`{row['name']}`", _firing(row["definition"]), row["comment"]) for row in triggers),
    ):
        yield line
    checks = await connection.fetch(CHECKS_SQL, table["oid"])
    for line in _render_table(
        ("constraint", "rule"), ((f"`{row['name']}`", _constraint_rule(row)) for row in checks)
    ):
        yield line


def _policy_cells(policy: asyncpg.Record) -> tuple[str, ...]:
    roles = ", ".join(_role(role) for role in policy["roles"])
    effect = "allows" if policy["is_permissive"] else "restricts"
    return f"`{policy['name']}`", policy["command"], roles, effect, policy["comment"]


def _describe_functions(functions: list[asyncpg.Record]) -> Iterator[str]:
    yield "## Functions\n"
    yield from _render_table(
        ("function", "runs as", "executed by", "purpose"),
        (
            (
                f"`{row['signature']}`",
                _role(row["owner"]) if row["is_definer"] else "caller",
                ", ".join(_role(role) for role in row["roles"]) or "owner",
                row["comment"],
            )
            for row in functions
            if not row["is_trigger"]
        ),
    )


def _describe_trigger_functions(functions: list[asyncpg.Record]) -> Iterator[str]:
    yield "## Trigger functions\n"
    yield from _render_table(
        ("function", "purpose"),
        ((f"`{row['signature']}`", row["comment"]) for row in functions if row["is_trigger"]),
    )


def _render_table(head: tuple[str, ...], rows: Iterable[tuple[str | None, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table. Without rows, yield nothing."""
    cells = [" | ".join(cell or "" for cell in row) for row in rows]
    if cells:
        yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
        yield from (f"| {row} |" for row in cells)
        yield ""


def _read_purpose(table: str) -> str:
    """Return the comment at the beginning of the SQL file of a table."""
    path = migrations.MIGRATIONS_DIR / "sql" / "tables" / f"{table}.sql"
    if not path.exists():
        return "Used by the table owner only."
    opening = path.read_text().partition("\n\n")[0]
    return " ".join(line.removeprefix("--").strip() for line in opening.splitlines())


def _constraint_rule(row: asyncpg.Record) -> str:
    """Return the comment of a constraint, or the values that it allows for a column."""
    if row["comment"]:
        return str(row["comment"])
    match = ALLOWED_VALUES.match(row["definition"])
    if match is None:
        return ""
    values = re.findall(r"'([^']*)'", match[2])
    return f"`{match[1]}` is one of {', '.join(f'`{value}`' for value in values)}."


def _firing(definition: str) -> str:
    """Return when a trigger fires, such as BEFORE UPDATE, from its definition."""
    match = re.search(r"(BEFORE|AFTER) (.+?) ON \S+(.*?DEFERRED)?", definition)
    if match is None:
        return ""
    return f"{match[1]} {match[2]}{', at commit' if match[3] else ''}"


def _role(name: str) -> str:
    return name.removeprefix("firststep_")
