"""Run hostile SQL with the database role of the API, and compare the tables with their state before."""

import uuid
from collections import Counter
from random import Random
from typing import Any

import asyncpg

from app.access.caller import OpenAccess
from tests.attack.leak_oracle import HISTORY_ONLY_TABLES, UUID_PATTERN, LeakOracle
from tests.attack.statement_generator import TABLES_QUERY, Statement, StatementGenerator
from tests.support.raw_sql import conclude_access, make_access_older, open_access, set_access

BATCH_SIZE = 25
"""Number of statements after which the tables are compared with their state before."""
CALLERS = (
    "worker_north",
    "worker_south",
    "supervisor_south",
    "partner_two",
    "dpo",
    "me_officer",
    "reporting",
)
SITUATIONS = ("none", "wrong secret", "expired", "concluded", "stolen", "own", "own", "own")
"""The access that a statement uses. Only with `own` may it see or change anything about a child."""
LOG_TABLES = ("access_events", "access_entries")
"""Tables whose rows are added, even about any child, and never changed."""
PROTECTED_TABLES = ("alembic_version", "places", *LOG_TABLES)
"""Tables whose rows no statement may change or delete."""
IGNORED_TABLES = ("access_contexts", "sign_in_attempts")
Rows = dict[str, Counter[tuple[str, str | None]]]
"""Number of rows by table, then by text of the row and id of the child."""


class DatabaseAttack:
    """Sends statements in batches. Each batch has one caller, and `leaks` collects what a batch revealed or changed."""

    def __init__(self, superuser: Any, connection: Any, seed: int) -> None:
        self.superuser, self.connection = superuser, connection
        self.rng = Random(seed)  # noqa: S311 - reproducible
        self.oracle = LeakOracle(superuser, connection)
        self.outcomes: Counter[str] = Counter()
        self.leaks: list[str] = []

    async def prepare(self) -> None:
        """Read the catalog and the existing rows, from which the statements are built."""
        await self.oracle.learn_records()
        self.tables = [row[0] for row in await self.superuser.fetch(TABLES_QUERY)]
        self.children = {
            row[0]: row[1]
            for row in await self.superuser.fetch(
                "SELECT table_name, max(column_name) FROM information_schema.columns WHERE column_name = 'child_id'"
                " GROUP BY 1"
            )
        }
        rows = {}
        for table in self.tables:
            records = await self.superuser.fetch(f"SELECT to_jsonb(t)::text FROM {table} t LIMIT 20")  # noqa: S608 - names from the catalog
            rows[table] = [record[0] for record in records]
        self.statements = StatementGenerator(self.rng, rows, sorted(self.oracle.child_by_id))
        await self.statements.read_catalog(self.superuser)

    async def run_batch(self) -> None:
        """Send a batch of statements as one caller. Record what they revealed and what they changed."""
        caller = self.rng.choice(CALLERS)
        before = await self._fetch_rows()
        children = (await self.oracle.fetch_scope(caller)).children
        sent = []
        for _ in range(BATCH_SIZE):
            statement, situation = self.statements.next_statement(), self.rng.choice(SITUATIONS)
            sent.append(f"[{situation}] {statement.sql}")
            await self._attempt(caller, situation, statement)
        await self.connection.reset()
        # A role can change the defaults of its own sessions. The API then refuses to open an access.
        await self.superuser.execute("ALTER ROLE firststep_api RESET synchronous_commit")
        changes = self._find_changes(before, await self._fetch_rows(), children)
        if changes:
            self.leaks += [f"{caller} changed {change} with one of {sent}" for change in changes]
        await self.oracle.learn_records()

    async def _attempt(self, caller: str, situation: str, statement: Statement) -> None:
        scope = await self.oracle.fetch_scope(caller)
        try:
            async with self.connection.transaction():
                access = await self._prepare_access(caller, situation)
                await self.connection.execute(
                    "SET LOCAL statement_timeout = '3s'; SET LOCAL lock_timeout = '1s'"
                )
                if access is not None:
                    await set_access(self.connection, access)
                rows = await self.connection.fetch(statement.sql)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self.outcomes["rejected"] += 1
            if isinstance(error, asyncpg.InternalServerError):
                self.leaks.append(f"internal error {error} of {statement.sql}")
            return
        self.outcomes["succeeded"] += 1
        revealed = set(UUID_PATTERN.findall(str(rows))) - set(UUID_PATTERN.findall(statement.sql))
        records = revealed & self.oracle.child_by_id.keys()
        allowed = scope.visible_ids if situation == "own" else frozenset[str]()
        if situation == "own" and records - allowed:
            # An earlier statement of the batch may have changed the caller's own records, and with them the scope.
            allowed |= (await self.oracle.refresh_scope(caller)).visible_ids
        tables = {self.oracle.table_by_id[record_id] for record_id in records - allowed}
        tables -= {table for table in HISTORY_ONLY_TABLES if table not in statement.sql}
        if "access.context" in statement.sql:
            # The row of the caller contains the ids of the cases that row policies hide behind the conflict wall.
            tables -= {"cases"}
        if tables and caller != "dpo":
            self.leaks.append(f"{caller} with {situation} access read {sorted(tables)} with {statement.sql}")

    async def _prepare_access(self, caller: str, situation: str) -> OpenAccess | None:
        """Return the access that a statement uses. It is opened on the superuser's connection, so that it is committed."""
        if situation == "none":
            return None
        owner = (
            self.rng.choice([name for name in CALLERS if name != caller]) if situation == "stolen" else caller
        )
        access = await open_access(self.superuser, owner)
        if situation in {"wrong secret", "stolen"}:
            return access._replace(secret=uuid.uuid4())
        if situation == "expired":
            await make_access_older(self.superuser, access, seconds=61)
        if situation == "concluded":
            await conclude_access(self.superuser, access)
        return access

    async def _fetch_rows(self) -> Rows:
        rows: Rows = {}
        for table in self.tables:
            child = "id" if table == "children" else self.children.get(table, "NULL")
            records = await self.superuser.fetch(f"SELECT t::text, {child}::text FROM {table} t")  # noqa: S608 - names from the catalog
            rows[table] = Counter((record[0], record[1]) for record in records)
        return rows

    def _find_changes(self, before: Rows, after: Rows, children: frozenset[str]) -> list[str]:
        """Return the tables in which rows were changed that the caller must not change."""
        changes = []
        for table in set(self.tables) - set(IGNORED_TABLES):
            removed, added = before[table] - after[table], after[table] - before[table]
            if table in PROTECTED_TABLES and removed:
                changes.append(f"{table}: {list(removed)[:2]}")
            if table not in LOG_TABLES:
                foreign = [
                    row for row, child in (*removed, *added) if child is not None and child not in children
                ]
                changes += [f"{table}: {row}" for row in foreign[:2]]
        return changes
