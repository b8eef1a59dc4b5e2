"""SQL with the password of the API cannot give a person rights that need two people.

The attacker has the access of one administrator: the id of the session, so that every act can be opened.
"""

from typing import Any

import asyncpg
import pytest

from app.access.confirmed_roles import CONFIRMED_ROLES
from tests.support.confirmations import find_pending_change
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

USER, ADMIN, TEAM, CLIENT = (str(id_of(name)) for name in ("me_officer", "admin", "north", "partner_one"))
WORKER = str(id_of("worker_north"))

DIRECT_WRITES = (
    *(
        f"UPDATE users SET {change}"  # noqa: S608 - constants
        for change in (
            "roles = '{programme_manager}'", "password_hash = 'x'", "email = 'x'", "email_key = 'x'",
            "name = 'X'", "is_active = true", "totp_encrypted = 'x'", "totp_confirmed_at = NULL",
            "totp_last_step = 1", "activation_digest = NULL", "activation_expires_at = now()",
            "initial_password_expires_at = NULL",
        )
    ),
    "INSERT INTO users SELECT * FROM users",
    "DELETE FROM users",
    "INSERT INTO team_members SELECT * FROM team_members",
    "UPDATE team_members SET is_supervisor = true",
    "DELETE FROM team_members",
    *(
        f"UPDATE api_clients SET {change}"  # noqa: S608 - constants
        for change in (
            "scopes = '{referrals}'", "public_key = 'x'", "is_active = true", "agency_id = id", "name = 'X'",
        )
    ),
    "INSERT INTO api_clients SELECT * FROM api_clients",
    "INSERT INTO api_client_secrets SELECT * FROM api_client_secrets",
    "UPDATE api_client_secrets SET revoked_at = NULL",
    "INSERT INTO approval_limits SELECT * FROM approval_limits",
    "INSERT INTO pending_changes SELECT * FROM pending_changes",
    *(
        f"UPDATE pending_changes SET {change}"  # noqa: S608 - constants
        for change in (
            "status = 'confirmed'", "payload = '{}'", "expires_at = now()", "requested_by_id = id",
            "person_id = NULL", "kind = 'rights'",
        )
    ),
    "DELETE FROM pending_changes",
)  # fmt: skip
CALLS: tuple[tuple[str, str], ...] = (
    *(
        (
            "user.manage",
            f"SELECT access.insert_user(gen_random_uuid(), 'x@x', 'x@x', 'X', 'x', '{{{role}}}', 'x')",
        )
        for role in sorted(CONFIRMED_ROLES)
    ),
    *(
        ("user.manage", f"SELECT access.update_user('{USER}', 'X', 'x', '{{me_officer,{role}}}', true)")
        for role in sorted(CONFIRMED_ROLES)
    ),
    ("user.manage", f"SELECT access.update_user('{ADMIN}', 'X', 'x', '{{administrator,me_officer}}', true)"),
    ("user.manage", f"SELECT access.replace_team_members('{USER}', '{{{TEAM}}}', '{{{TEAM}}}')"),
    ("user.manage", f"SELECT access.replace_team_members('{ADMIN}', '{{{TEAM}}}', '{{}}')"),
    ("user.manage", f"SELECT access.issue_initial_password('{WORKER}', 'x')"),
    ("user.manage", f"SELECT access.issue_initial_password('{ADMIN}', 'x')"),
    (
        "api_client.manage",
        f"SELECT access.insert_api_client(gen_random_uuid(), '{id_of('Safe Steps')}', 'X', '{{referrals}}', NULL)",
    ),
    ("api_client.manage", f"SELECT access.update_api_client('{CLIENT}', 'X', '{{referrals}}', 'x', true)"),
    (
        "api_client.manage",
        f"SELECT access.update_api_client('{id_of('reporting')}', 'X', '{{referrals}}', NULL, true)",
    ),
    ("api_client.manage", f"SELECT access.insert_api_client_secret(gen_random_uuid(), '{CLIENT}', 'x')"),
)
"""Act of the access and statement, for each function with a change that needs a second person."""


async def assert_refused(connection: Any, statement: str, *arguments: Any) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            pytest.fail(f"{statement}: {await connection.fetch(statement, *arguments)}")


@pytest.mark.parametrize("statement", DIRECT_WRITES)
async def test_api_role_cannot_write_accounts_directly(
    scenario: Scenario, api_connection: Any, statement: str
) -> None:
    # Catches: GRANT UPDATE ON users, team_members, pending_changes TO firststep_api.
    del scenario
    async with open_transaction_as(api_connection, "admin", "user.manage"):
        await assert_refused(api_connection, statement)


@pytest.mark.parametrize(("act", "statement"), CALLS)
async def test_one_administrator_cannot_give_rights_with_the_functions(
    scenario: Scenario, api_connection: Any, act: str, statement: str
) -> None:
    # Catches: require_second_person() without its error.
    del scenario
    async with open_transaction_as(api_connection, "admin", act):
        await assert_refused(api_connection, statement)


async def test_deactivated_user_with_rights_is_not_activated_by_one_administrator(
    scenario: Scenario, api_connection: Any
) -> None:
    path = f"/v1/users/{WORKER}"
    expect_json(await scenario.admin.patch(path, {"is_active": False}, etag='"1"'))
    async with open_transaction_as(api_connection, "admin", "user.manage"):
        call = f"SELECT access.update_user('{WORKER}', 'X', 'x', '{{social_worker}}', true)"
        await assert_refused(api_connection, call)


