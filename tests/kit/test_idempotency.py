"""Retries: one Idempotency-Key is one act, for a day, for whoever may still see what it showed."""

import asyncio
import uuid
from collections import Counter
from typing import Any

import pytest

from tests.support.case_lifecycle import assessment_payload, create_closed_case
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of, referral_payload

REPLAYED = "idempotent-replayed"
REUSED = "urn:firststep:problem:idempotency-key-reused"
RUNNING = "urn:firststep:problem:still-running"
PERSON = {
    "role": "other",
    "names": [{"script": "latin", "family": "Keo", "given": "Dara"}],
    "relationship": "uncle",
}


async def test_the_same_request_gets_the_same_answer_again_and_is_logged_again(
    scenario: Scenario, superuser_connection: Any
) -> None:
    body, partner = referral_payload(), scenario.partner_one
    first = await partner.post("/v1/referrals", body, key="key-0001")
    again = await partner.post("/v1/referrals", body, key="key-0001")
    assert (first.status_code, first.headers.get(REPLAYED)) == (201, None)
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    assert again.content == first.content
    for name in ("etag", "location", "content-type", "cache-control"):
        assert again.headers[name] == first.headers[name], name
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 1
    entries = [
        await scenario.list_access_entries(answer.headers["x-request-id"]) for answer in (first, again)
    ]
    shown = [[(e["act"], e["outcome"], e["status"], e["record"]) for e in found] for found in entries]
    record = {"kind": "referral", "id": first.json()["id"]}
    assert shown == [[("referral.receive", "allowed", 201, record)]] * 2


