"""Changes of accounts that need a second person."""

import asyncio
from typing import Any

import pytest

from tests.support.browser import USER_PASSWORD, open_browser, open_browser_with_passwords, run_sql
from tests.support.confirmations import (
    activate_account,
    confirm_pending_change,
    find_pending_change,
    sign_in_for_the_first_time,
)
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario, id_of

NEW = {"email": "sok.dara@fsc.example", "name": "Sok Dara"}


async def create_user(scenario: Scenario, **fields: Any) -> dict[str, Any]:
    user: dict[str, Any] = expect_json(await scenario.admin.post("/v1/users", {**NEW, **fields}), 201)
    return user


async def read_user(scenario: Scenario, name_or_id: str) -> dict[str, Any]:
    user: dict[str, Any] = expect_json(await scenario.admin.get(f"/v1/users/{name_or_id}"))
    return user


@pytest.mark.parametrize(
    "role",
    [
        "social_worker", "supervisor", "programme_manager", "finance_officer", "data_protection_officer",
        "administrator",
    ],
)  # fmt: skip
async def test_role_of_a_new_user_waits_for_a_second_person(scenario: Scenario, role: str) -> None:
    user = await create_user(scenario, roles=["me_officer", role])
    assert user["roles"] == ["me_officer"]
    (change,) = user["pending_changes"]
    assert (change["kind"], change["roles"], change["supervised_teams"]) == ("rights", [role], [])
    confirmed = await confirm_pending_change(scenario)
    assert confirmed["id"] == change["id"]
    assert (confirmed["status"], confirmed["decided_by"]["name"]) == ("confirmed", "Dpo")
    granted = await read_user(scenario, user["id"])
    assert (granted["roles"], granted["pending_changes"]) == (sorted(["me_officer", role]), [])
    assert granted["activation_required"] is True


async def test_granted_role_has_no_effect_until_the_person_enters_the_activation_code(
    scenario: Scenario,
) -> None:
    # The administrator knows the initial password, the confirmer knows the code: neither can act as the person.
    user = await create_user(scenario, roles=["social_worker"])
    browser = await sign_in_for_the_first_time(scenario, NEW["email"], user["initial_password"])
    me = expect_json(await browser.get("/v1/me"))
    assert (me["roles"], me["activation_required"]) == ([], False)
    (change,) = expect_json(await browser.get("/v1/pending-changes"))["items"]
    assert (change["roles"], change["person_email"]) == (["social_worker"], NEW["email"])
    code = (await confirm_pending_change(scenario))["activation_code"]
    assert expect_json(await browser.get("/v1/me"))["activation_required"] is True
    assert (await browser.get("/v1/cases")).status_code == 403
    assert await activate_account(browser, "0000-0000-0000-0000-0000") == 422
    assert await activate_account(browser, f" {code.upper()} ") == 204
    assert (await browser.get("/v1/cases")).status_code == 200
    assert await activate_account(browser, code) == 422


async def test_activation_code_expires_after_seven_days(scenario: Scenario) -> None:
    user = await create_user(scenario, roles=["social_worker"])
    browser = await sign_in_for_the_first_time(scenario, NEW["email"], user["initial_password"])
    code = (await confirm_pending_change(scenario))["activation_code"]
    days = "SELECT activation_expires_at - now() > '6 days 23 hours' AS is_long FROM users WHERE email = $1"
    assert (await run_sql(scenario, days, NEW["email"]))[0]["is_long"]
    await run_sql(scenario, "UPDATE users SET activation_expires_at = now()")
    assert await activate_account(browser, code) == 422


async def test_further_role_of_an_activated_user_needs_no_code(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('worker_north')}"
    roles = {"roles": ["social_worker", "supervisor"]}
    pending = expect_json(await scenario.admin.patch(path, roles, etag='"1"'))
    assert pending["roles"] == ["social_worker"]
    assert (await confirm_pending_change(scenario, by="manager"))["activation_code"] is None
    assert expect_json(await scenario.worker_north.get("/v1/me"))["roles"] == ["social_worker", "supervisor"]


