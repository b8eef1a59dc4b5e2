"""An assessment handed in and decided on: nothing missing, frozen meanwhile, decided by somebody else."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from tests.support.case_lifecycle import (
    AREAS,
    ASSESSMENT_SECTIONS,
    assessment_payload,
    create_approved_assessment,
    create_assessment_draft,
)
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.scenario import Scenario

ASKED = ("rating", "need", "strengths", "risk")


async def submitted(scenario: Scenario) -> tuple[dict[str, Any], str]:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    expect_json(await scenario.worker_north.act(path, "submit"))
    return case, path


async def lines(scenario: Scenario, case: dict[str, Any]) -> Sequence[dict[str, Any]]:
    items = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    return [line for line in reversed(items) if line["kind"].startswith("assessment")]


async def test_a_submission_lists_everything_that_is_missing_one_by_one(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    worker = scenario.worker_north
    everything = {
        *((f"/sections/{name}", "section_missing") for name in ASSESSMENT_SECTIONS),
        *((f"/areas/{area}/{field}", f"{field}_missing") for area in AREAS for field in ASKED),
        ("/child_wishes", "child_wishes_missing"),
        ("/risk_level", "risk_level_missing"),
    }
    assert parse_unmet_conditions(await worker.act(path, "submit")) == everything
    words = assessment_payload()
    del words["sections"]["family_home"], words["areas"]["legal"]["risk"], words["child_wishes"]
    words["areas"]["education"] = {"rating": 4}
    words["areas"]["behaviour"]["source"] = None  # who said so need not be told
    expect_json(await worker.patch(path, words, etag='"1"'))
    left = {
        ("/sections/family_home", "section_missing"),
        ("/areas/legal/risk", "risk_missing"),
        *((f"/areas/education/{field}", f"{field}_missing") for field in ASKED[1:]),
        ("/child_wishes", "child_wishes_missing"),
    }
    assert parse_unmet_conditions(await worker.act(path, "submit")) == left
    rest = {
        "sections": {"family_home": "A quiet home."},
        "areas": {name: assessment_payload()["areas"][name] for name in ("legal", "education")},
        "no_wishes_reason": "The child does not speak yet.",
    }
    expect_json(await worker.patch(path, rest, etag='"2"'))
    handed_in = expect_json(await worker.act(path, "submit"))
    assert (handed_in["status"], handed_in["submitted_by_id"]) == ("submitted", str(worker.id))
    assert parse_unmet_conditions(await worker.act(path, "submit")) == {("/status", "status")}


async def test_what_is_submitted_is_frozen_until_it_is_returned(scenario: Scenario) -> None:
    case, path = await submitted(scenario)
    worker, supervisor = scenario.worker_north, scenario.supervisor_north
    whole = expect_json(await worker.get(path))
    for caller in (worker, supervisor):
        refused = await caller.patch(path, {"risk_level": "low"}, etag=f'"{whole["version"]}"')
        assert parse_unmet_conditions(refused) == {("/status", "frozen")}
    assert parse_faults(await supervisor.act(path, "return", {})) == {("/comment", "missing")}
    returned = expect_json(await supervisor.act(path, "return", {"comment": "Ask the school too."}))
    assert (returned["status"], returned["decision_comment"]) == ("returned", "Ask the school too.")
    assert returned["decided_by_id"] == str(supervisor.id)
    assert parse_unmet_conditions(await supervisor.act(path, "approve", {})) == {("/status", "status")}

    seen = (await worker.get(path)).headers["etag"]
    expect_json(await worker.patch(path, {"areas": {"education": {"source": "school"}}}, etag=seen))
    again = expect_json(await worker.act(path, "submit"))
    assert (again["decided_at"], again["decided_by_id"], again["decision_comment"]) == (None, None, None)
    approved = expect_json(await supervisor.act(path, "approve", {"comment": "Thorough."}))
    assert (approved["status"], approved["decision_comment"]) == ("approved", "Thorough.")
    assert approved["sections"] == whole["sections"]
    seen = f'"{approved["version"]}"'
    assert parse_unmet_conditions(await worker.patch(path, {"risk_level": "low"}, etag=seen)) == {
        ("/status", "frozen")
    }
    assert parse_unmet_conditions(await supervisor.act(path, "return", {"comment": "x"})) == {
        ("/status", "status")
    }
    told = [(line["kind"], line["by_id"]) for line in await lines(scenario, case)]
    assert told == [
        ("assessment_started", str(worker.id)),
        ("assessment_submitted", str(worker.id)),
        ("assessment_returned", str(supervisor.id)),
        ("assessment_submitted", str(worker.id)),
        ("assessment_approved", str(supervisor.id)),
    ]
    assert (await lines(scenario, case))[0]["detail"] == {"subject": "child", "kind": "initial"}


async def test_nobody_decides_on_their_own_work_or_for_another_team(scenario: Scenario) -> None:
    case, path = await submitted(scenario)
    for caller, status in (
        (scenario.worker_north, 403),
        (scenario.manager, 403),
        (scenario.admin, 403),
        (scenario.supervisor_south, 404),
    ):
        for act, body in (("approve", {}), ("return", {"comment": "x"})):
            answer = await caller.post(f"{path}/{act}", body, etag='"3"')
            assert answer.status_code == status, (caller.name, act)
    why = {"reason": "The team's supervisor cannot be reached."}
    expect_json(await scenario.supervisor_south.post(f"/v1/cases/{case['id']}/break-glass", why))
    assert parse_unmet_conditions(await scenario.supervisor_south.act(path, "approve", {})) == {
        (None, "not_your_team")
    }
    expect_json(await scenario.supervisor_both.act(path, "return", {"comment": "x"}))
    expect_json(await scenario.supervisor_north.act(path, "submit"))
    own = await scenario.supervisor_north.act(path, "approve", {})
    assert parse_unmet_conditions(own) == {(None, "own_work")}
    expect_json(await scenario.supervisor_both.act(path, "approve"))


async def test_approving_the_childs_first_assessment_moves_the_case_to_planning(scenario: Scenario) -> None:
    case = await scenario.open_case()
    here = f"/v1/cases/{case['id']}"
    await create_approved_assessment(scenario, case, subject="supporter")
    assert expect_json(await scenario.worker_north.get(here))["status"] == "assessment"
    await create_approved_assessment(scenario, case)
    moved = expect_json(await scenario.worker_north.get(here))
    assert (moved["status"], moved["version"]) == ("planning", case["version"] + 1)
    await create_approved_assessment(scenario, case, kind="reassessment")
    assert expect_json(await scenario.worker_north.get(here))["version"] == moved["version"]


async def test_two_decisions_at_once_are_one(scenario: Scenario) -> None:
    case, path = await submitted(scenario)
    supervisors = (scenario.supervisor_north, scenario.supervisor_both)
    answers = await asyncio.gather(
        supervisors[0].post(f"{path}/approve", {}, etag='"3"'),
        supervisors[1].post(f"{path}/return", {"comment": "x"}, etag='"3"'),
        supervisors[1].post(f"{path}/approve", {}, etag='"3"'),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    status = expect_json(await scenario.worker_north.get(path))["status"]
    found = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))["status"]
    assert (status, found) in {("approved", "planning"), ("returned", "assessment")}
    assert len(await lines(scenario, case)) == 3


async def test_hand_written_sql_cannot_thaw_what_was_submitted(scenario: Scenario) -> None:
    _, path = await submitted(scenario)
    connection = await asyncpg.connect(scenario.urls.api)
    try:
        for change in ("content_encrypted = 'x'", "ratings = '{}'", "risk_level = 'low'"):
            async with open_transaction_as(connection, "supervisor_north"):
                with pytest.raises(asyncpg.CheckViolationError, match="frozen"):
                    await connection.execute(f"UPDATE assessments SET {change}")  # noqa: S608 - written above
    finally:
        await connection.close()
    assert expect_json(await scenario.worker_north.get(path))["risk_level"] == "medium"


async def test_whoever_wrote_on_a_draft_does_not_decide_on_it(scenario: Scenario) -> None:
    # Planted: the trigger `record_contributor` dropped.
    case = await scenario.open_case()
    made = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    path = f"/v1/assessments/{expect_json(made, 201)['id']}"
    written = await scenario.supervisor_north.patch(path, assessment_payload(), etag='"1"')
    expect_json(written)
    expect_json(await scenario.worker_north.act(path, "submit"))
    assert parse_unmet_conditions(await scenario.supervisor_north.act(path, "approve")) == {
        (None, "own_work")
    }
    returned = await scenario.supervisor_both.act(path, "return", {"comment": "Whose words are these?"})
    expect_json(returned)  # deciding is no writing
    expect_json(await scenario.worker_north.act(path, "submit"))
    expect_json(await scenario.supervisor_both.act(path, "approve"))
