"""Acts on accounts and configuration are in the access log with record, old and new values, and without secrets."""

import re
from typing import Any

import httpx

from app.access.configuration_changes import CONFIGURATION_KINDS
from tests.support.fund import (
    create_approved_disbursement,
    create_deposit,
    create_fund,
    create_paid_disbursement,
)
from tests.support.payloads import HOSPITAL_PAYLOAD
from tests.support.responses import expect_json, get_etag
from tests.support.scenario import Scenario, id_of

Changes = dict[str, dict[str, Any]]


async def list_logged_changes(
    scenario: Scenario, response: httpx.Response
) -> dict[str, tuple[str, Changes | None]]:
    """Return id and changes of each record of a successful act, by kind."""
    assert response.status_code < 300, response.text
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {(entry["outcome"], entry["child_id"]) for entry in entries} == {("allowed", None)}
    logged = {entry["record"]["kind"]: (entry["record"]["id"], entry["changes"]) for entry in entries}
    assert len(logged) == len(entries)
    return logged


async def get_logged_change(scenario: Scenario, response: httpx.Response) -> tuple[str, str, Changes | None]:
    """Return kind and id of the record of a successful act, and its changes."""
    ((kind, (record_id, changes)),) = (await list_logged_changes(scenario, response)).items()
    return kind, record_id, changes


async def test_acts_on_a_user_are_logged_with_old_and_new_values(scenario: Scenario) -> None:
    # Catches: `replace_memberships` without `record_change`; SECRET_COLUMNS without password_hash.
    admin = scenario.admin
    team = {"team_id": str(id_of("north")), "is_supervisor": False}
    payload = {"email": "new@fsc.example", "name": "New Worker", "roles": ["me_officer"], "teams": [team]}
    created = await admin.post("/v1/users", payload)
    user = expect_json(created, 201)
    kind, record_id, changes = await get_logged_change(scenario, created)
    assert (kind, record_id) == ("user", user["id"])
    assert changes is not None
    assert changes["roles"] == {"old": None, "new": ["me_officer"]}
    assert changes["email"] == {"old": None, "new": "new@fsc.example"}
    assert changes["password"] == {"old": None, "new": "hidden"}
    assert changes["teams"] == {"old": [], "new": [team]}
    path = f"/v1/users/{user['id']}"
    patch: dict[str, list[Any]] = {"roles": [], "teams": []}
    changed = await admin.patch(path, patch, etag=await get_etag(path, admin))
    assert await get_logged_change(scenario, changed) == (
        "user",
        user["id"],
        {
            "roles": {"old": ["me_officer"], "new": []},
            "teams": {"old": [team], "new": []},
        },
    )
    reset = await admin.post(f"{path}/reset-password", {}, etag=await get_etag(path, admin))
    password = expect_json(reset)["initial_password"]
    hidden = {"password": {"old": "hidden", "new": "hidden"}}
    assert await get_logged_change(scenario, reset) == ("user", user["id"], hidden)
    ended = await admin.post(f"{path}/end-sessions", etag=await get_etag(path, admin))
    assert await get_logged_change(scenario, ended) == ("user", user["id"], None)
    log = await scenario.dpo.get("/v1/audit/accesses", params={"record_id": user["id"], "limit": 200})
    assert len([entry for entry in expect_json(log)["items"] if entry["changes"]]) == 3
    for secret in (password, user["initial_password"], "argon2"):
        assert secret not in log.text


async def test_request_and_confirmation_of_rights_are_logged(scenario: Scenario) -> None:
    # Catches: `request_change` without `record_change`; `confirm_pending_change` without `record_function_changes`.
    path, team = f"/v1/users/{id_of('me_officer')}", str(id_of("north"))
    grant = {
        "roles": ["me_officer", "supervisor"],
        "teams": [{"team_id": team, "is_supervisor": True}],
    }
    requested = await scenario.admin.patch(path, grant, etag='"1"')
    change_id = expect_json(requested)["pending_changes"][0]["id"]
    logged = await list_logged_changes(scenario, requested)
    assert logged["user"] == (
        str(id_of("me_officer")),
        {"teams": {"old": [], "new": [{"team_id": team, "is_supervisor": False}]}},
    )
    assert logged["pending_change"] == (
        change_id,
        {
            "kind": {"old": None, "new": "rights"},
            "status": {"old": None, "new": "pending"},
            "roles": {"old": None, "new": ["supervisor"]},
            "supervised_team_ids": {"old": None, "new": [team]},
        },
    )
    confirmed = await scenario.dpo.act(f"/v1/pending-changes/{change_id}", "confirm")
    code = expect_json(confirmed)["activation_code"]
    logged = await list_logged_changes(scenario, confirmed)
    assert logged["user"][1] == {
        "roles": {"old": ["me_officer"], "new": ["me_officer", "supervisor"]},
        "activation_code": {"old": None, "new": "hidden"},
        "supervised_teams_added": {"old": [], "new": [team]},
    }
    changes = logged["pending_change"][1]
    assert changes is not None
    assert changes["status"] == {"old": "pending", "new": "confirmed"}
    assert changes["decided_by_id"]["new"] == str(id_of("dpo"))
    log = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200})
    assert code not in log.text


