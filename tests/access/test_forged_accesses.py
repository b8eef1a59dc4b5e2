"""Forged accesses: contexts written by hand, secrets of other accesses, concluded accesses and asynchronous commits."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import asyncpg
import pytest

from app.access.acts import ActWithoutPermission
from app.access.caller import OpenAccess
from app.access.log import REFRESH_CONTEXT_SQL, open_custodian_access
from app.database.urls import to_driver_url
from tests.support.raw_sql import (
    assert_access_rejected,
    conclude_access,
    count_visible_rows,
    list_child_tables,
    open_access,
    open_transaction_as,
    set_access,
)
from tests.support.sample_rows import PopulatedDatabase
from tests.support.scenario import Scenario, id_of

FORGED_SECRET = uuid.UUID("00000000-0000-4000-8000-00000000f0f0")
INSERT_CONTEXT_SQL = """
    INSERT INTO access_contexts
        (event_id, secret_digest, xid, act, caller_id, is_staff, can_read_all_cases, can_read_access_log, can_report_all_teams,
         is_finance_officer, is_custodian, is_command_line, supervised_team_ids, assigned_case_ids,
         break_glass_case_ids, conflict_wall_case_ids)
    VALUES (uuidv7(), $1, '3', 'case.read', $2, true, true, true, true, true, true, true, '{}', '{}', '{}', '{}')
"""
CHANGE_CONTEXT_SQL = {
    "all cases": "UPDATE access_contexts SET can_read_all_cases = true",
    "another caller": "UPDATE access_contexts SET caller_id = gen_random_uuid()",
    "a known secret": "UPDATE access_contexts SET secret_digest = sha256('known')",
    "a new time": "UPDATE access_contexts SET opened_at = now() + interval '1 hour'",
    "no conflict wall": "UPDATE access_contexts SET conflict_wall_case_ids = '{}'",
    "deleted": "DELETE FROM access_contexts",
}
SELECT_CONTEXTS_SQL = "SELECT c::text FROM access_contexts c ORDER BY event_id"
SET_ASYNCHRONOUS_COMMIT_SQL = "SET LOCAL synchronous_commit = off"


@pytest.fixture
async def other_connection(scenario: Scenario) -> AsyncIterator[Any]:
    """A second connection with the database role of the API."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
    yield connection
    await connection.close()


@pytest.mark.parametrize("statement", CHANGE_CONTEXT_SQL.values(), ids=CHANGE_CONTEXT_SQL.keys())
async def test_context_cannot_be_changed_by_plain_sql(
    scenario: Scenario, superuser_connection: Any, api_connection: Any, owner_connection: Any, statement: str
) -> None:
    # Catches: GRANT UPDATE, DELETE ON access_contexts TO firststep_api with a policy for it; NO FORCE ROW LEVEL SECURITY.
    del scenario
    open_custodian = await open_custodian_access(owner_connection, ActWithoutPermission.keys_reencrypt)
    async with open_transaction_as(api_connection, "worker_north"):
        contexts = await superuser_connection.fetch(SELECT_CONTEXTS_SQL)
        assert len(contexts) == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await api_connection.execute(statement)
    async with owner_connection.transaction():
        assert (await owner_connection.execute(statement)).endswith(" 0"), "FORCE does not apply to the owner"
        await set_access(owner_connection, open_custodian)
        assert (await owner_connection.execute(statement)).endswith(" 0")
        assert await owner_connection.fetch("SELECT * FROM access_contexts") == []
    assert await superuser_connection.fetch(SELECT_CONTEXTS_SQL) == contexts


async def test_context_cannot_be_inserted_by_plain_sql(
    scenario: Scenario, superuser_connection: Any, api_connection: Any, owner_connection: Any
) -> None:
    # Catches: GRANT INSERT ON access_contexts TO firststep_api; NO FORCE ROW LEVEL SECURITY.
    del scenario
    digest = hashlib.sha256(FORGED_SECRET.bytes).digest()
    for connection, message in (
        (api_connection, "permission denied"),
        (owner_connection, "row-level security"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=message):
            await connection.execute(INSERT_CONTEXT_SQL, digest, id_of("manager"))
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="row-level security"):
        await owner_connection.copy_records_to_table("access_contexts", records=[])
    assert await superuser_connection.fetch(SELECT_CONTEXTS_SQL) == []
    # The same row gives access to every case if firststep_gate or a superuser writes it.
    await superuser_connection.execute(INSERT_CONTEXT_SQL, digest, id_of("manager"))
    event_id = await superuser_connection.fetchval("SELECT event_id FROM access_contexts")
    async with api_connection.transaction():
        await set_access(api_connection, OpenAccess(event_id, FORGED_SECRET))
        assert await api_connection.fetchval("SELECT can_read_all_cases FROM access.context()")