async def test_an_answer_that_showed_a_child_is_logged_with_it_each_time(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/people"
    answers = [await scenario.worker_north.post(path, PERSON, key="key-0001") for _ in range(3)]
    assert [answer.headers.get(REPLAYED) for answer in answers] == [None, "true", "true"]
    for answer in answers:
        (entry,) = await scenario.list_access_entries(answer.headers["x-request-id"])
        assert (entry["child_id"], entry["case_id"]) == (case["child_id"], case["id"])
    people = (await scenario.worker_north.get(path)).json()["items"]
    assert len(people) == 2, "the caregiver, and one uncle"


async def test_a_key_belongs_to_one_request_of_one_principal(scenario: Scenario) -> None:
    case = await scenario.open_case()
    body, path = referral_payload(), f"/v1/cases/{case['id']}/people"
    first = await scenario.partner_one.post("/v1/referrals", body, key="key-0001")
    other_body = await scenario.partner_one.post("/v1/referrals", referral_payload(), key="key-0001")
    assert (other_body.status_code, other_body.json()["type"]) == (422, REUSED)
    withdrawn = f"/v1/referrals/{first.json()['id']}/withdraw"
    other_path = await scenario.partner_one.post(withdrawn, body, key="key-0001", etag='"1"')
    assert (other_path.status_code, other_path.json()["type"]) == (422, REUSED)
    someone_else = await scenario.partner_two.post("/v1/referrals", body, key="key-0001")
    assert (someone_else.status_code, someone_else.headers.get(REPLAYED)) == (201, None)
    assert someone_else.json()["id"] != first.json()["id"]
    for name in ("worker_north", "supervisor_north"):
        added = await scenario.client_for(name).post(path, PERSON, key="key-0001")
        assert (added.status_code, added.headers.get(REPLAYED)) == (201, None)


async def test_systems_send_a_key_with_every_post_and_people_may(
    scenario: Scenario, superuser_connection: Any
) -> None:
    headers = {"authorization": f"Bearer {scenario.partner_one.token}"}
    bare = await scenario.http.post("/v1/referrals", json=referral_payload(), headers=headers)
    assert bare.status_code == 422
    assert [fault["pointer"] for fault in bare.json()["errors"]] == ["header:Idempotency-Key"]
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 0
    by_hand = [await scenario.worker_north.post("/v1/referrals", referral_payload()) for _ in range(2)]
    assert [answer.status_code for answer in by_hand] == [201, 201]
    for key in ("", "k" * 256, "na\x07me", "clé"):
        raw = [
            (b"authorization", headers["authorization"].encode()),
            (b"idempotency-key", key.encode("latin-1")),
        ]
        refused = await scenario.http.post("/v1/referrals", json=referral_payload(), headers=raw)
        assert refused.status_code == 400, key
    twice = [(b"authorization", headers["authorization"].encode()), *[(b"idempotency-key", b"one")] * 2]
    assert (
        await scenario.http.post("/v1/referrals", json=referral_payload(), headers=twice)
    ).status_code == 400


async def test_what_was_refused_is_not_kept(scenario: Scenario) -> None:
    """The key of a request that did nothing is free for the corrected one."""
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/people"
    for wrong, status in (({**PERSON, "role": "x"}, 422), ({**PERSON, "extra": 1}, 422)):
        assert (await scenario.worker_north.post(path, wrong, key="key-0001")).status_code == status
    right = await scenario.worker_north.post(path, PERSON, key="key-0001")
    assert (right.status_code, right.headers.get(REPLAYED)) == (201, None)


async def test_who_lost_sight_of_the_child_gets_no_answer_again(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/people"
    assert (await scenario.worker_north.post(path, PERSON, key="key-0001")).status_code == 201
    await superuser_connection.execute("UPDATE cases SET lead_worker_id = $1", id_of("worker_north_2"))
    lost = await scenario.worker_north.post(path, PERSON, key="key-0001")
    assert lost.status_code == 404
    (entry,) = await scenario.list_access_entries(lost.headers["x-request-id"])
    assert (entry["outcome"], entry["child_id"]) == ("not_found", None)
    await superuser_connection.execute(
        "UPDATE users SET roles = '{finance_officer}' WHERE id = $1", id_of("worker_north")
    )
    assert (await scenario.worker_north.post(path, PERSON, key="key-0001")).status_code == 403
    await superuser_connection.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("worker_north")
    )
    assert (await scenario.worker_north.post(path, PERSON, key="key-0001")).status_code == 401


async def test_a_partner_gets_its_answer_again_after_the_referral_was_accepted(scenario: Scenario) -> None:
    body = referral_payload()
    first = await scenario.partner_one.post("/v1/referrals", body, key="key-0001")
    path = f"/v1/referrals/{first.json()['id']}"
    acceptance = {
        "case_kind": "survivor", "lead_worker_id": str(id_of("worker_north")), "team_id": str(id_of("north")),
        "screening": {"meets_criteria": True}, "duplicates_reviewed": True,
    }  # fmt: skip
    assert (await scenario.supervisor_north.act(path, "acknowledge")).status_code == 200
    assert (await scenario.supervisor_north.act(path, "accept", acceptance)).status_code == 200
    again = await scenario.partner_one.post("/v1/referrals", body, key="key-0001")
    assert (again.status_code, again.headers[REPLAYED], again.content) == (201, "true", first.content)


@pytest.mark.parametrize(("age", "kept"), [("23 hours 59 minutes", True), ("24 hours 1 minute", False)])
async def test_an_answer_is_kept_for_a_day_then_the_key_is_free(
    scenario: Scenario, superuser_connection: Any, age: str, *, kept: bool
) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/people"
    first = await scenario.worker_north.post(path, PERSON, key="key-0001")
    await superuser_connection.execute(
        f"UPDATE idempotency_records SET stored_at = stored_at - interval '{age}'"  # noqa: S608 - two ages
    )
    for _ in range(2):
        again = await scenario.worker_north.post(path, PERSON, key="key-0001")
        assert again.status_code == 201
    assert again.headers[REPLAYED] == "true", "the new answer is kept in its turn"
    assert (again.json()["id"] == first.json()["id"]) is kept
    assert await superuser_connection.fetchval("SELECT count(*) FROM people WHERE role = 'other'") == (
        1 if kept else 2
    )
    if not kept:
        await superuser_connection.execute(
            f"UPDATE idempotency_records SET stored_at = stored_at - interval '{age}'"  # noqa: S608 - two ages
        )
        another = await scenario.worker_north.post(path, {**PERSON, "is_responsible": True}, key="key-0001")
        assert another.status_code == 201, "an old key takes another request"


async def test_ten_at_once_with_one_key_are_one_referral(
    scenario: Scenario, superuser_connection: Any
) -> None:
    body, partner = referral_payload(), scenario.partner_one
    answers = await asyncio.gather(*(partner.post("/v1/referrals", body, key="key-0001") for _ in range(10)))
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 1
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    assert [answer.headers.get(REPLAYED) for answer in made].count(None) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert (answer.status_code, answer.json()["type"]) == (409, RUNNING)
            assert int(answer.headers["retry-after"]) >= 1
    later = await asyncio.gather(*(partner.post("/v1/referrals", body, key="key-0001") for _ in range(10)))
    assert {answer.content for answer in later} == {made[0].content}, "what is done needs no turn"


async def test_twenty_at_once_with_one_external_id_are_one_referral(
    scenario: Scenario, superuser_connection: Any
) -> None:
    body = referral_payload()
    answers = await asyncio.gather(*(scenario.partner_one.post("/v1/referrals", body) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert await superuser_connection.fetchval("SELECT count(*) FROM referrals") == 1
    other = await scenario.partner_two.post("/v1/referrals", body)
    assert other.status_code == 201, "an external id is the agency's own"


async def test_a_dump_of_idempotency_records_tells_nothing(
    scenario: Scenario, superuser_connection: Any
) -> None:
    body, key = referral_payload(), f"Keo-{uuid.uuid4()}"
    made = await scenario.partner_one.post("/v1/referrals", body, key=key)
    row = dict(await superuser_connection.fetchrow("SELECT * FROM idempotency_records"))
    dumped = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    for secret in (key, "Keo", made.json()["tracking_number"], body["external_id"]):
        assert secret.encode() not in dumped


async def test_an_answer_about_a_case_is_for_who_still_sees_that_one_of_the_childs(
    scenario: Scenario,
) -> None:
    # Before: 201 again, for the child is still seen through the case that she led first.
    first, supervisor, worker = (
        await create_closed_case(scenario),
        scenario.supervisor_north,
        scenario.worker_north,
    )
    lead = {"lead_worker_id": str(id_of("worker_north_2"))}
    back = await supervisor.act(f"/v1/cases/{first['id']}", "reopen", {"reason": "She is back.", **lead})
    path = f"/v1/cases/{expect_json(back, 201)['id']}"
    expect_json(await supervisor.act(path, "assign", {**lead, "co_worker_ids": [str(worker.id)]}))
    told = {"subject": "child", "kind": "initial"}
    expect_json(await worker.post(f"{path}/assessments", told, key="key-0001"), 201)
    again = [await worker.post(f"{path}/assessments", told, key="key-0001")]
    act = (await worker.get(f"{path}/assessments")).json()["items"][0]["id"]
    patched = await worker.patch(f"/v1/assessments/{act}", assessment_payload(), etag='"1"')
    submit = {"path": f"/v1/assessments/{act}/submit", "key": "key-0002", "etag": patched.headers["etag"]}
    expect_json(await worker.post(**submit))
    expect_json(await supervisor.act(path, "assign", {**lead, "co_worker_ids": []}))
    assert (await worker.get(f"/v1/children/{first['child_id']}")).status_code == 200
    again.append(await worker.post(f"{path}/assessments", told, key="key-0001"))
    again.append(await worker.post(**submit))
    assert [answer.status_code for answer in again] == [201, 404, 404]