async def test_role_that_was_removed_and_granted_again_needs_a_code(scenario: Scenario) -> None:
    # Without roles, one administrator can reset the password. The code keeps that password from being enough.
    path = f"/v1/users/{id_of('worker_north')}"
    expect_json(await scenario.admin.patch(path, {"roles": ["me_officer"]}, etag='"1"'))
    reset = expect_json(await scenario.admin.act(path, "reset-password"))
    assert reset["pending_changes"] == []
    expect_json(await scenario.admin.patch(path, {"roles": ["social_worker"]}, etag=f'"{reset["version"]}"'))
    assert (await confirm_pending_change(scenario))["activation_code"]
    browser = await sign_in_for_the_first_time(
        scenario, "worker_north@fsc.example", reset["initial_password"]
    )
    assert (await browser.get("/v1/cases")).status_code == 403


async def test_supervision_of_a_team_requires_confirmation(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_south")
    path = f"/v1/users/{id_of('supervisor_north')}"
    both = [{"team_id": str(id_of(team)), "is_supervisor": True} for team in ("north", "south")]
    pending = expect_json(await scenario.admin.patch(path, {"teams": both}, etag='"1"'))
    assert [(team["team_name"], team["is_supervisor"]) for team in pending["teams"]] == [
        ("north", True),
        ("south", False),
    ]
    assert [team["name"] for team in pending["pending_changes"][0]["supervised_teams"]] == ["south"]
    assert (await scenario.supervisor_north.get(f"/v1/cases/{case['id']}")).status_code == 404
    await confirm_pending_change(scenario)
    assert (await scenario.supervisor_north.get(f"/v1/cases/{case['id']}")).status_code == 200


async def test_roles_and_teams_of_several_requests_add_up(scenario: Scenario) -> None:
    user = await create_user(scenario, roles=["supervisor"])
    path, teams = f"/v1/users/{user['id']}", [{"team_id": str(id_of("north")), "is_supervisor": True}]
    changed = expect_json(await scenario.admin.patch(path, {"teams": teams}, etag='"1"'))
    (change,) = changed["pending_changes"]
    assert (change["roles"], [team["name"] for team in change["supervised_teams"]]) == (
        ["supervisor"],
        ["north"],
    )
    renamed = expect_json(await scenario.admin.patch(path, {"name": "Sok Bopha"}, etag='"2"'))
    assert renamed["pending_changes"] == [change]
    emptied = expect_json(await scenario.admin.patch(path, {"roles": [], "teams": []}, etag='"3"'))
    assert emptied["pending_changes"] == []
    withdrawn = expect_json(await scenario.dpo.get("/v1/pending-changes?status=withdrawn"))["items"]
    assert len(withdrawn) == 2


async def test_reactivation_of_a_user_with_such_a_role_waits_for_a_second_person(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('worker_north')}"
    expect_json(await scenario.admin.patch(path, {"is_active": False}, etag='"1"'))
    back = expect_json(await scenario.admin.patch(path, {"is_active": True}, etag='"2"'))
    assert (back["is_active"], [change["kind"] for change in back["pending_changes"]]) == (
        False,
        ["reactivation"],
    )
    await confirm_pending_change(scenario)
    assert (await read_user(scenario, str(id_of("worker_north"))))["is_active"] is True


async def test_password_reset_of_such_a_user_waits_for_a_second_person(scenario: Scenario) -> None:
    browser = await open_browser_with_passwords(scenario)
    await browser.sign_in()
    path = f"/v1/users/{id_of('worker_north')}"
    reset = expect_json(await scenario.admin.act(path, "reset-password"))
    (change,) = reset["pending_changes"]
    assert change["kind"] == "password_reset"
    assert (await browser.get("/v1/me")).status_code == 200
    thief = open_browser(scenario, "192.0.2.77")
    assert (await thief.sign_in(password=reset["initial_password"])).status_code == 401
    confirmed = await confirm_pending_change(scenario)
    assert confirmed["remove_second_factor"] is False
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await browser.sign_in(password=USER_PASSWORD)).status_code == 401
    person = await sign_in_for_the_first_time(scenario, "worker_north@fsc.example", reset["initial_password"])
    assert (await person.get("/v1/cases")).status_code == 403
    assert await activate_account(person, confirmed["activation_code"]) == 204
    assert (await person.get("/v1/cases")).status_code == 200