@pytest.mark.parametrize("kind", ["system", "anonymous", "person", "client"])
async def test_api_role_cannot_open_an_access_of_the_command_line(
    scenario: Scenario, api_connection: Any, superuser_connection: Any, kind: str
) -> None:
    # Catches: a role no longer required of an event of the system in ck_access_events_caller.
    del scenario
    open_access_sql = """
        SELECT roles FROM access.open(ARRAY[$1], ARRAY[NULL::uuid], ARRAY[NULL::uuid], ARRAY[NULL::uuid],
            ARRAY['users.reset_password'], ARRAY['by-hand-00'], ARRAY[NULL::inet], ARRAY[NULL::text])
    """
    with suppress(asyncpg.CheckViolationError):
        assert await api_connection.fetchval(open_access_sql, kind) is None
    assert not await superuser_connection.fetchval("SELECT count(*) FROM access_events WHERE kind = 'system'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api_connection.execute(
            "SELECT access.open_as_command_line('users.reset_password', 'by-hand-00')"
        )


async def test_access_of_another_caller_is_useless_without_its_secret(
    populated_database: PopulatedDatabase,
    superuser_connection: Any,
    api_connection: Any,
    owner_connection: Any,
    other_connection: Any,
) -> None:
    # Catches: the comparison of the secret removed from access.context(), from access.conclude().
    del populated_database
    tables = await list_child_tables(superuser_connection)
    foreign = await open_access(other_connection, "manager")
    custodian = await open_custodian_access(owner_connection, ActWithoutPermission.keys_reencrypt)
    own = await open_access(api_connection, "worker_north")
    contexts = await superuser_connection.fetch(SELECT_CONTEXTS_SQL)
    for forged in (
        OpenAccess(foreign.event_id, own.secret),
        OpenAccess(foreign.event_id, FORGED_SECRET),
        OpenAccess(foreign.event_id, foreign.event_id),
        OpenAccess(custodian.event_id, own.secret),
        OpenAccess(own.event_id, foreign.secret),
    ):
        async with api_connection.transaction():
            await assert_access_rejected(api_connection, forged, tables)
        for statement in (str(REFRESH_CONTEXT_SQL), "SELECT access.has_open_case(gen_random_uuid())"):
            async with api_connection.transaction():
                await set_access(api_connection, forged)
                with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                    await api_connection.execute(statement)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await conclude_access(api_connection, forged)
    assert await superuser_connection.fetch(SELECT_CONTEXTS_SQL) == contexts
    async with api_connection.transaction():
        await set_access(api_connection, own)
        assert await api_connection.fetchval("SELECT count(*) FROM children") == 1


async def test_concluded_access_is_useless(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: access.conclude() that selects the context where it should delete it.
    del populated_database
    tables = await list_child_tables(superuser_connection)
    access = await open_access(api_connection, "manager")
    async with api_connection.transaction():
        await set_access(api_connection, access)
        assert await count_visible_rows(api_connection, tables)
        await conclude_access(api_connection, access)
        await assert_access_rejected(api_connection, access, tables)
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, access, tables)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await conclude_access(api_connection, access)
    entries = "SELECT count(*) FROM access_entries WHERE event_id = $1"
    assert await superuser_connection.fetchval(entries, access.event_id) == 1


async def test_concurrent_conclusions_write_the_entries_once(
    scenario: Scenario, api_connection: Any, other_connection: Any
) -> None:
    # Catches: as above. The second entry then violates the primary key.
    del scenario
    access = await open_access(api_connection, "manager")
    async with api_connection.transaction():
        await conclude_access(api_connection, access)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await conclude_access(other_connection, access)


async def test_asynchronous_commit_prevents_opening_concluding_and_reading(
    populated_database: PopulatedDatabase,
    superuser_connection: Any,
    api_connection: Any,
    owner_connection: Any,
) -> None:
    # Catches: access.open(), open_calendar_feed(), open_as_custodian() and conclude() without
    # `PERFORM access.require_durable_commit()`; access.context() without the check of the setting.
    del populated_database
    tables = await list_child_tables(superuser_connection)
    access = await open_access(api_connection, "manager")
    async with api_connection.transaction():
        await api_connection.execute(SET_ASYNCHRONOUS_COMMIT_SQL)
        await assert_access_rejected(api_connection, access, tables)
    calls: list[tuple[Any, Callable[[], Awaitable[object]]]] = [
        (api_connection, partial(open_access, api_connection, "manager")),
        (
            api_connection,
            partial(api_connection.execute, "SELECT access.open_calendar_feed('x', 'x', NULL, NULL)"),
        ),
        (api_connection, partial(conclude_access, api_connection, access)),
        (
            owner_connection,
            partial(open_custodian_access, owner_connection, ActWithoutPermission.keys_reencrypt),
        ),
    ]
    for connection, call in calls:
        async with connection.transaction():
            await connection.execute(SET_ASYNCHRONOUS_COMMIT_SQL)
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="synchronous_commit"):
                await call()
    await conclude_access(api_connection, access)
