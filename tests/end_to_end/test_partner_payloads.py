"""Referrals in the notations of real partner systems. The children are invented."""

import copy
import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload

SAMPLES = {
    path.name[9:11]: json.loads(path.read_text()) for path in Path(__file__).parent.glob("samples/*.json")
}
PARTNER_FIELDS = {
    "warnings",
    *("id", "version", "view", "external_id", "tracking_number", "status", "received_at", "updated_at"),
    *(
        "acknowledged_at",
        "decided_at",
        "decision_reversed_at",
        "decline_reason_code",
        "signposted_to",
        "questions",
    ),
}


def build_sample(number: str, **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SAMPLES[number]), **changes}


def collect_texts(document: Any) -> set[str]:
    """Return all texts of a document longer than three characters."""
    if isinstance(document, dict):
        return set().union(*map(collect_texts, document.values()))
    if isinstance(document, list):
        return set().union(*map(collect_texts, document))
    return {document} if isinstance(document, str) and len(document) > 3 else set()


SERVER_FIELDS = {"phones", "e164", "phone_e164"}
"""Fields that the server adds to the sent content."""


def assert_contains(sent: Any, body: Any, pointer: str = "") -> None:
    """Assert that a response contains the sent values, and empty values for the fields that were not sent."""
    if isinstance(sent, dict):
        for name, value in body.items():
            if name in SERVER_FIELDS and name not in sent:
                continue
            assert_contains(sent.get(name), value, f"{pointer}/{name}")
    elif isinstance(sent, list):
        assert len(sent) == len(body), pointer
        for index, (sent_item, read_item) in enumerate(zip(sent, body, strict=True)):
            assert_contains(sent_item, read_item, f"{pointer}/{index}")
    else:
        assert (sent or None) == (body or None) or sent is body is False, (pointer, sent, body)


async def create_sample_referral(
    scenario: Scenario, number: str, by: str = "partner_one", **changes: Any
) -> str:
    response = await scenario.client_for(by).post("/v1/referrals", build_sample(number, **changes))
    assert response.status_code == 201, response.text
    return f"/v1/referrals/{response.json()['id']}"


async def create_acknowledged_referral(scenario: Scenario, number: str) -> str:
    path = await create_sample_referral(scenario, number)
    assert (await scenario.supervisor_north.act(path, "acknowledge")).status_code == 200
    return path


async def list_matches(caller: AuthenticatedClient, path: str) -> tuple[list[dict[str, Any]], str]:
    response = await caller.get(f"{path}/matches")
    assert response.status_code == 200, response.text
    return response.json()["items"], response.headers["x-request-id"]


