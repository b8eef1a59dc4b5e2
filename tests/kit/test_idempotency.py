"""Idempotent retries: storage, replay, expiry and access to stored responses."""

import asyncio
import uuid
from collections import Counter
from typing import Any

import pytest
from fastapi import Request

from app.http.session import _compute_fingerprint
from tests.support.case_lifecycle import assessment_payload, create_closed_case
from tests.support.payloads import reopening_consent_payload
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of, referral_payload

REPLAYED_HEADER = "idempotent-replayed"
KEY_REUSED = "urn:firststep:problem:idempotency-key-reused"
STILL_RUNNING = "urn:firststep:problem:still-running"
PERSON_PAYLOAD = {
    "role": "other",
    "names": [{"script": "latin", "family": "Keo", "given": "Dara"}],
    "relationship": "uncle",
}


async def test_retry_returns_the_stored_response_and_is_logged(
    scenario: Scenario, superuser_connection: Any
) -> None:
    payload, partner = referral_payload(), scenario.partner_one
    first_response = await partner.post("/v1/referrals", payload, key="key-0001")
    replayed_response = await partner.post("/v1/referrals", payload, key="key-0001")
    assert (first_response.status_code, first_response.headers.get(REPLAYED_HEADER)) == (201, None)
    assert (replayed_response.status_code, replayed_response.headers[REPLAYED_HEADER]) == (201, "true")
    assert replayed_response.content == first_response.content
    for name in ("etag", "location", "content-type", "cache-control"):
        assert replayed_response.headers[name] == first_response.headers[name], name
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 1
    entries = [
        await scenario.list_access_entries(response.headers["x-request-id"])
        for response in (first_response, replayed_response)
    ]
    accesses = [
        [(entry["act"], entry["outcome"], entry["status"], entry["record"]) for entry in entry_list]
        for entry_list in entries
    ]
    record = {"kind": "referral", "id": first_response.json()["id"]}
    assert accesses == [[("referral.receive", "allowed", 201, record)]] * 2


