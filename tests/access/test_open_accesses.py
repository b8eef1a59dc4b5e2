"""Open accesses: which accesses let SQL with the database password of the API read tables about children."""

import uuid
from typing import Any

import asyncpg
import pytest

from app.access.caller import OpenAccess
from app.access.log import BIND_ACCESS_SQL
from tests.support.raw_sql import (
    assert_access_rejected,
    count_visible_rows,
    list_child_tables,
    make_access_older,
    open_access,
    open_transaction_as,
    set_access,
)
from tests.support.sample_rows import PopulatedDatabase
from tests.support.scenario import Scenario, id_of

COPY_CONTEXT_SQL = """
    INSERT INTO access_contexts
    SELECT copy.*
      FROM (SELECT to_jsonb(c) AS columns FROM access_contexts c LIMIT 1) c, generate_series(1, 20000) n,
           jsonb_populate_record(NULL::access_contexts, columns || jsonb_build_object('event_id', md5(n::text))) copy
"""
OPEN_IN_SUBTRANSACTION_SQL = """
    DO $$
    DECLARE opened access.opened_access;
    BEGIN
        SELECT * INTO opened FROM access.open(
            '{{person}}', '{{{subject}}}', '{{{session}}}', '{{NULL}}', '{{x}}', '{{caught-000}}', '{{NULL}}', '{{NULL}}');
        PERFORM set_config('firststep.access', concat(opened.event_id, ' ', opened.secret), true);
    EXCEPTION WHEN OTHERS THEN NULL;
    END $$
"""
OPEN_ANONYMOUS_ACCESS_SQL = """
    SELECT event_id, secret FROM access.open(
        '{anonymous}', ARRAY[$1::uuid], ARRAY[$2::uuid], '{NULL}', '{case.read}', '{by-hand-00}', '{NULL}', '{NULL}')
"""


async def test_tables_appear_empty_without_an_access_and_are_not_readable_with_a_forged_access(
    populated_database: PopulatedDatabase,
    superuser_connection: Any,
    api_connection: Any,
    owner_connection: Any,
    scenario: Scenario,
) -> None:
    # Catches: access.context() that returns no row where it should raise an error.
    tables = await list_child_tables(superuser_connection)
    assert set(await count_visible_rows(superuser_connection, tables)) == set(tables), "a table has no rows"
    assert await count_visible_rows(api_connection, tables) == {}
    assert await count_visible_rows(owner_connection, tables) == {}, "FORCE does not apply to the owner"
    async with api_connection.transaction():
        await api_connection.execute(BIND_ACCESS_SQL, "")
        assert await count_visible_rows(api_connection, tables) == {}
    forged_accesses = [
        OpenAccess(event_id, uuid.uuid4())
        for event_id in (uuid.uuid4(), uuid.UUID(int=0), uuid.UUID(populated_database.north_case["id"]))
    ]
    ended_session_event = await create_event_of_ended_session(superuser_connection)
    other_connection = await asyncpg.connect(scenario.urls.api)
    async with other_connection.transaction():
        uncommitted = await open_access(other_connection, "manager")
        for access in (*forged_accesses, OpenAccess(ended_session_event, uuid.uuid4()), uncommitted):
            for connection in (api_connection, owner_connection):
                async with connection.transaction():
                    await assert_access_rejected(connection, access, tables)
    await other_connection.close()


@pytest.mark.parametrize("setting", ["x", "manager", str(uuid.UUID(int=1)), f"{uuid.UUID(int=1)} x"])
async def test_malformed_access_setting_is_rejected(
    populated_database: PopulatedDatabase, api_connection: Any, setting: str
) -> None:
    # Catches: access.context() that ignores a malformed setting.
    del populated_database
    async with api_connection.transaction():
        await api_connection.execute(BIND_ACCESS_SQL, setting)
        with pytest.raises(
            (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidTextRepresentationError)
        ):
            await api_connection.fetch("SELECT id FROM children")


