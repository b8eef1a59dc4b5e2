"""Authentication of API clients (OAuth 2.0)."""

import asyncio
import base64
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws

from app.access.jwk import export_public_jwk
from app.access.passwords import hash_secret
from app.access.vault import get_vault
from tests.support.browser import run_sql
from tests.support.scenario import Scenario, id_of

ISSUER = "http://testserver"
SECRET = "a-secret-of-the-partner-of-forty-three-chars"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass
class Machine:
    """An API client of a partner."""

    scenario: Scenario
    id: str

    async def post(self, path: str, form: dict[str, str] | str, **headers: str) -> httpx.Response:
        if isinstance(form, str):
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
            return await self.scenario.http.post(f"/v1/oauth/{path}", content=form, headers=headers)
        return await self.scenario.http.post(f"/v1/oauth/{path}", data=form, headers=headers)

    async def token(self, **form: str) -> httpx.Response:
        proof = {"client_id": self.id, "client_secret": SECRET}
        return await self.post("token", {"grant_type": "client_credentials", **proof, **form})

    async def by_basic(self, secret: str = SECRET, **form: str) -> httpx.Response:
        pair = base64.b64encode(f"{quote(self.id)}:{quote(secret)}".encode()).decode()
        fields = {"grant_type": "client_credentials", **form}
        return await self.post("token", fields, authorization=f"Basic {pair}")

    async def by_key(self, assertion: str, **form: str) -> httpx.Response:
        proof = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}
        return await self.post("token", {"grant_type": "client_credentials", **proof, **form})

    def assertion(self, **claims: Any) -> str:
        default_claims = {
            "iss": self.id, "sub": self.id, "aud": ISSUER, "jti": uuid.uuid4().hex, "exp": int(time.time()) + 60,
        }  # fmt: skip
        signer = jwk.construct(KEY, "ES256")
        return str(jws.sign({**default_claims, **claims}, signer, algorithm="ES256"))

    async def referrals(self, token: str) -> httpx.Response:
        return await self.scenario.http.get("/v1/referrals", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
async def machine(scenario: Scenario) -> Machine:
    client_id = id_of("partner_one")
    insert = "INSERT INTO api_client_secrets (id, client_id, digest, created_at) VALUES ($1, $2, $3, now())"
    await run_sql(scenario, insert, uuid.uuid4(), client_id, hash_secret(SECRET))
    key = json.dumps(export_public_jwk(KEY.public_key()))
    await run_sql(scenario, "UPDATE api_clients SET public_key = $2 WHERE id = $1", client_id, key)
    return Machine(scenario, str(client_id))


async def test_client_secret_is_accepted_in_form_and_header(machine: Machine) -> None:
    for response in (await machine.token(), await machine.by_basic()):
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        token = response.json()
        assert {**token, "access_token": ""} == {
            "access_token": "", "token_type": "Bearer", "expires_in": 600, "scope": "referrals",
        }  # fmt: skip
        assert (await machine.referrals(token["access_token"])).status_code == 200
    used = await run_sql(
        machine.scenario, "SELECT last_used_at FROM api_clients WHERE last_used_at IS NOT NULL"
    )
    assert len(used) == 1
    (entry,) = await machine.scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["client_id"]) == ("client.sign_in", "allowed", machine.id)


async def test_client_assertion_works_once(machine: Machine) -> None:
    assertion = machine.assertion()
    assert (await machine.by_key(assertion)).status_code == 200
    again = await machine.by_key(assertion, client_id=machine.id)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert (await machine.by_key(machine.assertion(), client_id=machine.id)).status_code == 200


async def test_client_assertion_works_once_under_concurrency(machine: Machine) -> None:
    assertion = machine.assertion()
    responses = await asyncio.gather(*(machine.by_key(assertion) for _ in range(10)))
    assert sorted(response.status_code for response in responses) == [200] + [401] * 9