async def test_each_replay_logs_the_access_to_the_child(scenario: Scenario) -> None:
    case = await scenario.open_case()
    people_path = f"/v1/cases/{case['id']}/people"
    responses = [
        await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001") for _ in range(3)
    ]
    assert [response.headers.get(REPLAYED_HEADER) for response in responses] == [None, "true", "true"]
    for response in responses:
        (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
        assert (entry["child_id"], entry["case_id"]) == (case["child_id"], case["id"])
    people = (await scenario.worker_north.get(people_path)).json()["items"]
    assert len(people) == 2, "the caregiver and one uncle"


async def test_key_is_bound_to_one_request_of_one_caller(scenario: Scenario) -> None:
    case = await scenario.open_case()
    payload, people_path = referral_payload(), f"/v1/cases/{case['id']}/people"
    first_response = await scenario.partner_one.post("/v1/referrals", payload, key="key-0001")
    response_to_other_body = await scenario.partner_one.post(
        "/v1/referrals", referral_payload(), key="key-0001"
    )
    assert (response_to_other_body.status_code, response_to_other_body.json()["type"]) == (422, KEY_REUSED)
    withdraw_path = f"/v1/referrals/{first_response.json()['id']}/withdraw"
    response_to_other_path = await scenario.partner_one.post(
        withdraw_path, payload, key="key-0001", etag='"1"'
    )
    assert (response_to_other_path.status_code, response_to_other_path.json()["type"]) == (422, KEY_REUSED)
    response_to_other_caller = await scenario.partner_two.post("/v1/referrals", payload, key="key-0001")
    assert (response_to_other_caller.status_code, response_to_other_caller.headers.get(REPLAYED_HEADER)) == (
        201,
        None,
    )
    assert response_to_other_caller.json()["id"] != first_response.json()["id"]
    for name in ("worker_north", "supervisor_north"):
        response = await scenario.client_for(name).post(people_path, PERSON_PAYLOAD, key="key-0001")
        assert (response.status_code, response.headers.get(REPLAYED_HEADER)) == (201, None)


async def test_key_is_bound_to_if_match_and_query_string(scenario: Scenario) -> None:
    # Catches: the fingerprint covers only the path and the body: the second request gets the response of the first.
    referral, supervisor = await scenario.create_referral(), scenario.supervisor_north
    path = f"/v1/referrals/{referral['id']}/acknowledge"
    assert (await supervisor.post(path, {}, etag='"1"', key="key-0001")).status_code == 200
    repeated = await supervisor.post(path, {}, etag='"1"', key="key-0001")
    assert (repeated.status_code, repeated.headers[REPLAYED_HEADER]) == (200, "true")
    for changed in (
        await supervisor.post(path, {}, etag='"2"', key="key-0001"),
        await supervisor.post(path, {}, etag='"1", "2"', key="key-0001"),
        await supervisor.post(path, {}, key="key-0001"),
    ):
        assert (changed.status_code, changed.json()["type"]) == (422, KEY_REUSED)


async def test_key_is_bound_to_the_query_string(scenario: Scenario) -> None:
    # No endpoint that writes has a query parameter, so the response to a changed query string is never the stored one.
    referral, supervisor = await scenario.create_referral(), scenario.supervisor_north
    path = f"/v1/referrals/{referral['id']}/acknowledge"
    assert (await supervisor.post(path, {}, etag='"1"', key="key-0001")).status_code == 200
    for query in ("?x=1", "?limit=1", "?"):
        changed = await supervisor.post(path + query, {}, etag='"1"', key="key-0001")
        assert changed.status_code == (200 if query == "?" else 422), changed.text
        assert (REPLAYED_HEADER in changed.headers) is (query == "?")


@pytest.mark.parametrize("changed", ["a=2", "a=1&a=1", "b=1", "", "a=1&"])
async def test_fingerprint_contains_the_query_string(changed: str) -> None:
    # Catches: `query_string` removed from `_compute_fingerprint`.
    fingerprints = [await _compute_fingerprint(build_request(query)) for query in ("a=1", "a=1", changed)]
    assert fingerprints[0] == fingerprints[1]
    assert fingerprints[0] != fingerprints[2]


def build_request(query: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    scope = {
        "type": "http", "method": "POST", "path": "/v1/referrals", "query_string": query.encode(), "headers": [],
    }  # fmt: skip
    return Request(scope, receive)


async def test_accept_language_and_content_type_parameters_do_not_change_a_retry(scenario: Scenario) -> None:
    payload = referral_payload()
    first = await scenario.partner_one.post("/v1/referrals", payload, key="key-0001")
    for headers in ({"accept-language": "km"}, {"content-type": "application/json; charset=utf-8"}):
        repeated = await scenario.partner_one.post("/v1/referrals", payload, key="key-0001", headers=headers)
        assert (repeated.status_code, repeated.headers[REPLAYED_HEADER]) == (201, "true")
        assert repeated.content == first.content


async def test_key_is_required_from_api_clients_and_optional_for_people(
    scenario: Scenario, superuser_connection: Any
) -> None:
    headers = {"authorization": f"Bearer {scenario.partner_one.token}"}
    response_without_key = await scenario.http.post("/v1/referrals", json=referral_payload(), headers=headers)
    assert response_without_key.status_code == 422
    assert [fault["pointer"] for fault in response_without_key.json()["errors"]] == ["header:Idempotency-Key"]
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 0
    staff_responses = [
        await scenario.worker_north.post("/v1/referrals", referral_payload()) for _ in range(2)
    ]
    assert [response.status_code for response in staff_responses] == [201, 201]
    for key in ("", "k" * 256, "na\x07me", "clé"):
        raw_headers = [
            (b"authorization", headers["authorization"].encode()),
            (b"idempotency-key", key.encode("latin-1")),
        ]
        response = await scenario.http.post("/v1/referrals", json=referral_payload(), headers=raw_headers)
        assert response.status_code == 400, key
    repeated_header = [
        (b"authorization", headers["authorization"].encode()),
        *[(b"idempotency-key", b"one")] * 2,
    ]
    assert (
        await scenario.http.post("/v1/referrals", json=referral_payload(), headers=repeated_header)
    ).status_code == 400


async def test_response_of_rejected_request_is_not_stored(scenario: Scenario) -> None:
    """The corrected request can use the same key."""
    case = await scenario.open_case()
    people_path = f"/v1/cases/{case['id']}/people"
    for invalid_payload, status in (
        ({**PERSON_PAYLOAD, "role": "x"}, 422),
        ({**PERSON_PAYLOAD, "extra": 1}, 422),
    ):
        assert (
            await scenario.worker_north.post(people_path, invalid_payload, key="key-0001")
        ).status_code == status
    response = await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")
    assert (response.status_code, response.headers.get(REPLAYED_HEADER)) == (201, None)


async def test_retry_returns_404_if_the_child_is_hidden(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    people_path = f"/v1/cases/{case['id']}/people"
    assert (await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")).status_code == 201
    await superuser_connection.execute("UPDATE cases SET lead_worker_id = $1", id_of("worker_north_2"))
    response = await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")
    assert response.status_code == 404
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["outcome"], entry["child_id"]) == ("not_found", case["child_id"])
    await superuser_connection.execute(
        "UPDATE users SET roles = '{finance_officer}' WHERE id = $1", id_of("worker_north")
    )
    assert (await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")).status_code == 403
    await superuser_connection.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("worker_north")
    )
    assert (await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")).status_code == 401


async def test_partner_can_retry_after_the_referral_was_accepted(scenario: Scenario) -> None:
    payload = referral_payload()
    first_response = await scenario.partner_one.post("/v1/referrals", payload, key="key-0001")
    referral_path = f"/v1/referrals/{first_response.json()['id']}"
    acceptance = {
        "case_kind": "survivor", "lead_worker_id": str(id_of("worker_north")), "team_id": str(id_of("north")),
        "screening": {"meets_criteria": True}, "duplicates_reviewed": True,
    }  # fmt: skip
    assert (await scenario.supervisor_north.act(referral_path, "acknowledge")).status_code == 200
    assert (await scenario.supervisor_north.act(referral_path, "accept", acceptance)).status_code == 200
    replayed_response = await scenario.partner_one.post("/v1/referrals", payload, key="key-0001")
    assert (
        replayed_response.status_code,
        replayed_response.headers[REPLAYED_HEADER],
        replayed_response.content,
    ) == (201, "true", first_response.content)


@pytest.mark.parametrize(("age", "is_stored"), [("23 hours 59 minutes", True), ("24 hours 1 minute", False)])
async def test_response_is_stored_for_24_hours(
    scenario: Scenario, superuser_connection: Any, age: str, *, is_stored: bool
) -> None:
    case = await scenario.open_case()
    people_path = f"/v1/cases/{case['id']}/people"
    first_response = await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")
    await superuser_connection.execute(
        f"UPDATE idempotency_records SET stored_at = stored_at - interval '{age}'"  # noqa: S608 - two fixed intervals
    )
    for _ in range(2):
        replayed_response = await scenario.worker_north.post(people_path, PERSON_PAYLOAD, key="key-0001")
        assert replayed_response.status_code == 201
    assert replayed_response.headers[REPLAYED_HEADER] == "true", "the new response is stored"
    assert (replayed_response.json()["id"] == first_response.json()["id"]) is is_stored
    assert await superuser_connection.fetchval("SELECT count(*) FROM people WHERE role = 'other'") == (
        1 if is_stored else 2
    )
    if not is_stored:
        await superuser_connection.execute(
            f"UPDATE idempotency_records SET stored_at = stored_at - interval '{age}'"  # noqa: S608 - two fixed intervals
        )
        later_response = await scenario.worker_north.post(
            people_path, {**PERSON_PAYLOAD, "is_responsible": True}, key="key-0001"
        )
        assert later_response.status_code == 201, "an expired key can be used for another request"


async def test_concurrent_requests_with_one_key_create_one_referral(
    scenario: Scenario, superuser_connection: Any
) -> None:
    payload, partner = referral_payload(), scenario.partner_one
    responses = await asyncio.gather(
        *(partner.post("/v1/referrals", payload, key="key-0001") for _ in range(10))
    )
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 1
    created_responses = [response for response in responses if response.status_code == 201]
    assert len({response.content for response in created_responses}) == 1
    assert [response.headers.get(REPLAYED_HEADER) for response in created_responses].count(None) == 1
    for response in responses:
        if response.status_code != 201:
            assert (response.status_code, response.json()["type"]) == (409, STILL_RUNNING)
            assert int(response.headers["retry-after"]) >= 1
    later_responses = await asyncio.gather(
        *(partner.post("/v1/referrals", payload, key="key-0001") for _ in range(10))
    )
    assert {response.content for response in later_responses} == {created_responses[0].content}, (
        "replays do not wait for a lock"
    )


async def test_concurrent_requests_with_one_external_id_create_one_referral(
    scenario: Scenario, superuser_connection: Any
) -> None:
    payload = referral_payload()
    responses = await asyncio.gather(
        *(scenario.partner_one.post("/v1/referrals", payload) for _ in range(20))
    )
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 19}
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 1
    other_response = await scenario.partner_two.post("/v1/referrals", payload)
    assert other_response.status_code == 201, "external ids are unique within an agency only"


async def test_stored_responses_contain_no_plaintext(scenario: Scenario, superuser_connection: Any) -> None:
    payload, key = referral_payload(), f"Keo-{uuid.uuid4()}"
    response = await scenario.partner_one.post("/v1/referrals", payload, key=key)
    row = dict(await superuser_connection.fetchrow("SELECT * FROM idempotency_records"))
    dumped = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    for secret in (key, "Keo", response.json()["tracking_number"], payload["external_id"]):
        assert secret.encode() not in dumped


async def test_retry_returns_404_if_the_case_is_hidden(
    scenario: Scenario,
) -> None:
    # Catches: only the child is checked: it is visible through the closed case, so the response is replayed.
    closed_case, supervisor, worker = (
        await create_closed_case(scenario),
        scenario.supervisor_north,
        scenario.worker_north,
    )
    lead_worker = {"lead_worker_id": str(id_of("worker_north_2"))}
    reopen_response = await supervisor.act(
        f"/v1/cases/{closed_case['id']}",
        "reopen",
        {"reason": "She is back.", "consent": reopening_consent_payload(), **lead_worker},
    )
    case_path = f"/v1/cases/{expect_json(reopen_response, 201)['id']}"
    expect_json(await supervisor.act(case_path, "assign", {**lead_worker, "co_worker_ids": [str(worker.id)]}))
    payload = {"subject": "child", "kind": "initial"}
    expect_json(await worker.post(f"{case_path}/assessments", payload, key="key-0001"), 201)
    responses = [await worker.post(f"{case_path}/assessments", payload, key="key-0001")]
    assessment_id = (await worker.get(f"{case_path}/assessments")).json()["items"][0]["id"]
    patch_response = await worker.patch(f"/v1/assessments/{assessment_id}", assessment_payload(), etag='"1"')
    submit_request = {
        "path": f"/v1/assessments/{assessment_id}/submit",
        "key": "key-0002",
        "etag": patch_response.headers["etag"],
    }
    expect_json(await worker.post(**submit_request))
    expect_json(await supervisor.act(case_path, "assign", {**lead_worker, "co_worker_ids": []}))
    assert (await worker.get(f"/v1/children/{closed_case['child_id']}")).status_code == 200
    responses.append(await worker.post(f"{case_path}/assessments", payload, key="key-0001"))
    responses.append(await worker.post(**submit_request))
    assert [response.status_code for response in responses] == [201, 404, 404]
