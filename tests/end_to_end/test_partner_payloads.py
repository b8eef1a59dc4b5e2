"""Referrals in the shapes that partners' systems send: the children are invented, the habits of writing are not."""

import copy
import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload

SAMPLES = {
    path.name[9:11]: json.loads(path.read_text()) for path in Path(__file__).parent.glob("samples/*.json")
}
FOR_SENDERS = {
    *("id", "version", "external_id", "tracking_number", "status", "received_at", "updated_at"),
    *("acknowledged_at", "decided_at", "decline_reason_code", "signposted_to", "questions"),
}


def sample(number: str, **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SAMPLES[number]), **changes}


def texts_in(document: Any) -> set[str]:
    """Every text a person typed: none of it may come back to the sender's system."""
    if isinstance(document, dict):
        return set().union(*map(texts_in, document.values()))
    if isinstance(document, list):
        return set().union(*map(texts_in, document))
    return {document} if isinstance(document, str) and len(document) > 3 else set()


def assert_told(told: Any, read: Any, where: str = "") -> None:
    """What was told stands in what is read; what was not told is empty there."""
    if isinstance(told, dict):
        for name, value in read.items():
            assert_told(told.get(name), value, f"{where}/{name}")
    elif isinstance(told, list):
        assert len(told) == len(read), where
        for number, (one, other) in enumerate(zip(told, read, strict=True)):
            assert_told(one, other, f"{where}/{number}")
    else:
        assert (told or None) == (read or None) or told is read is False, (where, told, read)


async def send(scenario: Scenario, number: str, by: str = "partner_one", **changes: Any) -> str:
    answer = await scenario.client_for(by).post("/v1/referrals", sample(number, **changes))
    assert answer.status_code == 201, answer.text
    return f"/v1/referrals/{answer.json()['id']}"


async def acknowledged(scenario: Scenario, number: str) -> str:
    path = await send(scenario, number)
    assert (await scenario.supervisor_north.act(path, "acknowledge")).status_code == 200
    return path


async def matches(caller: AuthenticatedClient, path: str) -> tuple[list[dict[str, Any]], str]:
    answer = await caller.get(f"{path}/matches")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"], answer.headers["x-request-id"]


