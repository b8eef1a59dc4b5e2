"""The database that tests take turns in: emptied after each, thrown away after one that changed more than rows.

A database of its own for every test would be copied, dropped, and each time be asked everything for the first time.
"""

from dataclasses import dataclass
from typing import Protocol

import asyncpg

from app.database.engine import Database
from app.database.urls import DatabaseUrls

MAX_USES = 100
"""Tests after which a database is full of what was deleted in it."""

TEMPLATE_SETUP_SQL = """
    CREATE SCHEMA pristine;
    CREATE TABLE pristine.changes (what text);
    CREATE TABLE pristine.tables (name text);

    CREATE FUNCTION pristine.note_definition() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$ BEGIN INSERT INTO pristine.changes VALUES (tg_tag); END $$;
    CREATE EVENT TRIGGER defined ON ddl_command_end EXECUTE FUNCTION pristine.note_definition();
    CREATE EVENT TRIGGER dropped ON sql_drop EXECUTE FUNCTION pristine.note_definition();
    ALTER EVENT TRIGGER defined ENABLE ALWAYS;
    ALTER EVENT TRIGGER dropped ENABLE ALWAYS;

    CREATE FUNCTION pristine.note_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$ BEGIN INSERT INTO pristine.changes VALUES (tg_table_name); RETURN NULL; END $$;

    DO $$
    DECLARE
        found record;
        is_used boolean;
    BEGIN
        FOR found IN SELECT relname AS name, relname IN ('places', 'reference_data_versions', 'alembic_version') AS is_fixed FROM pg_class
                      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', found.name) INTO is_used;
            IF found.is_fixed THEN
                EXECUTE format('CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.%I
                                EXECUTE FUNCTION pristine.note_change()', found.name);
                CONTINUE;
            END IF;
            INSERT INTO pristine.tables VALUES (found.name);
            IF is_used THEN
                EXECUTE format('CREATE TABLE pristine.%I AS SELECT * FROM public.%1$I', found.name);
            END IF;
        END LOOP;
    END
    $$;
    TRUNCATE pristine.changes;
"""
"""What the template remembers: its rows, and afterwards whatever a test does that taking rows away does not undo."""

RESTORE_SQL = """
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '2s';
    DO $$
    DECLARE
        found record;
        is_used boolean;
    BEGIN
        EXECUTE (SELECT format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', string_agg(format('public.%I', name), ', '))
                   FROM pristine.tables);  -- waits for who is still writing
        FOR found IN SELECT name FROM pristine.tables LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', found.name) INTO is_used;
            IF is_used THEN
                EXECUTE format('DELETE FROM public.%I', found.name);
            END IF;
        END LOOP;
        FOR found IN SELECT relname AS name FROM pg_class
                      WHERE relnamespace = 'pristine'::regnamespace AND relkind = 'r' AND relname NOT IN ('changes', 'tables')
        LOOP
            EXECUTE format('INSERT INTO public.%I SELECT * FROM pristine.%1$I', found.name);
        END LOOP;
    END
    $$;
"""
IS_CHANGED_QUERY = "SELECT EXISTS (SELECT FROM pristine.changes)"


class TemplateCopier(Protocol):
    """Who copies the template, and drops copies of it."""

    async def clone(self, name: str) -> DatabaseUrls: ...

    async def drop(self, name: str) -> None: ...

    async def connect(self, database: str) -> asyncpg.Connection: ...


@dataclass
class PooledDatabase:
    """A copy of the template, and what a test connects to it with."""

    name: str
    urls: DatabaseUrls
    database: Database
    superuser_connection: asyncpg.Connection
    """A connection past the API."""
    uses: int = 0

    async def restore(self) -> bool:
        """Take every row away that a test left; False where it left more than that, or is still at work."""
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
    """The copy in use; another one when it is used up."""

    copier: TemplateCopier
    created_count: int = 0
    current: PooledDatabase | None = None

    async def acquire(self) -> PooledDatabase:
        """Return a ground as the template is."""
        if self.current is None:
            self.created_count += 1
            name = f"world_{self.created_count}"
            urls = await self.copier.clone(name)
            database = Database(urls.api, pool_size=6)
            await database.open()
            self.current = PooledDatabase(name, urls, database, await self.copier.connect(name))
        return self.current

    async def release(self) -> None:
        """Make the ground what it was, or leave it."""
        assert self.current is not None
        self.current.uses += 1
        if self.current.uses == MAX_USES or not await self.current.restore():
            await self.drop_current()

    async def drop_current(self) -> None:
        """Drop the ground."""
        if self.current is not None:
            await self.current.superuser_connection.close()
            await self.current.database.close()
            await self.copier.drop(self.current.name)
            self.current = None