@pytest.mark.parametrize(("name", "needs_code"), [("worker_north", True), ("me_officer", False)])
async def test_removal_of_a_second_factor_waits_for_a_second_person(
    scenario: Scenario, name: str, needs_code: bool
) -> None:
    await run_sql(scenario, "UPDATE users SET totp_confirmed_at = now(), totp_encrypted = 'x'")
    path = f"/v1/users/{id_of(name)}"
    lost = expect_json(await scenario.admin.act(path, "reset-password", {"remove_second_factor": True}))
    assert lost["mfa_enrolled"] is True
    confirmed = await confirm_pending_change(scenario)
    assert (confirmed["remove_second_factor"], bool(confirmed["activation_code"])) == (True, needs_code)
    assert (await read_user(scenario, str(id_of(name))))["mfa_enrolled"] is False
    sign_in = await open_browser(scenario).sign_in(name, password=lost["initial_password"])
    assert sign_in.json()["password_change_required"] is True


async def test_administrator_has_no_role_with_access_to_children_or_money(scenario: Scenario) -> None:
    both = {**NEW, "roles": ["administrator", "finance_officer"]}
    rejected = await scenario.admin.post("/v1/users", both)
    assert parse_faults(rejected) == {("/roles", "roles_exclusive")}
    user = await create_user(scenario, roles=["administrator"])
    path = f"/v1/users/{user['id']}"
    # Each request is valid on its own, but both together are not.
    await confirm_pending_change(scenario)
    changed = expect_json(await scenario.admin.patch(path, {"roles": ["social_worker"]}, etag='"2"'))
    assert changed["roles"] == []
    await run_sql(scenario, "UPDATE users SET roles = '{administrator}' WHERE id = $1", user["id"])
    change = await find_pending_change(scenario.dpo)
    refused = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert refused.json()["unmet"][0]["code"] == "roles_exclusive"


async def test_equal_request_returns_the_same_change_and_another_one_replaces_it(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('me_officer')}"
    grown = {"roles": ["me_officer", "finance_officer"]}
    first = expect_json(await scenario.admin.patch(path, grown, etag='"1"'))["pending_changes"]
    second = expect_json(await scenario.admin.patch(path, grown, etag='"2"'))["pending_changes"]
    assert first == second
    other = {"roles": ["me_officer", "social_worker"]}
    (third,) = expect_json(await scenario.admin.patch(path, other, etag='"3"'))["pending_changes"]
    assert third["id"] != first[0]["id"]
    old = expect_json(await scenario.dpo.get(f"/v1/pending-changes/{first[0]['id']}"))
    assert (old["status"], old["decided_by"]["name"]) == ("withdrawn", "Admin")


async def test_concurrent_confirmations_and_a_withdrawal_give_one_decision(scenario: Scenario) -> None:
    for round_number in range(3):
        await create_user(scenario, email=f"user{round_number}@fsc.example", roles=["social_worker"])
        change = await find_pending_change(scenario.dpo)
        path, etag = f"/v1/pending-changes/{change['id']}", '"1"'
        responses = await asyncio.gather(
            scenario.dpo.post(f"{path}/confirm", etag=etag),
            scenario.manager.post(f"{path}/confirm", etag=etag),
            scenario.admin.post(f"{path}/withdraw", etag=etag),
        )
        assert sorted(response.status_code for response in responses) == [200, 412, 412]


async def test_confirmer_who_is_deactivated_meanwhile_cannot_confirm(scenario: Scenario) -> None:
    await create_user(scenario, roles=["social_worker"])
    change = await find_pending_change(scenario.dpo)
    path = f"/v1/users/{id_of('dpo')}"
    confirmation, deactivation = await asyncio.gather(
        scenario.dpo.post(f"/v1/pending-changes/{change['id']}/confirm", etag='"1"'),
        scenario.admin.patch(path, {"is_active": False}, etag='"1"'),
    )
    assert deactivation.status_code == 200
    assert confirmation.status_code in {200, 401, 403}
    stored = expect_json(await scenario.manager.get(f"/v1/pending-changes/{change['id']}"))
    assert stored["status"] == ("confirmed" if confirmation.status_code == 200 else "pending")
