"""The entries of the access log that a supervisor can see: own teams only, with conflict wall, tiers and referrals."""

from typing import Any

from tests.support.documents import letter_payload
from tests.support.payloads import (
    BREAK_GLASS_PAYLOAD,
    HELD_SESSION_PAYLOAD,
    POLICE_REPORT_PAYLOAD,
    REASON_PAYLOAD,
    feedback_payload,
)
from tests.support.referrals import open_second_case
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of, referral_payload


async def list_log(caller: AuthenticatedClient, **filters: str) -> list[dict[str, Any]]:
    response = await caller.get("/v1/audit/accesses", params={"limit": 200, **filters})
    return list(expect_json(response)["items"])


async def list_child_log(caller: AuthenticatedClient, child_id: str) -> list[dict[str, Any]]:
    response = await caller.get(f"/v1/children/{child_id}/accesses", params={"limit": 200})
    return list(expect_json(response)["items"])


async def test_reads_of_a_referral_before_acceptance_are_found_under_the_child(scenario: Scenario) -> None:
    # Catches: the union without `list_referral_records`; its policy without the branch for referrals.
    referral = await scenario.create_referral()
    path, south = f"/v1/referrals/{referral['id']}", scenario.supervisor_south
    request_ids = {(await south.get(path)).headers["x-request-id"]}
    north = scenario.supervisor_north
    expect_json(await north.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    question = {"question": "Is the child safe tonight?"}
    request_ids.add((await north.act(path, "request-information", question)).headers["x-request-id"])
    refused = await scenario.worker_south.get(path)
    assert refused.status_code == 404
    request_ids.add(refused.headers["x-request-id"])
    expect_json(await scenario.partner_one.act(path, "provide-information", {"answer": "Yes."}))
    accepted = expect_json(await north.act(path, "accept", acceptance_payload()))
    other_case = await scenario.open_case()
    for caller in (scenario.dpo, north):
        for filters in ({"child_id": accepted["child_id"]}, {"case_id": accepted["case_id"]}):
            entries = await list_log(caller, **filters)
            assert request_ids <= {entry["request_id"] for entry in entries}, (caller.name, filters)
            ids = [entry["id"] for entry in entries]
            assert ids == sorted(set(ids), reverse=True)
        entries = await list_child_log(caller, accepted["child_id"])
        assert request_ids <= {entry["request_id"] for entry in entries}, caller.name
        other = await list_child_log(caller, other_case["child_id"])
        assert not request_ids & {entry["request_id"] for entry in other}
        rejected = await list_log(caller, child_id=accepted["child_id"], outcome="not_found")
        assert [entry["request_id"] for entry in rejected] == [refused.headers["x-request-id"]]
    assert await list_log(scenario.supervisor_south, child_id=accepted["child_id"]) == []


async def test_referral_that_joins_a_case_brings_its_earlier_reads(scenario: Scenario) -> None:
    case = await scenario.open_case()
    referral = await scenario.create_referral()
    path, north = f"/v1/referrals/{referral['id']}", scenario.supervisor_north
    expect_json(await north.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    read = await north.get(path)
    acceptance = acceptance_payload(child_id=case["child_id"])
    assert expect_json(await north.act(path, "accept", acceptance))["case_id"] == case["id"]
    for caller in (scenario.dpo, north):
        entries = await list_child_log(caller, case["child_id"])
        assert read.headers["x-request-id"] in {entry["request_id"] for entry in entries}


async def test_supervisor_sees_entries_of_a_link_only_with_both_sides(scenario: Scenario) -> None:
    # Catches: the policy of access_entries without the condition for `case_link`; the rejected link with its record.
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    both, path = scenario.supervisor_both, f"/v1/cases/{north['id']}/links"
    refused = await both.post(path, {"linked_case_id": south["id"], "reason": ""})
    link = await both.post(path, {"linked_case_id": south["id"], "reason": "Brothers."})
    assert (refused.status_code, link.status_code) == (422, 201)
    read = await both.get(path)
    request_ids = [response.headers["x-request-id"] for response in (refused, link, read)]
    for request_id in request_ids:
        entries = await scenario.list_access_entries(request_id)
        assert {entry["child_id"] for entry in entries} == {north["child_id"], south["child_id"]}
        for name in ("supervisor_north", "supervisor_south"):
            assert await list_log(scenario.client_for(name), request_id=request_id) == [], name
    for name, case in (("supervisor_north", north), ("supervisor_south", south)):
        entries = await list_child_log(scenario.client_for(name), case["child_id"])
        assert entries
        assert not set(request_ids) & {entry["request_id"] for entry in entries}
    seen = [len(await list_log(both, request_id=request_id)) for request_id in request_ids]
    assert seen == [0, 2, 2]


async def test_break_glass_does_not_open_the_log_of_a_child(scenario: Scenario) -> None:
    # Catches: the policy of access_entries without the comparison of the team.
    case = await scenario.open_case("worker_north")
    south, child_id = scenario.supervisor_south, case["child_id"]
    expect_json(await south.post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD))
    expect_json(await south.get(f"/v1/children/{child_id}"))
    assert (await south.get(f"/v1/children/{child_id}/accesses")).status_code == 404
    for filters in ({"child_id": child_id}, {"case_id": case["id"]}, {"record_id": case["referral_id"]}, {}):
        assert await list_log(south, **filters) == [], filters


async def create_second_case(scenario: Scenario, superuser_connection: Any) -> dict[str, Any]:
    """Open a case of the team south for a child whose case of the team north is closed."""
    case = await scenario.open_case("worker_north")
    case_id = await open_second_case(scenario, superuser_connection, case["child_id"])
    await superuser_connection.execute(
        "UPDATE cases SET status = 'active', next_review_on = current_date WHERE id = $1", case_id
    )
    return {"id": case_id, "child_id": case["child_id"], "path": f"/v1/cases/{case_id}"}


async def test_entries_about_records_with_tiers_need_the_case_of_the_team(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `is_kind_with_tiers`, `DECISIVE_KINDS` or `DECISIVE_WRITTEN_KINDS` lacks one of the kinds, or if rejected
    # requests keep the kind of the record that they name.
    case = await create_second_case(scenario, superuser_connection)
    worker, supervisor, path = scenario.worker_south, scenario.supervisor_south, case["path"]
    support_session = expect_json(await worker.post(f"{path}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    note_path = f"/v1/support-sessions/{support_session['id']}/clinical-note"
    missing_note = await worker.get(note_path)
    legal_step = await worker.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD)
    step_path = f"/v1/legal-steps/{expect_json(legal_step, 201)['id']}"
    feedback = await worker.post(f"{path}/feedback", feedback_payload())
    feedback_path = f"/v1/feedback/{expect_json(feedback, 201)['id']}"
    document = await worker.post(f"{path}/documents", letter_payload(tier="legal"))
    document_path = f"/v1/documents/{expect_json(document, 201)['id']}"
    addendum = {"text": "Slept well.", "tier": "clinical"}
    responses = {
        "document": [document, await worker.act(document_path, "enter-in-error", REASON_PAYLOAD)],
        "session_addendum": [
            await worker.post(f"/v1/support-sessions/{support_session['id']}/addenda", addendum)
        ],
        "clinical_note": [
            missing_note,
            await worker.put(note_path, {"text": "Quiet."}),
            await worker.get(note_path),
            await scenario.manager.get(note_path),
        ],
        "clinical_handover": [await supervisor.act(path, "clinical-handover", REASON_PAYLOAD)],
        "legal_step": [
            legal_step,
            await worker.act(step_path, "enter-in-error", REASON_PAYLOAD),
            await worker.patch(step_path, {"status": "done"}, etag='"99"'),
            await worker.post(f"{path}/legal-steps", {}),
        ],
        "feedback": [
            feedback,
            await supervisor.get(feedback_path),
            await worker.post(f"{path}/feedback", {}),
            await worker.post(f"{feedback_path}/enter-in-error", REASON_PAYLOAD, etag='"1"'),
        ],
    }
    assert [[response.status_code for response in each] for each in responses.values()] == [
        [201, 200],
        [201],
        [404, 200, 200, 403],
        [201],
        [201, 200, 412, 422],
        [201, 200, 422, 403],
    ]
    request_ids = {response.headers["x-request-id"] for each in responses.values() for response in each}
    logged = {entry["request_id"]: entry for entry in await list_child_log(scenario.dpo, case["child_id"])}
    for kind, answers in responses.items():
        for response in answers:
            entry = logged[response.headers["x-request-id"]]
            assert entry["case_id"] == case["id"], (kind, response.url)
            assert await get_logged_kind(superuser_connection, entry) == kind, (kind, response.url)
    for name, expected in (("supervisor_south", request_ids), ("supervisor_north", set())):
        entries = await list_child_log(scenario.client_for(name), case["child_id"])
        assert {entry["request_id"] for entry in entries} & request_ids == expected, name
        assert any(entry["case_id"] == case["id"] for entry in entries), name


async def get_logged_kind(superuser_connection: Any, entry: dict[str, Any]) -> str:
    query = "SELECT record_kind FROM access_entries WHERE event_id = $1 AND child_id = $2"
    kind: str = await superuser_connection.fetchval(query, entry["event_id"], entry["child_id"])
    return kind


async def test_refused_acceptance_with_the_id_of_a_match_logs_the_hidden_child(scenario: Scenario) -> None:
    # Catches: `conclude` without the records of the session.
    child = referral_payload()["child"]
    case = await scenario.open_case("worker_north", child=child)
    for name, code in (("supervisor_south", "open_case_elsewhere"), ("worker_south", "not_yours")):
        caller = scenario.client_for(name)
        referral = await scenario.create_referral(name, child=child)
        path = f"/v1/referrals/{referral['id']}"
        assignment = {"team_id": str(id_of("south"))} if name == "supervisor_south" else {}
        expect_json(await caller.act(path, "acknowledge", assignment))
        matches = expect_json(await caller.get(f"{path}/matches"))["items"]
        (match_id,) = [item["id"] for item in matches if item["kind"] == "child"]
        refused = await caller.act(path, "accept", acceptance_payload("worker_south", child_id=match_id))
        assert [unmet["code"] for unmet in expect_json(refused, 409)["unmet"]] == [code]
        entries = await scenario.list_access_entries(refused.headers["x-request-id"])
        assert case["child_id"] in {entry["child_id"] for entry in entries}