def parse_unmet_details(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 409, response.text
    assert response.json()["type"] == "urn:firststep:problem:gate-refused"
    return {fault["code"]: fault["detail"] for fault in response.json()["unmet"]}


async def test_partner_reads_only_the_progress_of_its_referrals(
    scenario: Scenario,
) -> None:
    assert len(SAMPLES) == 5
    for number, sample in SAMPLES.items():
        response = await scenario.partner_one.post("/v1/referrals", sample)
        assert response.status_code == 201, (number, response.text)
        created = response.json()
        assert created["status"] == "received"
        assert created["external_id"] == sample["external_id"]
        assert created["tracking_number"].startswith("R-")
        assert created["received_at"].endswith("Z")
        assert response.headers["location"] == f"/v1/referrals/{created['id']}"
        assert response.headers["etag"] == f'"{created["version"]}"'
        assert response.headers["cache-control"] == "no-store"

        partner_view = await scenario.partner_one.get(response.headers["location"])
        assert partner_view.json() == created
        assert set(created) == PARTNER_FIELDS
        texts = collect_texts({**sample, "external_id": None})
        assert len(texts) > 10
        assert not [text for text in texts if text in partner_view.text]
        assert (await scenario.partner_two.get(response.headers["location"])).status_code == 404
    own_referrals = (await scenario.partner_one.get("/v1/referrals")).json()
    assert {item["external_id"] for item in own_referrals["items"]} == {
        sample["external_id"] for sample in SAMPLES.values()
    }
    assert all(set(item) == PARTNER_FIELDS for item in own_referrals["items"])
    assert (await scenario.partner_two.get("/v1/referrals")).json() == {
        "items": [],
        "next_cursor": None,
        "total": None,
        "total_is_capped": None,
        "view": "partner",
    }


async def test_staff_read_the_sent_content_with_normalized_phones(scenario: Scenario) -> None:
    documents = [
        {"title": "ឯកសារ «police» report.pdf", "note": "Kept by us.\nAsk first."},
        {"title": "Photo"},
    ]
    for number, sample in SAMPLES.items():
        staff_view = (
            await scenario.supervisor_north.get(
                await create_sample_referral(scenario, number, documents=documents)
            )
        ).json()
        expected = build_sample(number, documents=documents)
        if number == "05":
            assert sample["caregiver"]["phone"]["number"] == "012 345 678"
            expected["caregiver"]["phone"]["number"] = "+85512345678"
        assert_contains(expected, {name: staff_view[name] for name in expected})
        assert [document["title"] for document in staff_view["documents"]] == [
            document["title"] for document in documents
        ]


async def test_names_are_normalized_and_narratives_are_not(scenario: Scenario) -> None:
    sample = build_sample("01")
    sample["child"]["names"][0]["given"] = "វិ\u200bចិត្រ\u200c"
    sample["child"]["names"][1]["given"] = " Vi\u00adchet "
    sample["child"]["phone"]["number"] = "០១២ ៣៤៥-៦៧៨"
    sample["concern"]["summary"] = "  ក្មេង\u200bប្រុស\n\tsaid:\u00a0“no”  "
    response = await scenario.partner_one.post("/v1/referrals", sample)
    staff_view = (await scenario.supervisor_north.get(response.headers["location"])).json()
    assert [name["given"] for name in staff_view["child"]["names"]] == ["វិចិត្រ", "Vichet"]
    assert staff_view["child"]["phone"]["number"] == "+85512345678"
    assert staff_view["concern"]["summary"] == sample["concern"]["summary"]


async def test_age_outside_the_range_requires_a_screening_reason(scenario: Scenario) -> None:
    path = await create_acknowledged_referral(scenario, "04")
    supervisor = scenario.supervisor_north
    for screening_without_reason in ({"meets_criteria": True}, {"meets_criteria": True, "reason": None}):
        refused = parse_unmet_details(
            await supervisor.act(path, "accept", acceptance_payload(screening=screening_without_reason))
        )
        assert list(refused) == ["age_outside_range"]
        assert "18" not in refused["age_outside_range"]  # the message does not contain the age of the child
    assert (await supervisor.get(path)).json()["status"] == "acknowledged"
    screening = {"meets_criteria": True, "reason": "Abused at twelve; no other organisation offers therapy."}
    accepted = await supervisor.act(path, "accept", acceptance_payload(screening=screening))
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["screening"] == screening
    case = (await supervisor.get(f"/v1/cases/{accepted.json()['case_id']}")).json()
    assert case["age_at_referral_min"] == case["age_at_referral_max"] >= 18


async def test_legal_basis_replaces_consent(scenario: Scenario) -> None:
    path = await create_acknowledged_referral(scenario, "03")
    accepted = await scenario.supervisor_north.act(path, "accept", acceptance_payload())
    assert accepted.status_code == 200, accepted.text
    register = await scenario.worker_north.get(f"/v1/cases/{accepted.json()['case_id']}/consents")
    [entry] = register.json()["items"]
    basis = SAMPLES["03"]["consent"]["basis_without_consent"]
    assert entry["basis_without_consent"] == basis
    assert (entry["on"], entry["given_by"], entry["method"]) == (basis["on"], [], None)


async def test_two_referrals_of_a_child_are_possible_duplicates(scenario: Scenario) -> None:
    first, unrelated, second = [
        await create_acknowledged_referral(scenario, number) for number in ("01", "02", "05")
    ]
    supervisor = scenario.supervisor_north
    for path, duplicate_path in ((first, second), (second, first)):
        [match], request_id = await list_matches(supervisor, path)
        assert (match["kind"], match["id"]) == ("referral", duplicate_path.split("/")[-1])
        assert 0.55 <= match["score"] <= 1
        assert {"name_similar", "phone_shared"} <= set(match["why"])
        entries = await scenario.list_access_entries(request_id)
        logged_ids = {entry["record"]["id"] for entry in entries if entry["record"]}
        assert logged_ids == {referral_path.split("/")[-1] for referral_path in (path, duplicate_path)}
    assert (await list_matches(supervisor, unrelated))[0] == []


async def test_second_referral_of_a_child_joins_its_open_case(scenario: Scenario) -> None:
    first, second = [await create_acknowledged_referral(scenario, number) for number in ("01", "05")]
    supervisor = scenario.supervisor_north
    opened = (await supervisor.act(first, "accept", acceptance_payload())).json()
    [match], request_id = await list_matches(supervisor, second)
    assert (match["kind"], match["id"], match["likelihood"]) == ("child", opened["child_id"], "likely")
    assert {"name_similar", "phone_shared"} <= set(match["why"])
    assert opened["child_id"] in {
        entry["child_id"] for entry in await scenario.list_access_entries(request_id)
    }

    acceptance = acceptance_payload(child_id=opened["child_id"], lead="worker_north_2")
    joined = (await supervisor.act(second, "accept", acceptance)).json()
    assert (joined["case_id"], joined["child_id"]) == (opened["case_id"], opened["child_id"])
    case = (await supervisor.get(f"/v1/cases/{opened['case_id']}")).json()
    assert case["lead_worker_id"] == str(scenario.worker_north.id)
    assert len((await supervisor.get("/v1/cases")).json()["items"]) == 1
    entries = (await supervisor.get(f"/v1/cases/{opened['case_id']}/timeline?kind=referral_joined")).json()[
        "items"
    ]
    assert [entry["record_id"] for entry in entries] == [joined["id"]]
    # The partner reads that the referral was accepted, but not for which child.
    partner_view = await scenario.partner_one.get(second)
    assert partner_view.json()["status"] == "accepted"
    assert opened["child_id"] not in partner_view.text


async def test_other_team_sees_the_match_but_cannot_accept_for_its_case(scenario: Scenario) -> None:
    first = await create_acknowledged_referral(scenario, "01")
    opened = (await scenario.supervisor_north.act(first, "accept", acceptance_payload())).json()
    second = await create_sample_referral(scenario, "05", by="partner_two")
    south = scenario.supervisor_south
    assert (await south.act(second, "acknowledge")).status_code == 200
    [match], _ = await list_matches(south, second)
    assert match == {
        "kind": "child", "id": match["id"], "is_visible": False, "likelihood": "likely", "score": None, "why": None,
        "record_kind": "child",
    }  # fmt: skip
    assert match["id"] != opened["child_id"]
    acceptance = acceptance_payload(lead="worker_south", child_id=match["id"])
    assert list(parse_unmet_details(await south.act(second, "accept", acceptance))) == ["open_case_elsewhere"]
