"""Administration of agencies and API clients."""

import asyncio
import uuid
from typing import Any, get_args

from app.access.jwk import export_public_jwk
from app.access.keyring import KeyRing
from app.access.roles import ROLE_BY_SCOPE
from app.schemas.api_clients import ApiScope
from tests.support.browser import run_sql
from tests.support.scenario import Scenario, id_of


def client(**changes: Any) -> dict[str, Any]:
    return {"agency_id": str(id_of("Safe Steps")), "name": "CMS", "scopes": ["referrals"], **changes}


def public_key(keys: KeyRing) -> dict[str, str]:
    return export_public_jwk(keys.signing_keys[keys.signing_active].public_key())


async def test_client_secret_is_returned_only_at_creation(scenario: Scenario) -> None:
    response = await scenario.admin.post("/v1/api-clients", client())
    assert response.status_code == 201
    created = response.json()
    assert created["client_id"] == created["id"]
    assert len(created["client_secret"]) >= 43
    path = response.headers["location"]
    read = (await scenario.admin.get(path)).json()
    assert "client_secret" not in read
    assert [s["id"] for s in read["secrets"]] == [s["id"] for s in created["secrets"]]
    assert created["client_secret"] not in str(await run_sql(scenario, "SELECT * FROM api_client_secrets"))


async def test_client_has_at_most_two_active_secrets_under_concurrency(scenario: Scenario) -> None:
    path = (await scenario.admin.post("/v1/api-clients", client())).headers["location"]
    responses = await asyncio.gather(*(scenario.admin.post(f"{path}/secrets") for _ in range(4)))
    assert sorted(a.status_code for a in responses) == [201, 409, 409, 409]
    rejected = next(a for a in responses if a.status_code == 409)
    assert rejected.json()["unmet"][0]["code"] == "two_alive"
    alive = (await scenario.admin.get(path)).json()["secrets"]
    assert len(alive) == 2
    assert (await scenario.admin.request("DELETE", f"{path}/secrets/{alive[0]['id']}")).status_code == 204
    assert (await scenario.admin.request("DELETE", f"{path}/secrets/{alive[0]['id']}")).status_code == 404
    other = f"/v1/api-clients/{id_of('partner_one')}/secrets/{alive[1]['id']}"
    assert (await scenario.admin.request("DELETE", other)).status_code == 404
    assert (await scenario.admin.post(f"{path}/secrets")).status_code == 201
    assert (await scenario.admin.post(f"/v1/api-clients/{uuid.uuid4()}/secrets")).status_code == 404


async def test_client_with_own_key_gets_no_secret(scenario: Scenario, key_ring: KeyRing) -> None:
    key = public_key(key_ring)
    created = await scenario.admin.post(
        "/v1/api-clients", client(public_key={**key, "use": "sig", "alg": "ES256"})
    )
    assert (created.status_code, created.json()["client_secret"], created.json()["secrets"]) == (
        201,
        None,
        [],
    )
    assert created.json()["public_key"] == key
    path = created.headers["location"]
    removed = await scenario.admin.patch(path, {"public_key": None}, etag='"1"')
    assert removed.json()["public_key"] is None
    off_curve = {**key, "y": key["x"]}
    bad = [off_curve, {**key, "d": key["x"]}, {**key, "crv": "P-384"}, {"kty": "oct", "k": key["x"]}]
    for wrong in bad:
        response = await scenario.admin.patch(path, {"public_key": wrong}, etag='"2"')
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"].startswith("/public_key")
        assert (await scenario.admin.post("/v1/api-clients", client(public_key=wrong))).status_code == 422


async def test_referral_scope_requires_referring_agency(scenario: Scenario) -> None:
    donor = await scenario.admin.post("/v1/agencies", {"name": "Generous", "kind": "donor"})
    assert donor.status_code == 201
    rejected = await scenario.admin.post("/v1/api-clients", client(agency_id=donor.json()["id"]))
    assert (rejected.status_code, rejected.json()["errors"][0]["pointer"]) == (422, "/scopes")
    reporting = client(agency_id=donor.json()["id"], scopes=["reports"])
    created = await scenario.admin.post("/v1/api-clients", reporting)
    assert created.status_code == 201
    more = await scenario.admin.patch(created.headers["location"], {"scopes": ["referrals"]}, etag='"1"')
    assert more.status_code == 422
    path = f"/v1/agencies/{id_of('Safe Steps')}"
    changed = await scenario.admin.patch(path, {"kind": "donor"}, etag='"1"')
    assert (changed.status_code, changed.json()["unmet"][0]["pointer"]) == (409, "/kind")
    response = await scenario.admin.post("/v1/api-clients", client(agency_id=str(uuid.uuid4())))
    assert response.json()["errors"][0]["pointer"] == "/agency_id"
    unknown = await scenario.admin.post("/v1/api-clients", client(scopes=["everything"]))
    assert unknown.json()["errors"][0]["pointer"] == "/scopes/0"


async def test_removed_scope_and_deactivation_apply_to_next_request(scenario: Scenario) -> None:
    path = f"/v1/api-clients/{id_of('partner_one')}"
    assert (await scenario.partner_one.get("/v1/referrals")).status_code == 200
    narrowed = await scenario.admin.patch(path, {"scopes": ["reports"]}, etag='"1"')
    assert narrowed.json()["scopes"] == ["reports"]
    assert (await scenario.partner_one.get("/v1/referrals")).status_code == 403
    assert (await scenario.admin.patch(path, {"is_active": False}, etag='"2"')).status_code == 200
    assert (await scenario.partner_one.get("/v1/referrals")).status_code == 401
    agency = f"/v1/agencies/{id_of('Safe Steps')}"
    assert (await scenario.partner_two.get("/v1/referrals")).status_code == 200
    off = await scenario.admin.patch(agency, {"is_active": False}, etag='"1"')
    assert off.json()["is_active"] is False
    assert (await scenario.partner_two.get("/v1/referrals")).status_code == 401


async def test_agencies_and_clients_are_filtered_by_their_fields(scenario: Scenario) -> None:
    partners = (await scenario.worker_north.get("/v1/agencies?kind=partner")).json()["items"]
    assert {a["name"] for a in partners} == {"Helping Hands", "Safe Steps"}
    path = f"/v1/agencies/{id_of('Helping Hands')}"
    renamed = await scenario.admin.patch(path, {"name": "Helping Hands Cambodia"}, etag='"1"')
    assert renamed.json()["name"] == "Helping Hands Cambodia"
    assert (await scenario.worker_north.get(path)).json()["name"] == "Helping Hands Cambodia"
    assert (
        await scenario.admin.post("/v1/agencies", {"name": "Safe Steps", "kind": "donor"})
    ).status_code == 409
    mine = (await scenario.admin.get(f"/v1/api-clients?agency_id={id_of('Safe Steps')}")).json()["items"]
    assert [c["name"] for c in mine] == ["partner_two"]
    assert (await scenario.admin.get("/v1/api-clients?is_active=false")).json()["items"] == []
    assert (await scenario.worker_north.get("/v1/api-clients")).status_code == 403


def test_scopes_in_schema_equal_scopes_in_policy() -> None:
    assert set(get_args(ApiScope.__value__)) == set(ROLE_BY_SCOPE)
