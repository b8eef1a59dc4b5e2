"""Commands of an operator on accounts."""

import asyncio
from typing import Any

import pytest

from app.access.acts import ActWithoutPermission
from app.errors import Conflict, InvalidInput, NotFound
from app.services.accounts.operator_acts import (
    Account,
    SignInReset,
    disable_account,
    list_accounts,
    reset_sign_in,
)
from tests.support.access_log import raise_alerts
from tests.support.browser import USER_PASSWORD, open_browser_with_passwords, run_sql
from tests.support.command_line import run_command
from tests.support.confirmations import (
    activate_account,
    confirm_pending_change,
    find_pending_change,
    sign_in_for_the_first_time,
)
from tests.support.responses import expect_json, parse_unmet_conditions
from tests.support.scenario import Scenario, id_of

WORKER = "worker_north@fsc.example"
OFFICER = "me_officer@fsc.example"
COMMAND_LINE = {"id": None, "name": None, "roles": ["command_line"]}
"""The actor of a command in the access log."""


async def disable(scenario: Scenario, email: str) -> int:
    return await run_command(
        scenario, ActWithoutPermission.users_disable, lambda session: disable_account(session, email)
    )


async def reset(scenario: Scenario, email: str, *, removes_second_factor: bool = False) -> SignInReset:
    act = (
        ActWithoutPermission.users_reset_second_factor
        if removes_second_factor
        else ActWithoutPermission.users_reset_password
    )
    return await run_command(
        scenario,
        act,
        lambda session: reset_sign_in(session, email, removes_second_factor=removes_second_factor),
    )


async def list_users(
    scenario: Scenario, role: str | None = None, *, only_inactive: bool = False
) -> list[Account]:
    return await run_command(
        scenario,
        ActWithoutPermission.users_list,
        lambda session: list_accounts(session, role, only_inactive=only_inactive),
    )


async def read_log(scenario: Scenario, act: str) -> list[dict[str, Any]]:
    entries = expect_json(await scenario.dpo.get("/v1/audit/accesses", params={"act": act}))["items"]
    assert all(entry["actor"] == COMMAND_LINE for entry in entries)
    return list(entries)


async def enrol_second_factor(scenario: Scenario, name: str) -> None:
    statement = "UPDATE users SET totp_confirmed_at = now(), totp_last_step = 5 WHERE id = $1"
    await run_sql(scenario, statement, id_of(name))


async def test_disabled_user_loses_every_session_at_once(scenario: Scenario) -> None:
    # Catches: `disable_account` without `revoke_sessions`, or without the change of `is_active`.
    browser = await open_browser_with_passwords(scenario)
    await browser.sign_in()
    assert await disable(scenario, " WORKER_NORTH@fsc.example") == 2
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await scenario.worker_north.get("/v1/me")).status_code == 401
    assert (await browser.sign_in()).status_code == 401
    (entry,) = await read_log(scenario, "users.disable")
    assert entry["record"] == {"kind": "user", "id": str(id_of("worker_north"))}
    assert entry["changes"] == {"is_active": {"old": True, "new": False}}
    user = expect_json(await scenario.admin.get(f"/v1/users/{id_of('worker_north')}"))
    assert (user["is_active"], user["version"]) == (False, 2)


@pytest.mark.parametrize("name", ["admin", "dpo", "manager"])
async def test_any_user_can_be_disabled_and_again(scenario: Scenario, name: str) -> None:
    await run_sql(scenario, "UPDATE users SET is_active = id = $1", id_of(name))
    for _ in range(2):
        await disable(scenario, f"{name}@fsc.example")
    assert await run_sql(scenario, "SELECT FROM users WHERE is_active") == []


async def test_disable_withdraws_the_pending_change_to_activate_the_account(scenario: Scenario) -> None:
    # Catches: `disable_account` without `withdraw_pending_changes`.
    path = f"/v1/users/{id_of('worker_north')}"
    expect_json(await scenario.admin.patch(path, {"is_active": False}, etag='"1"'))
    expect_json(await scenario.admin.patch(path, {"is_active": True}, etag='"2"'))
    await disable(scenario, WORKER)
    (change,) = expect_json(await scenario.dpo.get("/v1/pending-changes"))["items"]
    assert (change["kind"], change["status"], change["decided_by"]) == ("reactivation", "withdrawn", None)
    assert change["decided_at"] is not None