def unmet(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:firststep:problem:gate-refused"
    return {fault["code"]: fault["detail"] for fault in answer.json()["unmet"]}


async def test_every_sample_arrives_and_its_sender_reads_back_only_where_it_stands(
    scenario: Scenario,
) -> None:
    assert len(SAMPLES) == 5
    for number, told in SAMPLES.items():
        answer = await scenario.partner_one.post("/v1/referrals", told)
        assert answer.status_code == 201, (number, answer.text)
        arrived = answer.json()
        assert arrived["status"] == "received"
        assert arrived["external_id"] == told["external_id"]
        assert arrived["tracking_number"].startswith("R-")
        assert arrived["received_at"].endswith("Z")
        assert answer.headers["location"] == f"/v1/referrals/{arrived['id']}"
        assert answer.headers["etag"] == f'"{arrived["version"]}"'
        assert answer.headers["cache-control"] == "no-store"

        back = await scenario.partner_one.get(answer.headers["location"])
        assert back.json() == arrived
        assert set(arrived) == FOR_SENDERS
        typed = texts_in({**told, "external_id": None})
        assert len(typed) > 10
        assert not [text for text in typed if text in back.text]
        assert (await scenario.partner_two.get(answer.headers["location"])).status_code == 404
    mine = (await scenario.partner_one.get("/v1/referrals")).json()
    assert {item["external_id"] for item in mine["items"]} == {s["external_id"] for s in SAMPLES.values()}
    assert all(set(item) == FOR_SENDERS for item in mine["items"])
    assert (await scenario.partner_two.get("/v1/referrals")).json() == {"items": [], "next_cursor": None}


async def test_staff_read_what_was_told_but_for_tidying(scenario: Scenario) -> None:
    documents = [
        {"title": "ឯកសារ «police» report.pdf", "note": "Kept by us.\nAsk first."},
        {"title": "Photo"},
    ]
    for number, told in SAMPLES.items():
        read = (await scenario.supervisor_north.get(await send(scenario, number, documents=documents))).json()
        expected = sample(number, documents=documents)
        if number == "05":
            assert told["caregiver"]["phone"]["number"] == "012 345 678"
            expected["caregiver"]["phone"]["number"] = "+85512345678"
        assert_told(expected, {name: read[name] for name in expected})
        assert [document["title"] for document in read["documents"]] == [d["title"] for d in documents]


async def test_names_lose_what_nobody_sees_and_narratives_lose_nothing(scenario: Scenario) -> None:
    told = sample("01")
    told["child"]["names"][0]["given"] = "វិ\u200bចិត្រ\u200c"
    told["child"]["names"][1]["given"] = " Vi\u00adchet "
    told["child"]["phone"]["number"] = "០១២ ៣៤៥-៦៧៨"
    told["concern"]["summary"] = "  ក្មេង\u200bប្រុស\n\tsaid:\u00a0“no”  "
    answer = await scenario.partner_one.post("/v1/referrals", told)
    read = (await scenario.supervisor_north.get(answer.headers["location"])).json()
    assert [name["given"] for name in read["child"]["names"]] == ["វិចិត្រ", "Vichet"]
    assert read["child"]["phone"]["number"] == "+85512345678"
    assert read["concern"]["summary"] == told["concern"]["summary"]


async def test_an_age_outside_the_range_is_a_decision_with_a_reason(scenario: Scenario) -> None:
    path = await acknowledged(scenario, "04")
    supervisor = scenario.supervisor_north
    for unreasoned in ({"meets_criteria": True}, {"meets_criteria": True, "reason": None}):
        refused = unmet(await supervisor.act(path, "accept", acceptance_payload(screening=unreasoned)))
        assert list(refused) == ["age_outside_range"]
        assert "18" not in refused["age_outside_range"]  # a refusal tells nothing of the child
    assert (await supervisor.get(path)).json()["status"] == "acknowledged"
    screening = {"meets_criteria": True, "reason": "Abused at twelve; nobody else counsels her."}
    accepted = await supervisor.act(path, "accept", acceptance_payload(screening=screening))
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["screening"] == screening
    case = (await supervisor.get(f"/v1/cases/{accepted.json()['case_id']}")).json()
    assert case["age_at_referral_min"] == case["age_at_referral_max"] >= 18


async def test_a_recorded_basis_stands_in_for_consent(scenario: Scenario) -> None:
    path = await acknowledged(scenario, "03")
    accepted = await scenario.supervisor_north.act(path, "accept", acceptance_payload())
    assert accepted.status_code == 200, accepted.text
    register = await scenario.worker_north.get(f"/v1/cases/{accepted.json()['case_id']}/consents")
    [entry] = register.json()["items"]
    told = SAMPLES["03"]["consent"]["basis_without_consent"]
    assert entry["basis_without_consent"] == told
    assert (entry["on"], entry["given_by"], entry["method"]) == (told["on"], [], None)


async def test_two_reports_of_one_child_find_each_other_and_nobody_else(scenario: Scenario) -> None:
    first, unrelated, second = [await acknowledged(scenario, number) for number in ("01", "02", "05")]
    supervisor = scenario.supervisor_north
    for here, there in ((first, second), (second, first)):
        [found], request_id = await matches(supervisor, here)
        assert (found["kind"], found["id"], found["child_id"]) == ("referral", there.split("/")[-1], None)
        assert 0.55 <= found["score"] <= 1
        assert {"name_similar", "phone_shared"} <= set(found["why"])
        entries = await scenario.list_access_entries(request_id)
        shown = {entry["record"]["id"] for entry in entries if entry["record"]}
        assert shown == {path.split("/")[-1] for path in (here, there)}
    assert (await matches(supervisor, unrelated))[0] == []


async def test_a_second_report_joins_the_child_that_the_first_became(scenario: Scenario) -> None:
    first, second = [await acknowledged(scenario, number) for number in ("01", "05")]
    supervisor = scenario.supervisor_north
    opened = (await supervisor.act(first, "accept", acceptance_payload())).json()
    [found], request_id = await matches(supervisor, second)
    assert (found["kind"], found["id"], found["child_id"]) == (
        "child",
        opened["child_id"],
        opened["child_id"],
    )
    assert {"name_similar", "phone_shared"} <= set(found["why"])
    assert opened["child_id"] in {
        entry["child_id"] for entry in await scenario.list_access_entries(request_id)
    }

    joining = acceptance_payload(child_id=opened["child_id"], lead="worker_north_2")
    joined = (await supervisor.act(second, "accept", joining)).json()
    assert (joined["case_id"], joined["child_id"]) == (opened["case_id"], opened["child_id"])
    case = (await supervisor.get(f"/v1/cases/{opened['case_id']}")).json()
    assert case["lead_worker_id"] == str(scenario.worker_north.id)
    assert len((await supervisor.get("/v1/cases")).json()["items"]) == 1
    lines = (await supervisor.get(f"/v1/cases/{opened['case_id']}/timeline?kind=referral_joined")).json()[
        "items"
    ]
    assert [line["record_id"] for line in lines] == [joined["id"]]
    # The partner learns that it was accepted, and not whom it joined.
    told = await scenario.partner_one.get(second)
    assert told.json()["status"] == "accepted"
    assert opened["child_id"] not in told.text


async def test_another_team_learns_of_the_duplicate_but_cannot_open_or_join_it(scenario: Scenario) -> None:
    first = await acknowledged(scenario, "01")
    opened = (await scenario.supervisor_north.act(first, "accept", acceptance_payload())).json()
    second = await send(scenario, "05", by="partner_two")
    south = scenario.supervisor_south
    assert (await south.act(second, "acknowledge")).status_code == 200
    [found], _ = await matches(south, second)
    assert found["child_id"] == opened["child_id"]
    assert (await south.get(f"/v1/children/{found['child_id']}")).status_code == 404
    joining = acceptance_payload(lead="worker_south", child_id=found["child_id"])
    assert list(unmet(await south.act(second, "accept", joining))) == ["open_case_elsewhere"]
