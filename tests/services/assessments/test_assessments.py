"""Creation, update, comparison and visibility of assessments."""

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
from tests.support.list_pages import fetch_ids
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.scenario import AuthenticatedClient, Scenario

AREA_FIELDS = ("rating", "need", "strengths", "risk", "source")


async def list_person_ids(scenario: Scenario, case: dict[str, Any]) -> list[str]:
    return [
        p["id"]
        for p in expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/people"))["items"]
    ]


async def test_draft_keeps_earlier_content_after_partial_updates(scenario: Scenario) -> None:
    case, path = await create_assessment_draft(scenario)
    worker = scenario.worker_north
    draft = expect_json(await worker.get(path))
    assert draft["sections"] == dict.fromkeys(ASSESSMENT_SECTIONS)
    assert draft["areas"] == dict.fromkeys(AREAS)
    assert (draft["status"], draft["instruments"], draft["previous_id"]) == ("draft", {}, None)
    for version, patch in enumerate(
        [
            {"sections": {"current_situation": "ស្នាក់នៅជាមួយជីដូន"}},
            {"sections": {"family_home": "A quiet home."}},
            {"areas": {"legal": {"rating": 1}}},
            {"areas": {"legal": {"need": "A lawyer."}, "education": {"source": "The teacher, by phone."}}},
            {"child_wishes": "To stay at school.", "risk_level": "high"},
        ],
        start=1,
    ):
        expect_json(await worker.patch(path, patch, etag=f'"{version}"'))
    assessment = expect_json(await worker.get(path))
    assert assessment["sections"] == {
        **dict.fromkeys(ASSESSMENT_SECTIONS),
        "current_situation": "ស្នាក់នៅជាមួយជីដូន",
        "family_home": "A quiet home.",
    }
    empty_area = dict.fromkeys(AREA_FIELDS)
    assert assessment["areas"]["legal"] == {**empty_area, "rating": 1, "need": "A lawyer."}
    assert assessment["areas"]["education"] == {**empty_area, "source": "The teacher, by phone."}
    assert (assessment["child_wishes"], assessment["risk_level"]) == ("To stay at school.", "high")

    removal = {"areas": {"legal": {"need": None}, "education": None}, "risk_level": None}
    reduced = expect_json(await worker.patch(path, removal, etag='"6"'))
    assert reduced["areas"] == {**dict.fromkeys(AREAS), "legal": {**empty_area, "rating": 1}}
    assert (reduced["risk_level"], reduced["sections"]) == (None, assessment["sections"])
    [summary] = expect_json(await worker.get(f"/v1/cases/{case['id']}/assessments"))["items"]
    assert summary["ratings"] == {**dict.fromkeys(AREAS), "legal": 1}
    assert not {"sections", "areas", "child_wishes"} & set(summary)