async def test_reset_of_a_user_without_confirmed_roles_takes_effect_at_once(
    scenario: Scenario, api_connection: Any
) -> None:
    done = await reset(scenario, OFFICER)
    assert done.pending_change_id is None
    assert (await scenario.me_officer.get("/v1/me")).status_code == 401
    browser = await sign_in_for_the_first_time(scenario, OFFICER, done.initial_password)
    assert expect_json(await browser.get("/v1/me"))["roles"] == ["me_officer"]
    (entry,) = await read_log(scenario, "users.reset_password")
    assert entry["changes"] == {"password": {"old": None, "new": "hidden"}}
    assert await raise_alerts(api_connection) == 1
    (alert,) = expect_json(await scenario.dpo.get("/v1/alerts"))["items"]
    assert (alert["kind"], alert["act"]) == ("account_change", "users.reset_password")
    assert alert["actor"] == {"id": None, "name": None}
    assert alert["record"] == {"kind": "user", "id": str(id_of("me_officer"))}
    (listed,) = expect_json(await scenario.dpo.get(alert["accesses"]))["items"]
    assert listed["event_id"] == entry["event_id"]
    acknowledged = await scenario.dpo.act(f"/v1/alerts/{alert['id']}", "acknowledge", {})
    assert acknowledged.status_code == 200, acknowledged.text


async def test_reset_of_a_user_with_confirmed_roles_needs_a_second_person(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: `reset_sign_in` that changes the password of every user.
    browser = await open_browser_with_passwords(scenario)
    requested = await reset(scenario, WORKER)
    assert (await scenario.worker_north.get("/v1/me")).status_code == 200
    assert (await browser.sign_in(password=requested.initial_password)).status_code == 401
    assert (await browser.sign_in()).status_code == 200
    change = await find_pending_change(scenario.dpo)
    assert (change["id"], change["requested_by_id"], change["requested_by"]) == (
        str(requested.pending_change_id),
        None,
        None,
    )
    (awaiting,) = expect_json(await scenario.dpo.get("/v1/pending-changes?awaiting=me"))["items"]
    assert awaiting["id"] == change["id"]
    code = (await confirm_pending_change(scenario))["activation_code"]
    assert (await scenario.worker_north.get("/v1/me")).status_code == 401
    person = await sign_in_for_the_first_time(scenario, WORKER, requested.initial_password)
    assert (await person.get("/v1/cases")).status_code == 403
    assert await activate_account(person, code) == 204
    assert (await person.get("/v1/cases")).status_code == 200
    entries = await read_log(scenario, "users.reset_password")
    by_kind = {entry["record"]["kind"]: entry["changes"] for entry in entries}
    assert by_kind["user"] is None
    assert by_kind["pending_change"]["status"] == {"old": None, "new": "pending"}
    assert await raise_alerts(api_connection) == 2  # the request and the confirmation


async def test_person_concerned_cannot_confirm_the_reset(scenario: Scenario) -> None:
    requested = await reset(scenario, "dpo@fsc.example")
    path = f"/v1/pending-changes/{requested.pending_change_id}"
    assert expect_json(await scenario.dpo.get("/v1/pending-changes?awaiting=me"))["items"] == []
    refused = await scenario.dpo.act(path, "confirm")
    assert parse_unmet_conditions(refused) == {(None, "own_account")}
    assert (await scenario.manager.act(path, "confirm")).status_code == 200


async def test_administrator_cannot_withdraw_or_confirm_the_request_of_the_command_line(
    scenario: Scenario,
) -> None:
    requested = await reset(scenario, WORKER)
    path = f"/v1/pending-changes/{requested.pending_change_id}"
    assert (await scenario.admin.post(f"{path}/confirm", etag='"1"')).status_code == 403
    assert (await scenario.admin.post(f"{path}/withdraw", etag='"1"')).status_code == 404
    assert (
        await scenario.dpo.act(path, "reject", {"reason": "Not requested by the person."})
    ).status_code == 200


async def test_second_factor_is_removed_after_the_confirmation(scenario: Scenario) -> None:
    # Catches: `reset_sign_in` that ignores `removes_second_factor`.
    await enrol_second_factor(scenario, "me_officer")
    requested = await reset(scenario, OFFICER, removes_second_factor=True)
    (account,) = await list_users(scenario, "me_officer")
    assert account.has_second_factor
    assert (await confirm_pending_change(scenario))["remove_second_factor"] is True
    (account,) = await list_users(scenario, "me_officer")
    assert not account.has_second_factor
    await sign_in_for_the_first_time(scenario, OFFICER, requested.initial_password)
    assert len(await read_log(scenario, "users.reset_second_factor")) == 2


async def test_newer_request_replaces_the_one_of_the_command_line(scenario: Scenario) -> None:
    first = await reset(scenario, WORKER)
    expect_json(await scenario.admin.act(f"/v1/users/{id_of('worker_north')}", "reset-password"))
    third = await reset(scenario, WORKER)
    changes = expect_json(await scenario.dpo.get("/v1/pending-changes"))["items"]
    assert [
        (change["status"], change["decided_by"] and change["decided_by"]["name"]) for change in changes
    ] == [
        ("pending", None),
        ("withdrawn", None),
        ("withdrawn", "Admin"),
    ]
    assert [changes[0]["id"], changes[2]["id"]] == [
        str(third.pending_change_id),
        str(first.pending_change_id),
    ]


@pytest.mark.parametrize(
    ("email", "removes_second_factor", "error", "sentence", "outcome"),
    [
        ("nobody@fsc.example", False, NotFound, "No user has the email address", "not_found"),
        ("worker_south@fsc.example", False, Conflict, "is deactivated", "refused"),
        (WORKER, True, Conflict, "has no second factor", "refused"),
    ],
)
async def test_impossible_reset_is_refused_and_logged(
    scenario: Scenario,
    email: str,
    removes_second_factor: bool,
    error: type[Exception],
    sentence: str,
    outcome: str,
) -> None:
    # Catches: `run_as_command_line` without `_log_rejected_command`.
    await run_sql(scenario, "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_south"))
    with pytest.raises(error, match=sentence):
        await reset(scenario, email, removes_second_factor=removes_second_factor)
    act = "users.reset_second_factor" if removes_second_factor else "users.reset_password"
    (entry,) = await read_log(scenario, act)
    assert entry["outcome"] == outcome
    name = email.partition("@")[0]
    assert entry["record"] == (None if error is NotFound else {"kind": "user", "id": str(id_of(name))})


