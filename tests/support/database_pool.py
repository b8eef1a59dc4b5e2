"""A pool of one test database. It is emptied after each test, and replaced after a test that changed more than rows.

This is faster than a new database per test: no copying and dropping, and connections keep their prepared statements.
"""

from dataclasses import dataclass
from typing import Protocol

import asyncpg

from app.database.engine import Database
from app.database.urls import DatabaseUrls

MAX_USES = 100
"""Number of tests after which a database is replaced, because its deleted rows make it slow."""

TEMPLATE_SETUP_SQL = """
    CREATE SCHEMA pristine;
    CREATE TABLE pristine.changes (description text);
    CREATE TABLE pristine.tables (name text);

    CREATE FUNCTION pristine.record_definition_change() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$ BEGIN INSERT INTO pristine.changes VALUES (tg_tag); END $$;
    CREATE EVENT TRIGGER defined ON ddl_command_end EXECUTE FUNCTION pristine.record_definition_change();
    CREATE EVENT TRIGGER dropped ON sql_drop EXECUTE FUNCTION pristine.record_definition_change();
    ALTER EVENT TRIGGER defined ENABLE ALWAYS;
    ALTER EVENT TRIGGER dropped ENABLE ALWAYS;

    CREATE FUNCTION pristine.record_row_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$ BEGIN INSERT INTO pristine.changes VALUES (tg_table_name); RETURN NULL; END $$;

    DO $$
    DECLARE
        test_table record;
        is_used boolean;
    BEGIN
        FOR test_table IN SELECT relname AS name, relname IN ('places', 'reference_data_versions', 'alembic_version') AS is_fixed FROM pg_class
                      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', test_table.name) INTO is_used;
            IF test_table.is_fixed THEN
                EXECUTE format('CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.%I
                                EXECUTE FUNCTION pristine.record_row_change()', test_table.name);
                CONTINUE;
            END IF;
            INSERT INTO pristine.tables VALUES (test_table.name);
            IF is_used THEN
                EXECUTE format('CREATE TABLE pristine.%I AS SELECT * FROM public.%1$I', test_table.name);
            END IF;
        END LOOP;
    END
    $$;
    TRUNCATE pristine.changes;
"""
"""Saves the rows of the template, and records later changes that cannot be undone by deleting rows."""

RESTORE_SQL = """
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '2s';
    DO $$
    DECLARE
        test_table record;
        is_used boolean;
    BEGIN
        EXECUTE (SELECT format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', string_agg(format('public.%I', name), ', '))
                   FROM pristine.tables);  -- waits for transactions that still write
        FOR test_table IN SELECT name FROM pristine.tables LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', test_table.name) INTO is_used;
            IF is_used THEN
                EXECUTE format('DELETE FROM public.%I', test_table.name);
            END IF;
        END LOOP;
        FOR test_table IN SELECT relname AS name FROM pg_class
                      WHERE relnamespace = 'pristine'::regnamespace AND relkind = 'r' AND relname NOT IN ('changes', 'tables')
        LOOP
            EXECUTE format('INSERT INTO public.%I SELECT * FROM pristine.%1$I', test_table.name);
        END LOOP;
    END
    $$;
"""
IS_CHANGED_QUERY = "SELECT EXISTS (SELECT FROM pristine.changes)"


class TemplateCopier(Protocol):
    """Creates and drops copies of the template database."""

    async def clone(self, name: str) -> DatabaseUrls: ...

    async def drop(self, name: str) -> None: ...

    async def connect(self, database: str) -> asyncpg.Connection: ...


@dataclass
class PooledDatabase:
    """A copy of the template with its connections."""

    name: str
    urls: DatabaseUrls
    database: Database
    superuser_connection: asyncpg.Connection
    """A connection that row-level security does not restrict."""
    uses: int = 0

    async def restore(self) -> bool:
        """Delete the rows of the last test. Return False if it changed more than rows or still holds a lock."""
        try:
            async with self.superuser_connection.transaction():
                if await self.superuser_connection.fetchval(IS_CHANGED_QUERY):
                    return False
                await self.superuser_connection.execute(RESTORE_SQL)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False
        return True


@dataclass
class DatabasePool:
    """Provides one database at a time and replaces it after `MAX_USES` tests."""

    copier: TemplateCopier
    created_count: int = 0
    current: PooledDatabase | None = None

    async def acquire(self) -> PooledDatabase:
        """Return a database in the state of the template."""
        if self.current is None:
            self.created_count += 1
            name = f"scenario_{self.created_count}"
            urls = await self.copier.clone(name)
            database = Database(urls.api, pool_size=6, reports_url=urls.reports)
            await database.open()
            self.current = PooledDatabase(name, urls, database, await self.copier.connect(name))
        return self.current

    async def release(self) -> None:
        """Restore the database, or drop it if that is impossible."""
        assert self.current is not None
        self.current.uses += 1
        if self.current.uses == MAX_USES or not await self.current.restore():
            await self.drop_current()

    async def drop_current(self) -> None:
        """Close the connections and drop the database."""
        if self.current is not None:
            await self.current.superuser_connection.close()
            await self.current.database.close()
            await self.copier.drop(self.current.name)
            self.current = None
