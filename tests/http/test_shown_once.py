"""Secrets that are shown once are in the first response, but not in a repeated one, and not in the database."""

import json
from typing import Any

import pyotp
from fastapi import FastAPI

from app.http.openapi.operations import list_operations
from app.models import IdempotencyRecord
from tests.support.browser import USER_PASSWORD, open_browser_with_passwords
from tests.support.calendar_feeds import FEEDS_PATH
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, id_of

TESTED_OPERATIONS = {
    "confirm_pending_change",
    "confirm_totp",
    "create_api_client",
    "create_api_client_secret",
    "create_calendar_feed",
    "create_user",
    "enrol_totp",
    "reset_user_password",
}


def test_every_operation_that_returns_secrets_is_tested(app: FastAPI) -> None:
    returning = {
        operation.id for operation in list_operations(app) if operation.guard and operation.returns_secrets
    }
    assert returning == TESTED_OPERATIONS


async def test_secrets_are_not_repeated_and_not_stored(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `keep_response_for_retries` stores `response.body`.
    admin, worker = scenario.admin, scenario.worker_north
    await open_browser_with_passwords(scenario)
    user = {"email": "sok.dara@fsc.example", "name": "Sok Dara", "roles": ["me_officer"]}
    client = {"agency_id": str(id_of("Safe Steps")), "name": "Second system", "scopes": ["referrals"]}
    calls: list[tuple[AuthenticatedClient, str, dict[str, Any]]] = [
        (admin, "/v1/users", {"json": user}),
        (admin, "/v1/api-clients", {"json": client}),
        (admin, f"/v1/api-clients/{id_of('partner_one')}/secrets", {}),
        (admin, f"/v1/users/{id_of('worker_south')}/reset-password", {"etag": '"1"'}),
        (worker, FEEDS_PATH, {"json": {"name": "My phone"}}),
        (worker, "/v1/me/mfa/totp", {"json": {"password": USER_PASSWORD}}),
    ]
    first_responses = [await caller.post(path, key=path, **options) for caller, path, options in calls]
    code = pyotp.TOTP(first_responses[-1].json()["secret"]).now()
    calls.append((worker, "/v1/me/mfa/totp/confirm", {"json": {"code": code}}))
    first_responses.append(await worker.post("/v1/me/mfa/totp/confirm", {"code": code}, key=calls[-1][1]))
    reset = first_responses[3].json()["pending_changes"][0]
    calls.append((scenario.dpo, f"/v1/pending-changes/{reset['id']}/confirm", {"etag": '"1"'}))
    first_responses.append(await scenario.dpo.post(calls[-1][1], key=calls[-1][1], etag='"1"'))
    repeated_responses = [await caller.post(path, key=path, **options) for caller, path, options in calls]
    stored = "".join(
        json.dumps(IdempotencyRecord.response.decrypt(row["id"], row["response_encrypted"]))
        for row in await superuser_connection.fetch("SELECT id, response_encrypted FROM idempotency_records")
    )
    assert len(first_responses) == len(TESTED_OPERATIONS)
    for first, repeated in zip(first_responses, repeated_responses, strict=True):
        assert first.status_code in {200, 201}, first.text
        assert "secrets-omitted" not in first.headers
        assert (repeated.status_code, repeated.headers["idempotent-replayed"]) == (first.status_code, "true")
        assert repeated.headers["secrets-omitted"] == "true"
        secrets = {name: value for name, value in first.json().items() if repeated.json()[name] != value}
        assert secrets, first.text
        assert repeated.json() == {**first.json(), **dict.fromkeys(secrets)}
        for secret in secrets.values():
            assert json.dumps(secret).strip('"[]') not in stored


async def test_response_without_a_secret_is_repeated_unchanged(scenario: Scenario) -> None:
    key = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
           "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}  # fmt: skip
    client = {
        "agency_id": str(id_of("Safe Steps")),
        "name": "With a key",
        "scopes": ["referrals"],
        "public_key": key,
    }
    responses = [await scenario.admin.post("/v1/api-clients", client, key="key-0001") for _ in range(2)]
    assert expect_json(responses[0], 201)["client_secret"] is None
    assert responses[1].content == responses[0].content
    assert "secrets-omitted" not in responses[1].headers