async def test_anonymous_access_shows_no_rows_and_has_no_subject(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: access.write_event() that gives an anonymous access the scope of a manager; no ck_access_events_caller.
    del populated_database
    tables = await list_child_tables(superuser_connection)
    access = OpenAccess(*await api_connection.fetchrow(OPEN_ANONYMOUS_ACCESS_SQL, None, None))
    async with api_connection.transaction():
        await set_access(api_connection, access)
        assert await count_visible_rows(api_connection, tables) == {}
    for name in ("manager", "dpo", "partner_one"):
        session_id = id_of(f"session of {name}")
        for subject in ((id_of(name), session_id), (id_of(name), None), (None, session_id)):
            for kind in ("anonymous", "system", "unknown"):
                sql = OPEN_ANONYMOUS_ACCESS_SQL.replace("anonymous", kind)
                with pytest.raises(asyncpg.CheckViolationError):
                    await api_connection.fetchrow(sql, *subject)


async def test_caller_has_no_context_without_an_access(api_connection: Any, owner_connection: Any) -> None:
    # Catches: access.context() that returns a row of NULL without an access.
    for connection in (api_connection, owner_connection):
        assert await connection.fetch("SELECT * FROM access.context()") == []


async def create_event_of_ended_session(superuser: Any) -> uuid.UUID:
    """Return the id of a committed event whose session has ended."""
    await superuser.execute("UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("manager"))
    assert (await open_access(superuser, "manager")).event_id is None
    await superuser.execute("UPDATE sessions SET revoked_at = NULL WHERE user_id = $1", id_of("manager"))
    event_id: uuid.UUID = await superuser.fetchval("SELECT id FROM access_events ORDER BY id DESC LIMIT 1")
    return event_id


async def test_no_rows_are_visible_with_an_access_of_the_same_transaction(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: the comparison of `xid` removed from access.context().
    del populated_database
    tables = await list_child_tables(superuser_connection)
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, await open_access(api_connection, "manager"), tables)
    async with api_connection.transaction():
        async with api_connection.transaction():  # a released savepoint
            access = await open_access(api_connection, "manager")
            await assert_access_rejected(api_connection, access, tables)
        await assert_access_rejected(api_connection, access, tables)
    manager = {"subject": id_of("manager"), "session": id_of("session of manager")}
    async with api_connection.transaction():
        await api_connection.execute(OPEN_IN_SUBTRANSACTION_SQL.format(**manager))
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not open"):
            await api_connection.fetch("SELECT id FROM children")
    rolled_back = api_connection.transaction()
    await rolled_back.start()
    access = await open_access(api_connection, "manager")
    await rolled_back.rollback()
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, access, tables)
    async with open_transaction_as(api_connection, "manager"):
        assert await count_visible_rows(api_connection, tables), "no rows are visible with a committed access"


async def test_access_makes_rows_visible_for_sixty_seconds(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: 70 seconds in access.context().
    del populated_database
    access = await open_access(api_connection, "manager")
    await make_access_older(superuser_connection, access, seconds=45)
    async with api_connection.transaction():
        await set_access(api_connection, access)
        assert await count_visible_rows(api_connection, ["children"])
    await make_access_older(superuser_connection, access, seconds=16)
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, access, await list_child_tables(superuser_connection))


async def test_event_stays_after_the_transaction_is_rolled_back(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: an access opened within the transaction of `open_transaction_as`.
    del populated_database
    async with open_transaction_as(api_connection, "worker_north") as access:
        assert await api_connection.fetchval("SELECT count(*) FROM children") == 1
    event = await superuser_connection.fetchrow(
        "SELECT actor_id, act FROM access_events WHERE id = $1", access.event_id
    )
    assert tuple(event) == (id_of("worker_north"), "case.read")


STATISTICS_FUNCTIONS = (
    "EXECUTE ON FUNCTION pg_stat_get_xact_numscans(oid), pg_stat_get_xact_tuples_returned(oid)"
)
"""The API's role cannot execute these functions by default."""
SCANS_QUERY = """
    SELECT pg_stat_get_xact_numscans(indrelid), pg_stat_get_xact_tuples_returned(indrelid),
           sum(pg_stat_get_xact_numscans(indexrelid))
      FROM pg_index WHERE indrelid = 'access_contexts'::regclass GROUP BY indrelid
"""
"""Sequential scans of the table in this transaction, the rows that they read, and index scans."""


async def test_context_lookup_uses_the_index_after_the_table_has_grown(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: access.context() without enable_seqscan = off. A connection caches the plan of the lookup while the
    # table is
    # small.
    del scenario
    caller = "SELECT caller_id FROM access.context()"
    await open_access(api_connection, "manager")
    await superuser_connection.execute(
        "ANALYZE access_contexts"
    )  # a sequential scan of one row is the cheapest plan
    async with open_transaction_as(api_connection, "manager"):
        for _ in range(8):  # PostgreSQL caches a generic plan after five executions
            assert await api_connection.fetchval(caller) == id_of("manager")
    await superuser_connection.execute(COPY_CONTEXT_SQL)
    async with open_transaction_as(api_connection, "worker_north"):
        assert await api_connection.fetchval(caller) == id_of("worker_north")
        await superuser_connection.execute(f"GRANT {STATISTICS_FUNCTIONS} TO firststep_api")
        try:
            scans = await api_connection.fetchrow(SCANS_QUERY)
        finally:
            await superuser_connection.execute(f"REVOKE {STATISTICS_FUNCTIONS} FROM firststep_api")
    assert (scans[0], scans[1]) == (0, 0), "the lookup scans the table sequentially"
    assert scans[2] > 0