@pytest.mark.parametrize("name", ["admin", "me_officer", "worker_north", "finance"])
async def test_only_a_second_person_decides_in_the_database(
    scenario: Scenario, api_connection: Any, name: str
) -> None:
    # Catches: close_change() without its call of require_second_person(); require_caller() without its roles.
    grant = {"roles": ["me_officer", "programme_manager"]}
    expect_json(await scenario.admin.patch(f"/v1/users/{USER}", grant, etag='"1"'))
    change_id = (await find_pending_change(scenario.dpo))["id"]
    for act in ("pending_change.decide", "pending_change.withdraw", "user.manage"):
        async with open_transaction_as(api_connection, name, act):
            await assert_refused(api_connection, "SELECT access.confirm_change($1, 'x')", change_id)
            await assert_refused(api_connection, "SELECT access.reject_change($1, 'x')", change_id)
            if name != "admin":
                await assert_refused(api_connection, "SELECT access.withdraw_change($1)", change_id)


@pytest.mark.parametrize("act", ["pending_change.read", "user.read", "case.read"])
async def test_change_is_confirmed_only_by_an_access_for_that_act(
    scenario: Scenario, api_connection: Any, act: str
) -> None:
    grant = {"roles": ["me_officer", "programme_manager"]}
    expect_json(await scenario.admin.patch(f"/v1/users/{USER}", grant, etag='"1"'))
    change_id = (await find_pending_change(scenario.dpo))["id"]
    async with open_transaction_as(api_connection, "dpo", act):
        await assert_refused(api_connection, "SELECT access.confirm_change($1, 'x')", change_id)


async def test_confirmer_concerned_or_without_activation_cannot_confirm_in_the_database(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    expect_json(await scenario.admin.act(f"/v1/users/{id_of('dpo')}", "reset-password"))
    change_id = (await find_pending_change(scenario.dpo))["id"]
    async with open_transaction_as(api_connection, "dpo", "pending_change.decide"):
        await assert_refused(api_connection, "SELECT access.confirm_change($1, 'x')", change_id)
    await superuser_connection.execute(
        "UPDATE users SET activation_digest = 'x' WHERE roles = '{programme_manager}'"
    )
    async with open_transaction_as(api_connection, "manager", "pending_change.decide"):
        await assert_refused(api_connection, "SELECT access.confirm_change($1, 'x')", change_id)


async def test_own_login_data_functions_change_the_caller_only(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    del scenario
    calls = {
        "account.change_password": "SELECT access.change_own_password('new')",
        "account.sign_in": "SELECT access.rehash_own_password('new')",
        "account.second_factor": "SELECT access.store_own_second_factor('new', now(), 1)",
    }
    others = "SELECT id, password_hash, totp_encrypted FROM users WHERE id <> $1 ORDER BY id"
    before = await superuser_connection.fetch(others, id_of("admin"))
    for act, call in calls.items():
        async with open_transaction_as(api_connection, "admin", act):
            await api_connection.execute(call)
            assert await api_connection.fetch(others, id_of("admin")) == before
        async with open_transaction_as(api_connection, "admin", "user.manage"):
            await assert_refused(api_connection, call)


@pytest.mark.parametrize("step", [4, 2**31 - 1])
async def test_second_factor_of_a_user_cannot_be_removed_or_blocked_by_using_a_code(
    scenario: Scenario, api_connection: Any, superuser_connection: Any, step: int
) -> None:
    # Catches: a step before the last one, or one of the future, which would refuse all later codes.
    del scenario
    await superuser_connection.execute(
        "UPDATE users SET totp_confirmed_at = now(), totp_encrypted = 'x', totp_last_step = 5"
    )
    await api_connection.execute("SELECT access.use_second_factor_code($1, 'other', $2)", WORKER, step)
    row = await superuser_connection.fetchrow(
        "SELECT totp_encrypted, totp_last_step, totp_confirmed_at IS NOT NULL FROM users WHERE id = $1",
        WORKER,
    )
    assert tuple(row) == (b"x", 5, True)


async def test_database_lists_the_same_roles_as_the_permissions(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    assert set(await superuser_connection.fetchval("SELECT access.confirmed_roles()")) == CONFIRMED_ROLES


@pytest.mark.parametrize("role", sorted(CONFIRMED_ROLES - {"administrator"}))
async def test_administrator_with_a_further_role_violates_a_constraint(
    scenario: Scenario, superuser_connection: Any, role: str
) -> None:
    del scenario
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser_connection.execute("UPDATE users SET roles = $1", ["administrator", role])


async def test_decision_by_the_requester_or_the_person_violates_a_constraint(
    scenario: Scenario, superuser_connection: Any
) -> None:
    grant = {"roles": ["me_officer", "programme_manager"]}
    expect_json(await scenario.admin.patch(f"/v1/users/{USER}", grant, etag='"1"'))
    for person in (ADMIN, USER):
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser_connection.execute(
                "UPDATE pending_changes SET status = 'confirmed', decided_at = now(), decided_by_id = $1",
                person,
            )