async def test_reset_without_a_possible_confirmer_is_refused(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET is_active = false WHERE roles = '{programme_manager}'")
    with pytest.raises(
        Conflict, match=r"run `users disable dpo@fsc\.example`, then `users create-confirmer`"
    ):
        await reset(scenario, "dpo@fsc.example")
    await disable(scenario, "dpo@fsc.example")
    with pytest.raises(Conflict, match="run `users create-confirmer` first"):
        await reset(scenario, WORKER)


async def test_list_contains_filtered_accounts_with_the_last_sign_in(scenario: Scenario) -> None:
    browser = await open_browser_with_passwords(scenario)
    await run_sql(scenario, "DELETE FROM sessions WHERE user_id = $1", id_of("worker_south"))
    await browser.sign_in()
    await disable(scenario, OFFICER)
    workers = {account.email: account for account in await list_users(scenario, "social_worker")}
    assert len(workers) == 3
    assert workers["worker_south@fsc.example"].last_sign_in_at is None
    assert workers[WORKER].to_document()["last_sign_in_at"].endswith("+00:00")
    assert [account.email for account in await list_users(scenario, only_inactive=True)] == [OFFICER]
    assert await list_users(scenario, "social_worker", only_inactive=True) == []
    with pytest.raises(InvalidInput):
        await list_users(scenario, "owner")
    outcomes = [entry["outcome"] for entry in await read_log(scenario, "users.list")]
    assert outcomes == ["invalid", "allowed", "allowed", "allowed"]


async def test_listing_accounts_raises_no_alert(scenario: Scenario, api_connection: Any) -> None:
    await list_users(scenario)
    assert await raise_alerts(api_connection) == 0


async def test_command_and_confirmation_at_once_leave_the_user_disabled(scenario: Scenario) -> None:
    # Both lock the user first, so that neither order is a deadlock.
    for _ in range(3):
        await run_sql(scenario, "UPDATE users SET is_active = true WHERE id = $1", id_of("worker_north"))
        requested = await reset(scenario, WORKER)
        path = f"/v1/pending-changes/{requested.pending_change_id}"
        confirmed, _ = await asyncio.gather(
            scenario.dpo.post(f"{path}/confirm", etag='"1"'), disable(scenario, WORKER)
        )
        assert confirmed.status_code in {200, 409}, confirmed.text
        (user,) = await run_sql(scenario, "SELECT is_active FROM users WHERE id = $1", id_of("worker_north"))
        assert not user["is_active"]
        sessions = "SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL"
        assert await run_sql(scenario, sessions, id_of("worker_north")) == []


async def test_two_concurrent_resets_leave_one_pending_change(scenario: Scenario) -> None:
    requests = await asyncio.gather(*(reset(scenario, WORKER) for _ in range(3)))
    change = await find_pending_change(scenario.dpo)
    assert change["id"] in {str(request.pending_change_id) for request in requests}
    assert (await scenario.worker_north.get("/v1/me")).status_code == 200
    assert USER_PASSWORD not in {request.initial_password for request in requests}