async def test_used_assertion_is_remembered_after_it_expires(machine: Machine) -> None:
    # Catches: a request deletes expired assertions. A server whose clock is slow would still accept such an assertion.
    assertion = machine.assertion()
    assert (await machine.by_key(assertion)).status_code == 200
    await run_sql(machine.scenario, "UPDATE used_assertions SET expires_at = now() - interval '50 minutes'")
    assert (await machine.by_key(machine.assertion())).status_code == 200
    assert (await machine.by_key(assertion)).status_code == 401


async def test_invalid_client_assertion_is_rejected(machine: Machine) -> None:
    present = int(time.time())
    changes: list[dict[str, Any]] = [
        {"aud": f"{ISSUER}/v1/oauth/token"}, {"aud": [ISSUER]}, {"exp": present - 1}, {"exp": present + 3600},
        {"iss": str(id_of("partner_two"))}, {"sub": str(id_of("partner_two"))}, {"sub": "unknown"}, {"jti": ""},
    ]  # fmt: skip
    responses = [await machine.by_key(machine.assertion(**change)) for change in changes]
    responses += [
        await machine.by_key(text) for text in ("x", "a.b.c", "." * 9000, machine.assertion()[:-4] + "AAAA")
    ]
    assert {(a.status_code, a.json()["error"]) for a in responses} == {(401, "invalid_client")}
    typeless = {"grant_type": "client_credentials", "client_assertion": machine.assertion()}
    assert (await machine.post("token", typeless)).json()["error"] == "invalid_request"