async def test_concurrent_updates_of_a_draft_do_not_overwrite_each_other(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    responses = await asyncio.gather(
        *(
            scenario.worker_north.patch(path, {"sections": {name: "Written."}}, etag='"1"')
            for name in ("family_home", "physical_state")
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412]
    current = await scenario.worker_north.get(path)
    assert sum(text is not None for text in expect_json(current)["sections"].values()) == 1
    missing_section = next(
        name for name in ("family_home", "physical_state") if current.json()["sections"][name] is None
    )
    retried = await scenario.worker_north.patch(
        path, {"sections": {missing_section: "Again."}}, etag=current.headers["etag"]
    )
    assert sum(text is not None for text in expect_json(retried)["sections"].values()) == 2
    assert (await scenario.worker_north.patch(path, {"risk_level": "low"})).status_code == 428


async def test_update_with_an_invalid_field_is_rejected_as_a_whole(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    for invalid_fields, fault in (
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
        ({"instruments": {"no_such_one": {"a": 1}}}, ("/instruments/no_such_one", "instrument_unknown")),
    ):
        response = await scenario.worker_north.patch(
            path, {"child_wishes": "Kept?", **invalid_fields}, etag='"1"'
        )
        assert fault in parse_faults(response), invalid_fields
    assert expect_json(await scenario.worker_north.get(path))["child_wishes"] is None


async def test_subject_has_one_assessment_in_progress_after_concurrent_requests(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/assessments"
    callers: list[AuthenticatedClient] = [
        scenario.worker_north,
        scenario.supervisor_north,
        scenario.supervisor_both,
    ] * 2
    responses = await asyncio.gather(*(caller.post(path, INITIAL_ASSESSMENT_PAYLOAD) for caller in callers))
    rejected = [response for response in responses if response.status_code != 201]
    assert len(rejected) == len(callers) - 1
    assert all(parse_unmet_conditions(response) == {("/subject", "under_way")} for response in rejected)
    assert len(expect_json(await scenario.worker_north.get(path))["items"]) == 1
    [mother_id] = await list_person_ids(scenario, case)
    # Other subjects may have an assessment in progress at the same time.
    for subject in ("supporter", "family"):
        payload = {"subject": subject, "kind": "initial", "person_id": mother_id}
        expect_json(await scenario.worker_north.post(path, payload), 201)
    assessments = expect_json(await scenario.worker_north.get(path, params={"subject": "family"}))["items"]
    assert [(assessment["subject"], assessment["person_id"]) for assessment in assessments] == [
        ("family", mother_id)
    ]


async def test_assessment_requires_the_child_or_a_suitable_person_of_the_case(scenario: Scenario) -> None:
    case, other_case = await scenario.open_case(), await scenario.open_case()
    path, worker = f"/v1/cases/{case['id']}/assessments", scenario.worker_north
    [mother_id], [person_of_other_case] = (
        await list_person_ids(scenario, case),
        await list_person_ids(scenario, other_case),
    )
    for payload, fault in (
        ({**INITIAL_ASSESSMENT_PAYLOAD, "person_id": mother_id}, ("/person_id", "not_asked")),
        ({"subject": "supporter", "kind": "initial"}, ("/person_id", "missing")),
        (
            {"subject": "family", "kind": "initial", "person_id": person_of_other_case},
            ("/person_id", "person_unknown"),
        ),
        ({"subject": "neighbour", "kind": "initial"}, ("/subject", "literal_error")),
        ({"subject": "child"}, ("/kind", "missing")),
        ({**INITIAL_ASSESSMENT_PAYLOAD, "risk_level": "low"}, ("/risk_level", "extra_forbidden")),
    ):
        assert parse_faults(await worker.post(path, payload)) == {fault}, payload
    neighbour = {
        "role": "other",
        "relationship": "neighbour",
        "names": [{"script": "latin", "given": "Sok"}],
    }
    people_path = f"/v1/cases/{case['id']}/people"
    neighbour_id = expect_json(await worker.post(people_path, neighbour), 201)["id"]
    aunt = {**neighbour, "role": "family", "relationship": "aunt"}
    aunt_id = expect_json(await worker.post(people_path, aunt), 201)["id"]
    for subject, person_id in (("supporter", neighbour_id), ("family", neighbour_id), ("supporter", aunt_id)):
        payload = {"subject": subject, "kind": "initial", "person_id": person_id}
        assert parse_faults(await worker.post(path, payload)) == {("/person_id", "role_unfit")}, payload
    expect_json(await worker.post(path, {"subject": "family", "kind": "initial", "person_id": aunt_id}), 201)
    assessment_id = str(uuid.uuid4())
    response = await worker.post(path, {**INITIAL_ASSESSMENT_PAYLOAD, "id": assessment_id})
    assert (response.status_code, response.headers["location"]) == (201, f"/v1/assessments/{assessment_id}")
    other_path = f"/v1/cases/{other_case['id']}/assessments"
    duplicate = await worker.post(other_path, {**INITIAL_ASSESSMENT_PAYLOAD, "id": assessment_id})
    assert duplicate.status_code == 409


async def test_lists_are_filtered_by_several_statuses(scenario: Scenario) -> None:
    case, _ = await create_assessed_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/assessments", scenario.worker_north
    draft = expect_json(await worker.post(path, {"subject": "child", "kind": "reassessment"}), 201)
    plan_path = f"/v1/cases/{case['id']}/care-plans"
    for statuses, count in (("draft,approved", 2), ("approved", 1), ("draft,returned", 1), ("returned", 0)):
        assert len(await fetch_ids(worker, path, status=statuses, limit=1)) == count, statuses
        assert await fetch_ids(worker, plan_path, status=statuses) == []
    assert await fetch_ids(worker, path, status="draft") == [draft["id"]]
    first = expect_json(await worker.get(path, params={"limit": 1}))
    for other in ({"status": "draft"}, {"subject": "child"}):
        expect_json(await worker.get(path, params={"cursor": first["next_cursor"], **other}), 422)
    expect_json(await worker.get(path, params={"status": "draft,"}), 422)


async def test_reassessment_is_compared_with_the_previous_approved_assessment(scenario: Scenario) -> None:
    case, first = await create_assessed_case(scenario, weak_areas=("legal", "education"), risk_level="high")
    path, worker = f"/v1/cases/{case['id']}/assessments", scenario.worker_north
    assert parse_unmet_conditions(await worker.post(path, INITIAL_ASSESSMENT_PAYLOAD)) == {
        ("/kind", "assessed_before")
    }
    [mother_id] = await list_person_ids(scenario, case)
    premature_reassessment = {"subject": "supporter", "kind": "reassessment", "person_id": mother_id}
    assert parse_unmet_conditions(await worker.post(path, premature_reassessment)) == {
        ("/kind", "not_assessed_before")
    }

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

    draft = expect_json(await worker.post(path, {**INITIAL_ASSESSMENT_PAYLOAD, "kind": "reassessment"}), 201)
    assert draft["previous_id"] == second["id"]
    assert draft["areas"] == dict.fromkeys(AREAS)
    first_changes = expect_json(await worker.get(f"/v1/assessments/{first['id']}/changes"))
    assert first_changes["previous_id"] is None
    assert first_changes["areas"]["legal"] == {"before": None, "after": 2, "change": None}


async def test_assessment_is_visible_only_to_users_who_can_see_the_case(scenario: Scenario) -> None:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    list_path = f"/v1/cases/{case['id']}/assessments"
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
        for target in (path, f"{path}/changes", list_path):
            assert (await caller.get(target)).status_code == status, (caller.name, target)
    for caller, status in (
        (scenario.worker_south, 404),
        (scenario.manager, 403),
        (scenario.partner_one, 403),
    ):
        assert (await caller.post(list_path, INITIAL_ASSESSMENT_PAYLOAD)).status_code == status
        assert (await caller.patch(path, {"risk_level": "low"}, etag='"2"')).status_code == status
        assert (await caller.post(f"{path}/submit", etag='"2"')).status_code == status
    response = await scenario.worker_north.get(path)
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["record"], entry["case_id"]) == (
        {"kind": "assessment", "id": expect_json(response)["id"]},
        case["id"],
    )


async def test_assessment_cannot_change_in_a_closed_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    await superuser_connection.execute(
        "UPDATE cases SET status = 'closed' WHERE id = $1", uuid.UUID(case["id"])
    )
    worker, case_is_closed = scenario.worker_north, {("/status", "status")}
    assert (
        parse_unmet_conditions(await worker.patch(path, {"risk_level": "low"}, etag='"2"')) == case_is_closed
    )
    assert parse_unmet_conditions(await worker.act(path, "submit")) == case_is_closed
    [mother_id] = await list_person_ids(scenario, case)
    payload = {"subject": "family", "kind": "initial", "person_id": mother_id}
    assert (
        parse_unmet_conditions(await worker.post(f"/v1/cases/{case['id']}/assessments", payload))
        == case_is_closed
    )
    assert expect_json(await worker.get(path))["status"] == "draft"


async def test_assessment_texts_are_encrypted_and_ratings_are_not(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await create_assessment_draft(scenario, assessment_payload())
    [row] = await superuser_connection.fetch("SELECT * FROM assessments")
    plain_columns = " ".join(str(value) for name, value in dict(row).items() if name != "content_encrypted")
    assert "grandmother" not in plain_columns
    assert "football" not in plain_columns
    assert b"grandmother" not in row["content_encrypted"]
    assert '"legal": 3' in row["ratings"]
