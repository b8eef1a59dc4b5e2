"""An assessment from outside: whom it is about, written piece by piece, compared with the one before."""

import asyncio
import uuid
from typing import Any

from tests.support.case_lifecycle import (
    AREAS,
    ASSESSMENT_SECTIONS,
    INITIAL_ASSESSMENT_PAYLOAD,
    assessment_payload,
    create_approved_assessment,
    create_assessed_case,
    create_assessment_draft,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.scenario import AuthenticatedClient, Scenario

FIELDS = ("rating", "need", "strengths", "risk", "source")


async def people_of(scenario: Scenario, case: dict[str, Any]) -> list[str]:
    return [
        p["id"]
        for p in expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/people"))["items"]
    ]


async def test_a_draft_is_written_piece_by_piece_and_loses_nothing(scenario: Scenario) -> None:
    case, path = await create_assessment_draft(scenario)
    worker = scenario.worker_north
    empty = expect_json(await worker.get(path))
    assert empty["sections"] == dict.fromkeys(ASSESSMENT_SECTIONS)
    assert empty["areas"] == dict.fromkeys(AREAS)
    assert (empty["status"], empty["instruments"], empty["previous_id"]) == ("draft", {}, None)
    for version, piece in enumerate(
        [
            {"sections": {"current_situation": "ស្នាក់នៅជាមួយជីដូន"}},
            {"sections": {"family_home": "A quiet home."}},
            {"areas": {"legal": {"rating": 1}}},
            {"areas": {"legal": {"need": "A lawyer."}, "education": {"source": "The teacher, by phone."}}},
            {"child_wishes": "To stay at school.", "risk_level": "high"},
        ],
        start=1,
    ):
        expect_json(await worker.patch(path, piece, etag=f'"{version}"'))
    whole = expect_json(await worker.get(path))
    assert whole["sections"] == {
        **dict.fromkeys(ASSESSMENT_SECTIONS),
        "current_situation": "ស្នាក់នៅជាមួយជីដូន",
        "family_home": "A quiet home.",
    }
    nothing = dict.fromkeys(FIELDS)
    assert whole["areas"]["legal"] == {**nothing, "rating": 1, "need": "A lawyer."}
    assert whole["areas"]["education"] == {**nothing, "source": "The teacher, by phone."}
    assert (whole["child_wishes"], whole["risk_level"]) == ("To stay at school.", "high")

    removed = {"areas": {"legal": {"need": None}, "education": None}, "risk_level": None}
    less = expect_json(await worker.patch(path, removed, etag='"6"'))
    assert less["areas"] == {**dict.fromkeys(AREAS), "legal": {**nothing, "rating": 1}}
    assert (less["risk_level"], less["sections"]) == (None, whole["sections"])
    [listed] = expect_json(await worker.get(f"/v1/cases/{case['id']}/assessments"))["items"]
    assert listed["ratings"] == {**dict.fromkeys(AREAS), "legal": 1}
    assert not {"sections", "areas", "child_wishes"} & set(listed)


async def test_two_phones_write_at_once_and_neither_overwrites_the_other(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    answers = await asyncio.gather(
        *(
            scenario.worker_north.patch(path, {"sections": {name: "Written."}}, etag='"1"')
            for name in ("family_home", "physical_state")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    now = await scenario.worker_north.get(path)
    assert sum(said is not None for said in expect_json(now)["sections"].values()) == 1
    late = next(name for name in ("family_home", "physical_state") if now.json()["sections"][name] is None)
    again = await scenario.worker_north.patch(path, {"sections": {late: "Again."}}, etag=now.headers["etag"])
    assert sum(said is not None for said in expect_json(again)["sections"].values()) == 2
    assert (await scenario.worker_north.patch(path, {"risk_level": "low"})).status_code == 428


async def test_what_is_wrong_in_a_piece_is_pointed_at_and_nothing_of_it_is_kept(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    for wrong, fault in (
        ({"areas": {"legal": {"rating": 5}}}, ("/areas/legal/rating", "less_than_equal")),
        ({"areas": {"legal": {"rating": 0}}}, ("/areas/legal/rating", "greater_than_equal")),
        ({"areas": {"legal": {"rating": "3"}}}, ("/areas/legal/rating", "int_type")),
        ({"areas": {"legal": {"rating": True}}}, ("/areas/legal/rating", "int_type")),
        ({"areas": {"legal": {"source": "x" * 201}}}, ("/areas/legal/source", "string_too_long")),
        ({"areas": {"legal": {"score": 1}}}, ("/areas/legal/score", "extra_forbidden")),
        ({"areas": {"money": {"rating": 1}}}, ("/areas/money", "extra_forbidden")),
        ({"sections": {"family_home": " "}}, ("/sections/family_home", "blank")),
        ({"sections": {"family_home": "x" * 20_001}}, ("/sections/family_home", "string_too_long")),
        ({"sections": []}, ("/sections", "model_attributes_type")),
        ({"risk_level": "none"}, ("/risk_level", "literal_error")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
        ({"author_id": str(uuid.uuid4())}, ("/author_id", "extra_forbidden")),
        ({"instruments": {"no_such_one": {"a": 1}}}, ("/instruments", "instrument_unknown")),
    ):
        answer = await scenario.worker_north.patch(path, {"child_wishes": "Kept?", **wrong}, etag='"1"')
        assert fault in parse_faults(answer), wrong
    assert expect_json(await scenario.worker_north.get(path))["child_wishes"] is None


async def test_a_subject_has_one_assessment_under_way_however_many_begin_at_once(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/assessments"
    callers: list[AuthenticatedClient] = [
        scenario.worker_north,
        scenario.supervisor_north,
        scenario.supervisor_both,
    ] * 2
    answers = await asyncio.gather(*(caller.post(path, INITIAL_ASSESSMENT_PAYLOAD) for caller in callers))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == len(callers) - 1
    assert all(parse_unmet_conditions(answer) == {("/subject", "under_way")} for answer in refused)
    assert len(expect_json(await scenario.worker_north.get(path))["items"]) == 1
    [mother] = await people_of(scenario, case)
    for subject in ("supporter", "family"):  # others are under way beside it
        told = {"subject": subject, "kind": "initial", "person_id": mother}
        expect_json(await scenario.worker_north.post(path, told), 201)
    found = expect_json(await scenario.worker_north.get(path, params={"subject": "family"}))["items"]
    assert [(one["subject"], one["person_id"]) for one in found] == [("family", mother)]


async def test_whom_it_is_about_is_the_child_or_a_person_of_the_case(scenario: Scenario) -> None:
    case, other = await scenario.open_case(), await scenario.open_case()
    path, worker = f"/v1/cases/{case['id']}/assessments", scenario.worker_north
    [mother], [elsewhere] = await people_of(scenario, case), await people_of(scenario, other)
    for told, fault in (
        ({**INITIAL_ASSESSMENT_PAYLOAD, "person_id": mother}, ("/person_id", "not_asked")),
        ({"subject": "supporter", "kind": "initial"}, ("/person_id", "missing")),
        ({"subject": "family", "kind": "initial", "person_id": elsewhere}, ("/person_id", "person_unknown")),
        ({"subject": "neighbour", "kind": "initial"}, ("/subject", "literal_error")),
        ({"subject": "child"}, ("/kind", "missing")),
        ({**INITIAL_ASSESSMENT_PAYLOAD, "risk_level": "low"}, ("/risk_level", "extra_forbidden")),
    ):
        assert parse_faults(await worker.post(path, told)) == {fault}, told
    neighbour = {
        "role": "other",
        "relationship": "neighbour",
        "names": [{"script": "latin", "given": "Sok"}],
    }
    people = f"/v1/cases/{case['id']}/people"
    other_one = expect_json(await worker.post(people, neighbour), 201)["id"]
    aunt = {**neighbour, "role": "family", "relationship": "aunt"}
    relative = expect_json(await worker.post(people, aunt), 201)["id"]
    for subject, person in (("supporter", other_one), ("family", other_one), ("supporter", relative)):
        told = {"subject": subject, "kind": "initial", "person_id": person}
        assert parse_faults(await worker.post(path, told)) == {("/person_id", "role_unfit")}, told
    expect_json(await worker.post(path, {"subject": "family", "kind": "initial", "person_id": relative}), 201)
    chosen = str(uuid.uuid4())
    made = await worker.post(path, {**INITIAL_ASSESSMENT_PAYLOAD, "id": chosen})
    assert (made.status_code, made.headers["location"]) == (201, f"/v1/assessments/{chosen}")
    elsewhere = f"/v1/cases/{other['id']}/assessments"
    assert (await worker.post(elsewhere, {**INITIAL_ASSESSMENT_PAYLOAD, "id": chosen})).status_code == 409


async def test_a_reassessment_rests_on_an_approved_one_and_shows_what_changed(scenario: Scenario) -> None:
    case, first = await create_assessed_case(scenario, weak_areas=("legal", "education"), risk_level="high")
    path, worker = f"/v1/cases/{case['id']}/assessments", scenario.worker_north
    assert parse_unmet_conditions(await worker.post(path, INITIAL_ASSESSMENT_PAYLOAD)) == {
        ("/kind", "assessed_before")
    }
    [mother] = await people_of(scenario, case)
    early = {"subject": "supporter", "kind": "reassessment", "person_id": mother}
    assert parse_unmet_conditions(await worker.post(path, early)) == {("/kind", "not_assessed_before")}

    second = await create_approved_assessment(
        scenario, case, kind="reassessment", weak_areas=("legal",), risk_level="low"
    )
    assert second["previous_id"] == first["id"]
    changes = expect_json(await worker.get(f"/v1/assessments/{second['id']}/changes"))
    assert changes["areas"]["education"] == {"before": 2, "after": 3, "change": 1}
    assert changes["areas"]["legal"] == {"before": 2, "after": 2, "change": 0}
    assert changes["risk_level"] == {"before": "high", "after": "low"}
    assert (changes["previous_id"], changes["previous_decided_at"]) == (first["id"], first["decided_at"])
    assert (changes["child_id"], set(changes["areas"])) == (case["child_id"], set(AREAS))

    begun = expect_json(await worker.post(path, {**INITIAL_ASSESSMENT_PAYLOAD, "kind": "reassessment"}), 201)
    assert begun["previous_id"] == second["id"]
    assert begun["areas"] == dict.fromkeys(AREAS)
    alone = expect_json(await worker.get(f"/v1/assessments/{first['id']}/changes"))
    assert alone["previous_id"] is None
    assert alone["areas"]["legal"] == {"before": None, "after": 2, "change": None}


async def test_assessments_are_seen_through_the_case_and_by_nobody_else(scenario: Scenario) -> None:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    in_case = f"/v1/cases/{case['id']}/assessments"
    for caller, status in (
        (scenario.worker_north_2, 404),
        (scenario.worker_south, 404),
        (scenario.supervisor_south, 404),
        (scenario.supervisor_north, 200),
        (scenario.manager, 200),
        (scenario.admin, 403),
        (scenario.finance, 403),
        (scenario.dpo, 403),
        (scenario.partner_one, 403),
    ):
        for target in (path, f"{path}/changes", in_case):
            assert (await caller.get(target)).status_code == status, (caller.name, target)
    for caller, status in (
        (scenario.worker_south, 404),
        (scenario.manager, 403),
        (scenario.partner_one, 403),
    ):
        assert (await caller.post(in_case, INITIAL_ASSESSMENT_PAYLOAD)).status_code == status
        assert (await caller.patch(path, {"risk_level": "low"}, etag='"2"')).status_code == status
        assert (await caller.post(f"{path}/submit", etag='"2"')).status_code == status
    shown = await scenario.worker_north.get(path)
    [entry] = await scenario.list_access_entries(shown.headers["x-request-id"])
    assert (entry["record"], entry["case_id"]) == (
        {"kind": "assessment", "id": expect_json(shown)["id"]},
        case["id"],
    )


async def test_nothing_is_written_in_a_closed_case(scenario: Scenario, superuser_connection: Any) -> None:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    await superuser_connection.execute(
        "UPDATE cases SET status = 'closed' WHERE id = $1", uuid.UUID(case["id"])
    )
    worker, closed = scenario.worker_north, {("/status", "status")}
    assert parse_unmet_conditions(await worker.patch(path, {"risk_level": "low"}, etag='"2"')) == closed
    assert parse_unmet_conditions(await worker.act(path, "submit")) == closed
    [mother] = await people_of(scenario, case)
    told = {"subject": "family", "kind": "initial", "person_id": mother}
    assert parse_unmet_conditions(await worker.post(f"/v1/cases/{case['id']}/assessments", told)) == closed
    assert expect_json(await worker.get(path))["status"] == "draft"


async def test_words_are_sealed_and_only_numbers_and_codes_are_not(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await create_assessment_draft(scenario, assessment_payload())
    [row] = await superuser_connection.fetch("SELECT * FROM assessments")
    plain = " ".join(str(value) for name, value in dict(row).items() if name != "content_encrypted")
    assert "grandmother" not in plain
    assert "football" not in plain
    assert b"grandmother" not in row["content_encrypted"]
    assert '"legal": 3' in row["ratings"]
