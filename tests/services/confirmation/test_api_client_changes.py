"""Access of API clients to referrals needs a second person, because it shows data of children."""

import uuid
from typing import Any

import asyncpg
import httpx
import pytest

from app.access.jwk import export_public_jwk
from app.access.keyring import KeyRing
from tests.support.browser import run_sql
from tests.support.confirmations import confirm_pending_change, find_pending_change
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

PARTNER_PATH = f"/v1/api-clients/{id_of('partner_one')}"
NEW = {"agency_id": str(id_of("Safe Steps")), "name": "CMS", "scopes": ["referrals", "reports"]}


async def request_token(scenario: Scenario, client: dict[str, Any], secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": secret}
    return await scenario.http.post("/v1/oauth/token", data=form)


async def test_new_client_gets_the_scope_referrals_after_a_confirmation(scenario: Scenario) -> None:
    created = expect_json(await scenario.admin.post("/v1/api-clients", NEW), 201)
    assert (created["scopes"], created["pending_changes"][0]["kind"]) == (["reports"], "api_client")
    token = expect_json(await request_token(scenario, created, created["client_secret"]))
    assert token["scope"] == "reports"
    change = await find_pending_change(scenario.dpo)
    assert change["api_access"] == {
        "api_client_id": created["id"],
        "api_client": {"id": created["id"], "name": "CMS"},
        "scopes": ["referrals", "reports"],
        "is_active": True,
        "secret_added": False,
        "key_replaced": False,
    }
    confirmed = await confirm_pending_change(scenario)
    assert confirmed["activation_code"] is None
    token = expect_json(await request_token(scenario, created, created["client_secret"]))
    assert token["scope"].split() == ["referrals", "reports"]


async def test_secret_of_a_client_with_the_scope_works_after_a_confirmation(scenario: Scenario) -> None:
    secret = expect_json(await scenario.admin.post(f"{PARTNER_PATH}/secrets"), 201)
    assert [change["kind"] for change in secret["pending_changes"]] == ["api_client_secret"]
    assert (await request_token(scenario, secret, secret["client_secret"])).status_code == 401
    assert expect_json(await scenario.admin.get(PARTNER_PATH))["secrets"] == []
    await confirm_pending_change(scenario)
    assert (await request_token(scenario, secret, secret["client_secret"])).status_code == 200
    (active,) = expect_json(await scenario.admin.get(PARTNER_PATH))["secrets"]
    assert active["id"] == secret["id"]


async def test_key_and_reactivation_of_a_client_with_the_scope_wait(
    scenario: Scenario, key_ring: KeyRing
) -> None:
    key = export_public_jwk(key_ring.signing_keys[key_ring.signing_active].public_key())
    pending = expect_json(await scenario.admin.patch(PARTNER_PATH, {"public_key": key}, etag='"1"'))
    assert (pending["public_key"], len(pending["pending_changes"])) == (None, 1)
    assert (await find_pending_change(scenario.dpo))["api_access"]["key_replaced"] is True
    # Removing rights takes effect at once, and replaces the pending change.
    off = expect_json(await scenario.admin.patch(PARTNER_PATH, {"is_active": False}, etag='"2"'))
    assert (off["is_active"], off["pending_changes"]) == (False, [])
    back = expect_json(await scenario.admin.patch(PARTNER_PATH, {"is_active": True}, etag='"3"'))
    assert (back["is_active"], len(back["pending_changes"])) == (False, 1)
    await confirm_pending_change(scenario)
    assert expect_json(await scenario.admin.get(PARTNER_PATH))["is_active"] is True


async def test_change_is_refused_if_the_client_has_changed_since_the_request(scenario: Scenario) -> None:
    path = f"/v1/api-clients/{id_of('reporting')}"
    wide = {"scopes": ["referrals", "reports"]}
    expect_json(await scenario.admin.patch(path, wide, etag='"1"'))
    change = await find_pending_change(scenario.dpo)
    renamed = expect_json(await scenario.admin.patch(path, {"name": "Statistics"}, etag='"2"'))
    assert len(renamed["pending_changes"]) == 1
    # Another administrator cannot see the request, so a removal of rights by SQL stands for their act.
    narrow = "UPDATE api_clients SET scopes = '{}' WHERE name = 'Statistics'"
    await run_sql(scenario, narrow)
    refused = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert (refused.status_code, refused.json()["unmet"][0]["code"]) == (409, "replaced")


async def test_confirmation_is_rejected_if_the_agency_cannot_refer(scenario: Scenario) -> None:
    agency = expect_json(await scenario.admin.post("/v1/agencies", {"name": "New", "kind": "partner"}), 201)
    client = {**NEW, "agency_id": agency["id"], "id": str(uuid.uuid4())}
    expect_json(await scenario.admin.post("/v1/api-clients", client), 201)
    donor = await scenario.admin.patch(f"/v1/agencies/{agency['id']}", {"kind": "donor"}, etag='"1"')
    assert donor.status_code == 200
    change = await find_pending_change(scenario.dpo)
    refused = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert refused.json()["unmet"][0]["code"] == "agency_kind"


async def test_agency_with_an_active_client_is_not_activated_again(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the activation of the agency gives the client the scope again, also by SQL with the password of the API.
    admin, path = scenario.admin, f"/v1/agencies/{id_of('Helping Hands')}"
    expect_json(await admin.patch(path, {"is_active": False}, etag='"1"'))
    refused = await admin.patch(path, {"is_active": True}, etag='"2"')
    unmet = expect_json(refused, 409)["unmet"]
    assert [(each["pointer"], each["code"]) for each in unmet] == [("/is_active", "sends_referrals")]
    with pytest.raises(asyncpg.CheckViolationError):
        await api_connection.execute("UPDATE agencies SET is_active = true")
    expect_json(await admin.patch(PARTNER_PATH, {"is_active": False}, etag='"1"'))
    assert expect_json(await admin.patch(path, {"is_active": True}, etag='"2"'))["is_active"] is True
    client = expect_json(await admin.patch(PARTNER_PATH, {"is_active": True}, etag='"2"'))
    assert (client["is_active"], len(client["pending_changes"])) == (False, 1)
