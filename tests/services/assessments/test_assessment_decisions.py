"""Submission, approval and return of assessments."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from tests.support.agenda import list_agenda
from tests.support.case_lifecycle import (
    AREAS,
    ASSESSMENT_SECTIONS,
    assessment_payload,
    create_approved_assessment,
    create_assessment_draft,
)
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.scenario import Scenario, id_of

REQUIRED_AREA_FIELDS = ("rating", "need", "strengths", "risk")


async def submit_new_assessment(scenario: Scenario) -> tuple[dict[str, Any], str]:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    expect_json(await scenario.worker_north.act(path, "submit"))
    return case, path


async def list_assessment_history(scenario: Scenario, case: dict[str, Any]) -> Sequence[dict[str, Any]]:
    items = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    return [entry for entry in reversed(items) if entry["kind"].startswith("assessment")]


async def test_submission_lists_every_missing_part(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    worker = scenario.worker_north
    all_missing = {
        *((f"/sections/{name}", "section_missing") for name in ASSESSMENT_SECTIONS),
        *((f"/areas/{area}/{field}", f"{field}_missing") for area in AREAS for field in REQUIRED_AREA_FIELDS),
        ("/child_wishes", "child_wishes_missing"),
        ("/risk_level", "risk_level_missing"),
    }
    assert parse_unmet_conditions(await worker.act(path, "submit")) == all_missing
    content = assessment_payload()
    del content["sections"]["family_home"], content["areas"]["legal"]["risk"], content["child_wishes"]
    content["areas"]["education"] = {"rating": 4}
    content["areas"]["behaviour"]["source"] = None  # the source is optional
    expect_json(await worker.patch(path, content, etag='"1"'))
    still_missing = {
        ("/sections/family_home", "section_missing"),
        ("/areas/legal/risk", "risk_missing"),
        *((f"/areas/education/{field}", f"{field}_missing") for field in REQUIRED_AREA_FIELDS[1:]),
        ("/child_wishes", "child_wishes_missing"),
    }
    assert parse_unmet_conditions(await worker.act(path, "submit")) == still_missing
    remaining_content = {
        "sections": {"family_home": "A quiet home."},
        "areas": {name: assessment_payload()["areas"][name] for name in ("legal", "education")},
        "no_wishes_reason": "The child does not speak yet.",
    }
    expect_json(await worker.patch(path, remaining_content, etag='"2"'))
    submitted = expect_json(await worker.act(path, "submit"))
    assert (submitted["status"], submitted["submitted_by_id"]) == ("submitted", str(worker.id))
    assert parse_unmet_conditions(await worker.act(path, "submit")) == {("/status", "status")}


async def test_submitted_assessment_is_frozen_until_it_is_returned(scenario: Scenario) -> None:
    case, path = await submit_new_assessment(scenario)
    worker, supervisor = scenario.worker_north, scenario.supervisor_north
    submitted = expect_json(await worker.get(path))
    for caller in (worker, supervisor):
        response = await caller.patch(path, {"risk_level": "low"}, etag=f'"{submitted["version"]}"')
        assert parse_unmet_conditions(response) == {("/status", "frozen")}
    assert parse_faults(await supervisor.act(path, "return", {})) == {("/comment", "missing")}
    returned = expect_json(await supervisor.act(path, "return", {"comment": "Ask the school too."}))
    assert (returned["status"], returned["decision_comment"]) == ("returned", "Ask the school too.")
    assert returned["decided_by_id"] == str(supervisor.id)
    assert parse_unmet_conditions(await supervisor.act(path, "approve", {})) == {("/status", "status")}

    etag = (await worker.get(path)).headers["etag"]
    expect_json(await worker.patch(path, {"areas": {"education": {"source": "school"}}}, etag=etag))
    resubmitted = expect_json(await worker.act(path, "submit"))
    assert (resubmitted["decided_at"], resubmitted["decided_by_id"], resubmitted["decision_comment"]) == (
        None,
        None,
        None,
    )
    approved = expect_json(await supervisor.act(path, "approve", {"comment": "Thorough."}))
    assert (approved["status"], approved["decision_comment"]) == ("approved", "Thorough.")
    assert approved["sections"] == submitted["sections"]
    etag = f'"{approved["version"]}"'
    assert parse_unmet_conditions(await worker.patch(path, {"risk_level": "low"}, etag=etag)) == {
        ("/status", "frozen")
    }
    assert parse_unmet_conditions(await supervisor.act(path, "return", {"comment": "x"})) == {
        ("/status", "status")
    }
    history = [(entry["kind"], entry["by_id"]) for entry in await list_assessment_history(scenario, case)]
    assert history == [
        ("assessment_started", str(worker.id)),
        ("assessment_submitted", str(worker.id)),
        ("assessment_returned", str(supervisor.id)),
        ("assessment_submitted", str(worker.id)),
        ("assessment_approved", str(supervisor.id)),
    ]
    assert (await list_assessment_history(scenario, case))[0]["detail"] == {
        "subject": "child",
        "kind": "initial",
    }


async def test_approval_requires_another_supervisor_of_the_team(scenario: Scenario) -> None:
    case, path = await submit_new_assessment(scenario)
    for caller, status in (
        (scenario.worker_north, 403),
        (scenario.manager, 409),
        (scenario.admin, 403),
        (scenario.supervisor_south, 404),
    ):
        for act, payload in (("approve", {}), ("return", {"comment": "x"})):
            response = await caller.post(f"{path}/{act}", payload, etag='"3"')
            assert response.status_code == status, (caller.name, act)
    break_glass_payload = {"reason": "The team's supervisor cannot be reached."}
    expect_json(
        await scenario.supervisor_south.post(f"/v1/cases/{case['id']}/break-glass", break_glass_payload)
    )
    assert parse_unmet_conditions(await scenario.supervisor_south.act(path, "approve", {})) == {
        (None, "not_your_team")
    }
    expect_json(await scenario.supervisor_both.act(path, "return", {"comment": "x"}))
    expect_json(await scenario.supervisor_north.act(path, "submit"))
    response_to_submitter = await scenario.supervisor_north.act(path, "approve", {})
    assert parse_unmet_conditions(response_to_submitter) == {(None, "own_work")}
    expect_json(await scenario.supervisor_both.act(path, "approve"))


async def test_approval_of_the_first_child_assessment_moves_the_case_to_planning(scenario: Scenario) -> None:
    case = await scenario.open_case()
    case_path = f"/v1/cases/{case['id']}"
    await create_approved_assessment(scenario, case, subject="supporter")
    assert expect_json(await scenario.worker_north.get(case_path))["status"] == "assessment"
    await create_approved_assessment(scenario, case)
    planning_case = expect_json(await scenario.worker_north.get(case_path))
    assert (planning_case["status"], planning_case["version"]) == ("planning", case["version"] + 1)
    await create_approved_assessment(scenario, case, kind="reassessment")
    assert expect_json(await scenario.worker_north.get(case_path))["version"] == planning_case["version"]


async def test_concurrent_decisions_take_effect_once(scenario: Scenario) -> None:
    case, path = await submit_new_assessment(scenario)
    supervisors = (scenario.supervisor_north, scenario.supervisor_both)
    responses = await asyncio.gather(
        supervisors[0].post(f"{path}/approve", {}, etag='"3"'),
        supervisors[1].post(f"{path}/return", {"comment": "x"}, etag='"3"'),
        supervisors[1].post(f"{path}/approve", {}, etag='"3"'),
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412]
    status = expect_json(await scenario.worker_north.get(path))["status"]
    case_status = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))["status"]
    assert (status, case_status) in {("approved", "planning"), ("returned", "assessment")}
    assert len(await list_assessment_history(scenario, case)) == 3


async def test_raw_sql_cannot_change_a_submitted_assessment(scenario: Scenario) -> None:
    _, path = await submit_new_assessment(scenario)
    connection = await asyncpg.connect(scenario.urls.api)
    try:
        for change in ("content_encrypted = 'x'", "ratings = '{}'", "risk_level = 'low'"):
            async with open_transaction_as(connection, "supervisor_north"):
                with pytest.raises(asyncpg.CheckViolationError, match="frozen"):
                    await connection.execute(f"UPDATE assessments SET {change}")  # noqa: S608 - the changes are constants
    finally:
        await connection.close()
    assert expect_json(await scenario.worker_north.get(path))["risk_level"] == "medium"


async def test_contributor_to_a_draft_cannot_decide_on_it(scenario: Scenario) -> None:
    # Catches: the trigger `record_contributor` dropped.
    case = await scenario.open_case()
    response = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    path = f"/v1/assessments/{expect_json(response, 201)['id']}"
    update = await scenario.supervisor_north.patch(path, assessment_payload(), etag='"1"')
    expect_json(update)
    expect_json(await scenario.worker_north.act(path, "submit"))
    assert parse_unmet_conditions(await scenario.supervisor_north.act(path, "approve")) == {
        (None, "own_work")
    }
    return_response = await scenario.supervisor_both.act(
        path, "return", {"comment": "Whose words are these?"}
    )
    expect_json(return_response)  # a return is not a contribution
    expect_json(await scenario.worker_north.act(path, "submit"))
    expect_json(await scenario.supervisor_both.act(path, "approve"))


@pytest.mark.parametrize(
    "absence", ["is_active = false", "activation_digest = 'x'", "roles = '{me_officer}'"]
)
async def test_programme_manager_decides_if_the_team_has_no_supervisor_who_can(
    scenario: Scenario, superuser_connection: Any, absence: str
) -> None:
    # Catches: `_is_substitute` always false or always true; access.has_supervisor() always true in the trigger; without
    # access.can_act().
    _, path = await submit_new_assessment(scenario)
    refused = parse_unmet_conditions(await scenario.manager.act(path, "approve", {}))
    assert refused == {(None, "not_your_team")}
    await superuser_connection.execute(
        f"UPDATE users SET {absence} WHERE 'supervisor' = ANY (roles) AND name <> 'Supervisor South'"  # noqa: S608
    )
    decided = expect_json(await scenario.manager.act(path, "approve", {}))
    assert decided["decided_by"]["id"] == str(id_of("manager"))


async def test_programme_manager_decides_on_the_work_of_the_only_supervisor(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # The supervisor leads the case. Another supervisor of the team decides before the programme manager.
    await superuser_connection.execute(
        "DELETE FROM team_members WHERE user_id = $1", id_of("supervisor_both")
    )
    _, path = await submit_new_assessment(scenario)
    await superuser_connection.execute(
        "UPDATE assessments SET author_id = $1::uuid, submitted_by_id = $1::uuid, contributor_ids = ARRAY[$1::uuid]",
        id_of("supervisor_north"),
    )
    own = parse_unmet_conditions(await scenario.supervisor_north.act(path, "approve", {}))
    assert own == {(None, "own_work")}
    (entry,) = await list_agenda(scenario.manager)
    assert (entry["kind"], entry["link"]) == ("approval", path)
    expect_json(await scenario.manager.act(path, "return", {"comment": "What does the child wish?"}))
    assert await list_agenda(scenario.manager) == []


async def test_conflict_wall_passes_the_decision_to_the_programme_manager(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # The only supervisor of the team is a co-worker of a linked child in another team.
    await superuser_connection.execute(
        "DELETE FROM team_members WHERE user_id = $1", id_of("supervisor_both")
    )
    case, path = await submit_new_assessment(scenario)
    linked = await scenario.open_case("worker_south")
    await superuser_connection.execute(
        "INSERT INTO case_workers (case_id, user_id, child_id, since) VALUES ($1, $2, $3, now())",
        uuid.UUID(linked["id"]), id_of("supervisor_north"), uuid.UUID(linked["child_id"]),
    )  # fmt: skip
    first, second = sorted((case, linked), key=lambda each: uuid.UUID(each["id"]))
    await superuser_connection.execute(
        "INSERT INTO case_links (id, child_id, case_id, linked_child_id, linked_case_id, linked_by_id, linked_at,"
        " reason_encrypted, version) VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, now(), '', 1)",
        *(uuid.UUID(each[name]) for each in (first, second) for name in ("child_id", "id")), id_of("manager"),
    )  # fmt: skip
    assert (await scenario.supervisor_north.get(path)).status_code == 404
    assert [entry["link"] for entry in await list_agenda(scenario.manager)] == [path]
    expect_json(await scenario.manager.act(path, "approve", {}))
