"""Confirm, reject, withdraw and read pending changes."""

import asyncpg
import pytest

from tests.support.browser import run_sql
from tests.support.confirmations import find_pending_change
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

USER_PATH = f"/v1/users/{id_of('me_officer')}"
GRANT = {"roles": ["me_officer", "finance_officer"]}
REASON = {"reason": "I do not know of this change."}


async def request_grant(scenario: Scenario) -> str:
    etag = (await scenario.admin.get(USER_PATH)).headers["etag"]
    user = expect_json(await scenario.admin.patch(USER_PATH, GRANT, etag=etag))
    return f"/v1/pending-changes/{user['pending_changes'][0]['id']}"


async def test_change_is_visible_to_the_people_involved_only(scenario: Scenario) -> None:
    path = await request_grant(scenario)
    for name in ("admin", "me_officer", "dpo", "manager"):
        change = expect_json(await scenario.client_for(name).get(path))
        assert (change["person"]["name"], change["requested_by"]["name"]) == ("Me Officer", "Admin")
    for name in ("worker_north", "supervisor_north", "finance"):
        assert (await scenario.client_for(name).get(path)).status_code == 404
        assert expect_json(await scenario.client_for(name).get("/v1/pending-changes"))["items"] == []
    assert (await scenario.partner_one.get(path)).status_code == 403


async def test_list_is_filtered_by_status_kind_and_awaiting(scenario: Scenario) -> None:
    await request_grant(scenario)

    async def count(name: str, query: str) -> int:
        page = expect_json(await scenario.client_for(name).get(f"/v1/pending-changes?{query}"))
        return len(page["items"])

    assert [
        await count("dpo", f"status={status}") for status in ("pending", "confirmed", "pending,expired")
    ] == [
        1,
        0,
        1,
    ]
    assert [await count("dpo", f"kind={kind}") for kind in ("rights", "approval_limit")] == [1, 0]
    names = ("dpo", "manager", "admin", "me_officer")
    assert [await count(name, "awaiting=me") for name in names] == [1, 1, 0, 0]
    counts = [expect_json(await scenario.client_for(name).get("/v1/me/counts")) for name in names]
    assert [item["pending_changes"] for item in counts] == [1, 1, 0, 0]


async def test_own_account_is_not_awaiting_its_confirmer(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('dpo')}"
    expect_json(await scenario.admin.act(path, "reset-password"))
    assert expect_json(await scenario.dpo.get("/v1/pending-changes?awaiting=me"))["items"] == []
    change = await find_pending_change(scenario.dpo)
    refused = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert (refused.status_code, refused.json()["unmet"][0]["code"]) == (409, "own_account")
    refused = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "reject", REASON)
    assert refused.json()["unmet"][0]["code"] == "own_account"
    expect_json(await scenario.manager.act(f"/v1/pending-changes/{change['id']}", "confirm"))


async def test_rejected_change_has_no_effect_and_shows_the_reason(scenario: Scenario) -> None:
    path = await request_grant(scenario)
    assert (await scenario.dpo.act(path, "reject", {"reason": "No."})).status_code == 422
    rejected = expect_json(await scenario.dpo.act(path, "reject", REASON))
    assert (rejected["status"], rejected["reason"]) == ("rejected", REASON["reason"])
    assert expect_json(await scenario.me_officer.get(path))["reason"] == REASON["reason"]
    refused = await scenario.dpo.act(path, "confirm")
    assert (refused.status_code, refused.json()["unmet"][0]["code"]) == (409, "status")
    user = expect_json(await scenario.admin.get(USER_PATH))
    assert (user["roles"], user["pending_changes"]) == (["me_officer"], [])


async def test_only_the_requester_withdraws_a_change(scenario: Scenario) -> None:
    path = await request_grant(scenario)
    assert (await scenario.dpo.act(path, "withdraw")).status_code == 403
    withdrawn = expect_json(await scenario.admin.act(path, "withdraw"))
    assert (withdrawn["status"], withdrawn["decided_by"]["name"]) == ("withdrawn", "Admin")


async def test_change_expires_after_72_hours(
    scenario: Scenario, superuser_connection: asyncpg.Connection
) -> None:
    path = await request_grant(scenario)
    hours = "SELECT extract(epoch FROM expires_at - created_at) / 3600 AS hours FROM pending_changes"
    assert round(await superuser_connection.fetchval(hours), 3) == 72
    await superuser_connection.execute("UPDATE pending_changes SET expires_at = now()")
    refused = await scenario.dpo.act(path, "confirm")
    assert refused.json()["unmet"][0]["code"] == "change_expired"
    assert expect_json(await scenario.dpo.get(path))["status"] == "expired"
    assert expect_json(await scenario.dpo.get("/v1/pending-changes?awaiting=me"))["items"] == []
    renewed = await request_grant(scenario)
    assert renewed != path
    expect_json(await scenario.dpo.act(renewed, "confirm"))


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE users SET is_active = false WHERE id = $1", "person_inactive"),
        ("UPDATE users SET roles = '{finance_officer,me_officer}' WHERE id = $1", "already_done"),
        (
            "UPDATE users SET is_active = false WHERE roles = '{administrator}' AND id <> $1",
            "requester_unfit",
        ),
        (
            "UPDATE users SET roles = '{me_officer}' WHERE roles = '{administrator}' AND id <> $1",
            "requester_unfit",
        ),
    ],
)
async def test_confirmation_repeats_the_checks(scenario: Scenario, statement: str, code: str) -> None:
    path = await request_grant(scenario)
    await run_sql(scenario, statement, id_of("me_officer"))
    refused = await scenario.dpo.act(path, "confirm")
    assert (refused.status_code, [item["code"] for item in refused.json()["unmet"]]) == (409, [code])


async def test_confirmation_is_safe_to_retry_and_repeats_no_code(scenario: Scenario) -> None:
    path = await request_grant(scenario)
    first = expect_json(await scenario.dpo.post(f"{path}/confirm", etag='"1"', key="one"))
    second = await scenario.dpo.post(f"{path}/confirm", etag='"1"', key="one")
    assert second.headers["idempotent-replayed"] == "true"
    assert first["activation_code"]
    assert second.json() == {**first, "activation_code": None}
    assert (await scenario.dpo.post(f"{path}/confirm", etag='"1"')).status_code == 412
    assert (await scenario.dpo.post(f"{path}/confirm")).status_code == 428