async def test_password_reset_that_waits_is_logged_without_the_password(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('worker_north')}"
    requested = await scenario.admin.act(path, "reset-password")
    change_id = expect_json(requested)["pending_changes"][0]["id"]
    confirmed = await scenario.dpo.act(f"/v1/pending-changes/{change_id}", "confirm")
    changes = (await list_logged_changes(scenario, confirmed))["user"][1]
    assert changes is not None
    assert changes["password"] == {"old": None, "new": "hidden"}
    log = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200})
    assert "argon2" not in log.text
    assert expect_json(requested)["initial_password"] not in log.text


async def test_confirmed_limit_and_secret_are_logged(scenario: Scenario) -> None:
    limit = {
        "role": "supervisor",
        "act": "approve",
        "currency": "USD",
        "amount": None,
        "starts_on": "2027-01-01",
    }
    change = expect_json(await scenario.admin.post("/v1/approval-limits", limit))["pending_changes"][0]
    confirmed = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "confirm")
    changes = (await list_logged_changes(scenario, confirmed))["approval_limit"][1]
    assert changes is not None
    assert changes["role"] == {"old": None, "new": "supervisor"}
    secret = expect_json(await scenario.admin.post(f"/v1/api-clients/{id_of('partner_one')}/secrets"), 201)
    confirmed = await scenario.dpo.act(f"/v1/pending-changes/{secret['pending_changes'][0]['id']}", "confirm")
    assert (await list_logged_changes(scenario, confirmed))["api_client"] == (
        str(id_of("partner_one")),
        {"secret_id": {"old": None, "new": secret["id"]}},
    )


async def test_rejected_act_on_a_user_logs_the_user(scenario: Scenario) -> None:
    # Catches: `conclude_rejected` without `find_configuration_kind`.
    path = f"/v1/users/{id_of('worker_north')}"
    refused = await scenario.admin.patch(path, {"name": "X"}, etag='"99"')
    (entry,) = await scenario.list_access_entries(refused.headers["x-request-id"])
    assert (entry["outcome"], entry["record"]) == (
        "conflict",
        {"kind": "user", "id": str(id_of("worker_north"))},
    )


async def test_acts_on_teams_agencies_and_api_clients_are_logged(scenario: Scenario) -> None:
    # Catches: `delete_api_client_secret` without `record_change`.
    admin = scenario.admin
    for path, payload, patch in (
        ("/v1/teams", {"name": "East"}, {"name": "Far East"}),
        ("/v1/agencies", {"name": "Hope", "kind": "partner"}, {"name": "New Hope"}),
        (
            "/v1/api-clients",
            {"agency_id": str(id_of("Safe Steps")), "name": "Desk", "scopes": ["reports"]},
            {"name": "New desk"},
        ),
    ):
        created = await admin.post(path, payload)
        record = expect_json(created, 201)
        kind, record_id, changes = await get_logged_change(scenario, created)
        assert record_id == record["id"]
        assert changes is not None
        assert changes["name"] == {"old": None, "new": payload["name"]}
        record_path = f"{path}/{record['id']}"
        changed = await admin.patch(record_path, patch, etag=await get_etag(record_path, admin))
        expected = {"name": {"old": payload["name"], "new": patch["name"]}}
        assert await get_logged_change(scenario, changed) == (kind, record["id"], expected)
    secret = await admin.post(f"{record_path}/secrets")
    secret_id = expect_json(secret, 201)["id"]
    added: Changes = {"secret_id": {"old": None, "new": secret_id}}
    assert await get_logged_change(scenario, secret) == ("api_client", record["id"], added)
    deleted = await admin.request("DELETE", f"{record_path}/secrets/{secret_id}")
    removed: Changes = {"secret_id": {"old": secret_id, "new": None}}
    assert await get_logged_change(scenario, deleted) == ("api_client", record["id"], removed)


