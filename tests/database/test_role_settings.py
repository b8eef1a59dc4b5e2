"""Settings and attributes of database roles that break a guarantee of the database are found and named."""

from typing import Any

import pytest

from app.database.role_settings import REQUIRED_SETTINGS, list_unsafe_settings
from tests.support.scenario import Scenario

UNSAFE_VALUES = {
    "synchronous_commit": "off",
    "session_replication_role": "replica",
    "row_security": "off",
    "role": "firststep_reports",
    "search_path": "access",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "plan_cache_mode": "force_custom_plan",
    "transform_null_equals": "on",
}
SERVER_SETTINGS = {"fsync", "full_page_writes"}
"""Settings that cannot be changed for a role. The test server runs with both off."""


async def list_sentences(connection: Any) -> list[str]:
    return [
        sentence
        for sentence in await list_unsafe_settings(connection)
        if not any(name in sentence for name in SERVER_SETTINGS)
    ]


async def test_roles_of_a_new_installation_are_safe(api_connection: Any) -> None:
    assert await list_sentences(api_connection) == []
    assert len(await list_unsafe_settings(api_connection)) == len(SERVER_SETTINGS)
    assert UNSAFE_VALUES.keys() | SERVER_SETTINGS == REQUIRED_SETTINGS.keys()


@pytest.mark.parametrize("target", ["ROLE firststep_api", "ROLE firststep_owner", "ROLE ALL"])
@pytest.mark.parametrize("name", UNSAFE_VALUES)
async def test_unsafe_setting_of_a_role_is_named_with_its_remedy(
    api_connection: Any, superuser_connection: Any, name: str, target: str
) -> None:
    # Catches: SETTINGS_QUERY without the rows whose `setrole` is 0; without the table owner.
    database = await superuser_connection.fetchval("SELECT quote_ident(current_database())")
    change = f"ALTER {target} IN DATABASE {database}"
    await superuser_connection.execute(f"{change} SET {name} = '{UNSAFE_VALUES[name]}'")
    try:
        (sentence,) = await list_sentences(api_connection)
    finally:
        await superuser_connection.execute(f"{change} RESET {name}")
    role = "all roles" if target == "ROLE ALL" else f"the role {target[5:]}"
    assert sentence.startswith(f"The setting {name} of {role} in this database is {UNSAFE_VALUES[name]},")
    assert sentence.endswith(f"Run `{change} RESET {name}`.")
    assert await list_sentences(api_connection) == []


async def test_unsafe_setting_of_the_session_is_named(api_connection: Any) -> None:
    # Catches: SETTINGS_QUERY without the settings of the session.
    await api_connection.execute("SET synchronous_commit = off")
    (sentence,) = await list_sentences(api_connection)
    assert (
        sentence
        == "The setting synchronous_commit of the session is off, so that a committed log entry could be lost."
    )


async def test_additional_privileges_of_a_role_are_named(
    scenario: Scenario, api_connection: Any, superuser_connection: Any, owner_connection: Any
) -> None:
    # Catches: ROLES_QUERY without `rolcreaterole`; without pg_auth_members.
    del scenario
    superuser = await superuser_connection.fetchval("SELECT current_user")
    assert f"The database role {superuser} is a superuser." in await list_sentences(superuser_connection)
    assert "The database role firststep_owner owns the tables." in await list_sentences(owner_connection)
    async with superuser_connection.transaction():
        await superuser_connection.execute(
            "ALTER ROLE firststep_api CREATEROLE; GRANT pg_monitor TO firststep_gate"
        )
        await superuser_connection.execute("SET LOCAL SESSION AUTHORIZATION firststep_api")
        sentences = await list_sentences(superuser_connection)
        await superuser_connection.execute(
            "RESET SESSION AUTHORIZATION; ALTER ROLE firststep_api NOCREATEROLE"
        )
        await superuser_connection.execute("REVOKE pg_monitor FROM firststep_gate")
    assert sentences == [
        "The database role firststep_api can create roles.",
        "The database role firststep_gate is a member of pg_monitor.",
    ]
    assert await list_sentences(api_connection) == []