async def test_errors_follow_rfc_6749(machine: Machine) -> None:
    proof = {"client_id": machine.id, "client_secret": SECRET}
    grant = {"grant_type": "client_credentials"}
    tries: list[tuple[dict[str, str] | str, int, str]] = [
        ({**proof}, 400, "invalid_request"),
        ({**proof, "grant_type": ""}, 400, "invalid_request"),
        ({**proof, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**proof, "grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({**grant}, 401, "invalid_client"),
        ({**grant, "client_id": machine.id}, 401, "invalid_client"),
        ({**grant, "client_id": machine.id, "client_secret": "wrong"}, 401, "invalid_client"),
        ({**grant, "client_id": str(uuid.uuid4()), "client_secret": SECRET}, 401, "invalid_client"),
        ({**grant, "client_id": "x", "client_secret": SECRET}, 401, "invalid_client"),
        ({**grant, **proof, "client_assertion": "x"}, 400, "invalid_request"),
        ({**grant, **proof, "scope": "reports"}, 400, "invalid_scope"),
        ({**grant, **proof, "scope": "referrals everything"}, 400, "invalid_scope"),
        ("grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=%ff", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=%00", 400, "invalid_request"),
        ("&".join(f"a{i}=1" for i in range(40)), 400, "invalid_request"),
        ("a=" + "x" * 20_000, 400, "invalid_request"),
        ("\u00e9", 400, "invalid_request"),
        ("", 400, "invalid_request"),
    ]
    for form, status, code in tries:
        response = await machine.post("token", form)
        assert (response.status_code, response.json()["error"]) == (status, code), form
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["content-type"] == "application/json"
    wrong_media = await machine.scenario.http.post("/v1/oauth/token", json={**grant, **proof})
    assert (wrong_media.status_code, wrong_media.json()["error"]) == (400, "invalid_request")


async def test_failed_http_basic_gets_a_challenge(machine: Machine) -> None:
    wrong = await machine.by_basic("wrong")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    assert (await machine.by_basic(client_id=machine.id)).status_code == 200
    assert (await machine.by_basic(client_id=str(uuid.uuid4()))).status_code == 401
    assert (await machine.by_basic(client_secret=SECRET)).json()["error"] == "invalid_request"
    for header in ("Basic !!!", "Basic", "Basic " + base64.b64encode(b"no-colon").decode(), "Bearer x"):
        response = await machine.post("token", {"grant_type": "client_credentials"}, authorization=header)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), header
    assert "www-authenticate" not in (await machine.token(client_secret="wrong")).headers


async def test_token_with_fewer_scopes_has_fewer_permissions(machine: Machine) -> None:
    await run_sql(machine.scenario, "UPDATE api_clients SET scopes = '{referrals,reports}'")
    assert (await machine.token()).json()["scope"] == "referrals reports"
    narrowed = (await machine.token(scope="reports")).json()
    assert narrowed["scope"] == "reports"
    assert (await machine.referrals(narrowed["access_token"])).status_code == 403


async def test_failed_client_authentication_is_logged(machine: Machine) -> None:
    rejected = await machine.token(client_secret="wrong")
    (entry,) = await machine.scenario.list_access_entries(rejected.headers["x-request-id"])
    assert (entry["outcome"], entry["client_id"]) == ("unauthenticated", machine.id)
    unknown = await machine.token(client_id=str(uuid.uuid4()))
    (entry,) = await machine.scenario.list_access_entries(unknown.headers["x-request-id"])
    assert (entry["outcome"], entry["client_id"]) == ("unauthenticated", None)


async def test_deactivated_client_or_agency_gets_no_token(machine: Machine) -> None:
    token = (await machine.token()).json()["access_token"]
    for table in ("api_clients", "agencies"):
        await run_sql(machine.scenario, f"UPDATE {table} SET is_active = false")  # noqa: S608 - a constant table name
        assert (await machine.token()).json()["error"] == "invalid_client"
        assert (await machine.referrals(token)).status_code == 401
        # An agency cannot become active while it has an active client with the scope `referrals`.
        await run_sql(machine.scenario, "UPDATE api_clients SET is_active = false")
        await run_sql(machine.scenario, "UPDATE agencies SET is_active = true")
        await run_sql(machine.scenario, "UPDATE api_clients SET is_active = true")
    assert (await machine.token()).status_code == 200


async def test_revoked_token_is_rejected_at_the_next_request(machine: Machine) -> None:
    token = (await machine.token()).json()["access_token"]
    proof = {"client_id": machine.id, "client_secret": SECRET}
    assert (await machine.post("revoke", {"token": token})).status_code == 401
    assert (await machine.post("revoke", proof)).json()["error"] == "invalid_request"
    assert (await machine.referrals(token)).status_code == 200
    for _ in range(2):
        response = await machine.post("revoke", {**proof, "token": token, "token_type_hint": "access_token"})
        assert (response.status_code, response.content) == (200, b"")
    assert (await machine.referrals(token)).status_code == 401
    assert (await machine.post("revoke", {**proof, "token": "nonsense"})).status_code == 200


async def test_client_cannot_revoke_the_token_of_another(machine: Machine) -> None:
    proof = {"client_id": machine.id, "client_secret": SECRET}
    for name in ("partner_two", "worker_north"):
        other = machine.scenario.client_for(name)
        assert (await machine.post("revoke", {**proof, "token": other.token})).status_code == 200
        assert (await other.get("/v1/referrals")).status_code == 200


async def test_deleting_a_secret_revokes_its_tokens(machine: Machine) -> None:
    token = (await machine.token()).json()["access_token"]
    path = f"/v1/api-clients/{machine.id}"
    (secret,) = (await machine.scenario.admin.get(path)).json()["secrets"]
    assert (
        await machine.scenario.admin.request("DELETE", f"{path}/secrets/{secret['id']}")
    ).status_code == 204
    assert (await machine.token()).status_code == 401
    assert (await machine.referrals(token)).status_code == 401


async def test_server_metadata_and_jwks_are_published(machine: Machine) -> None:
    response = await machine.scenario.http.get("/.well-known/oauth-authorization-server")
    assert response.status_code == 200
    metadata = response.json()
    assert metadata["issuer"] == ISSUER
    assert metadata["token_endpoint"] == f"{ISSUER}/v1/oauth/token"
    assert metadata["grant_types_supported"] == ["client_credentials"]
    assert metadata["scopes_supported"] == ["referrals", "reports"]
    keys = await machine.scenario.http.get(metadata["jwks_uri"])
    assert keys.json() == get_vault().access_tokens.get_public_jwks()
    assert all("d" not in key for key in keys.json()["keys"])
    assert "max-age" in keys.headers["cache-control"]
    unchanged = {"if-none-match": keys.headers["etag"]}
    assert (await machine.scenario.http.get(metadata["jwks_uri"], headers=unchanged)).status_code == 304