async def test_acts_on_funds_rates_limits_and_providers_are_logged(scenario: Scenario) -> None:
    # Catches: CONFIGURATION_KINDS without ExchangeRate.
    finance, admin = scenario.finance, scenario.admin
    fund = await create_fund(scenario, holding="")
    path = f"/v1/funds/{fund['id']}"
    changed = await finance.patch(path, {"donor": "Others"}, etag=await get_etag(path, finance))
    expected = {"donor": {"old": "Friends of Cambodia", "new": "Others"}}
    assert await get_logged_change(scenario, changed) == ("fund", fund["id"], expected)
    payload = {
        "amount": {"amount": "5.00", "currency": "USD"},
        "received_on": "2026-02-01",
        "reference": "Q1",
    }
    deposit = await finance.post(f"{path}/deposits", payload)
    kind, record_id, changes = await get_logged_change(scenario, deposit)
    assert (kind, record_id) == ("deposit", expect_json(deposit, 201)["id"])
    assert changes is not None
    assert (changes["amount"]["new"], changes["fund_id"]["new"]) == (500, fund["id"])
    rate = {"on": "2026-02-01", "rate": "4100.00", "source": "National Bank"}
    recorded = await finance.post("/v1/exchange-rates", rate)
    kind, record_id, changes = await get_logged_change(scenario, recorded)
    assert (kind, changes and changes["riel_hundredths"]) == ("exchange_rate", {"old": None, "new": 410000})
    limit = {
        "role": "supervisor",
        "act": "approve",
        "currency": "USD",
        "amount": {"amount": "50.00", "currency": "USD"},
        "starts_on": "2027-01-01",
    }
    limited = await admin.post("/v1/approval-limits", limit)
    kind, _, changes = await get_logged_change(scenario, limited)
    assert (kind, changes and changes["amount"]) == ("approval_limit", {"old": None, "new": 5000})
    provider = await scenario.supervisor_north.post("/v1/providers", HOSPITAL_PAYLOAD)
    kind, record_id, changes = await get_logged_change(scenario, provider)
    assert (kind, record_id) == ("provider", expect_json(provider, 201)["id"])
    assert changes is not None
    assert changes["kind"] == {"old": None, "new": "hospital"}


async def test_changes_are_shown_to_the_data_protection_officer_only(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('worker_south')}"
    changed = await scenario.admin.patch(path, {"name": "X"}, etag='"1"')
    assert (await get_logged_change(scenario, changed))[2] is not None
    for name in ("supervisor_south", "supervisor_both"):
        log = await scenario.client_for(name).get("/v1/audit/accesses", params={"limit": 200})
        assert [entry for entry in expect_json(log)["items"] if entry["changes"]] == []


async def test_ledger_and_statement_name_the_children_of_the_payments(scenario: Scenario) -> None:
    # Catches: the ledger without ShownRecord; the statement without PAYMENTS_QUERY.
    fund, other_fund = await create_fund(scenario), await create_fund(scenario, name="other")
    cases = [await scenario.open_case(), await scenario.open_case()]
    for case in cases:
        await create_paid_disbursement(scenario, case, fund)
    await create_approved_disbursement(scenario, await scenario.open_case(), other_fund)
    await create_deposit(scenario, fund, "1.00")
    children = {case["child_id"] for case in cases}
    statement = f"/v1/funds/{fund['id']}/statements/2026-01-01/2029-12-31"
    for caller in (scenario.finance, scenario.manager):
        for path in (
            f"/v1/funds/{fund['id']}/ledger?limit=200",
            statement,
            f"{statement}/statement.xlsx",
            f"{statement}/statement.pdf",
        ):
            response = await caller.get(path)
            assert response.status_code == 200, response.text
            entries = await scenario.list_access_entries(response.headers["x-request-id"])
            assert {entry["child_id"] for entry in entries} == children, (path, caller.name)
            assert {entry["record"]["kind"] for entry in entries} == {"disbursement"}
            assert not any(child in response.text for child in children)
    earlier = f"/v1/funds/{fund['id']}/statements/2020-01-01/2020-12-31"
    response = await scenario.finance.get(earlier)
    assert [e["child_id"] for e in await scenario.list_access_entries(response.headers["x-request-id"])] == [
        None
    ]


async def test_calendar_feeds_and_ended_sessions_of_a_user_are_logged(scenario: Scenario) -> None:
    # Catches: `record_change` in one of the four acts removed. A feed and a session give access to the account.
    worker, user_id = scenario.worker_north, str(id_of("worker_north"))
    created = await worker.post("/v1/me/calendar-feeds", {"name": "My phone"})
    feed = expect_json(created, 201)
    added: Changes = {"calendar_feed_id": {"old": None, "new": feed["id"]}}
    assert await get_logged_change(scenario, created) == ("user", user_id, added)
    revoked = await worker.request("DELETE", f"/v1/me/calendar-feeds/{feed['id']}")
    removed: Changes = {"calendar_feed_id": {"old": feed["id"], "new": None}}
    assert await get_logged_change(scenario, revoked) == ("user", user_id, removed)
    session_id = str(id_of("session of worker_north"))
    ended = await worker.request("DELETE", f"/v1/me/sessions/{session_id}")
    assert await get_logged_change(scenario, ended) == (
        "user",
        user_id,
        {"session_id": {"old": session_id, "new": None}},
    )
    all_ended = await scenario.worker_south.request("DELETE", "/v1/me/sessions")
    assert await get_logged_change(scenario, all_ended) == (
        "user",
        str(id_of("worker_south")),
        {"sessions": {"old": 1, "new": 0}},
    )
    log = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200})
    assert feed["url"].rpartition("/")[2] not in log.text


async def test_rejected_act_resolves_every_kind_of_configuration(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: a kind is added to CONFIGURATION_KINDS and not to `access.find_configuration_kind`.
    del scenario
    source = await superuser_connection.fetchval(
        "SELECT prosrc FROM pg_proc WHERE proname = 'find_configuration_kind'"
    )
    assert set(re.findall(r"SELECT '(\w+)'", source)) == set(CONFIGURATION_KINDS.values())
