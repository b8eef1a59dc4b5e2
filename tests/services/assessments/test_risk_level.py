"""The risk level of a case follows the newest approved assessment of the child."""

import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.models import Assessment
from app.models.record import utc_now
from tests.support.case_lifecycle import (
    assessment_payload,
    create_approved_assessment,
    create_assessment_draft,
)
from tests.support.locks import run_while_case_locked
from tests.support.responses import expect_json
from tests.support.row_factories import SUPERVISOR_ID, WORKER_ID, case_foreign_keys, insert_row
from tests.support.scenario import Scenario


async def get_case(scenario: Scenario, case: dict[str, Any]) -> dict[str, Any]:
    return expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))


async def test_only_an_approval_sets_the_risk_level(scenario: Scenario) -> None:
    case, path = await create_assessment_draft(scenario, assessment_payload("high"))
    assert (await get_case(scenario, case))["risk_level"] is None
    expect_json(await scenario.worker_north.act(path, "submit"))
    expect_json(await scenario.supervisor_north.act(path, "return", {"comment": "x"}))
    expect_json(await scenario.worker_north.act(path, "submit"))
    assert (await get_case(scenario, case))["risk_level"] is None
    expect_json(await scenario.supervisor_north.act(path, "approve"))
    assert (await get_case(scenario, case))["risk_level"] == "high"


async def test_reassessment_changes_the_risk_level_and_the_version_of_the_case(scenario: Scenario) -> None:
    case = await scenario.open_case()
    await create_approved_assessment(scenario, case, risk_level="high")
    before = await get_case(scenario, case)
    await create_approved_assessment(scenario, case, kind="reassessment", risk_level="low")
    after = await get_case(scenario, case)
    assert (before["risk_level"], after["risk_level"]) == ("high", "low")
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]


async def test_assessment_of_a_supporter_does_not_set_the_risk_level(scenario: Scenario) -> None:
    case = await scenario.open_case()
    await create_approved_assessment(scenario, case, subject="supporter", risk_level="high")
    unchanged = await get_case(scenario, case)
    assert (unchanged["risk_level"], unchanged["version"]) == (None, case["version"])


@pytest.mark.parametrize(("days", "risk_level"), [(1, "low"), (-1, "high")])
async def test_latest_decision_counts_in_any_order_of_creation(
    scenario: Scenario, superuser_connection: Any, days: int, risk_level: str
) -> None:
    case = await scenario.open_case()
    await insert_row(
        superuser_connection,
        Assessment(
            **case_foreign_keys(case),
            subject="child",
            kind="initial",
            status="approved",
            risk_level="low",
            author_id=WORKER_ID,
            created_at=utc_now() + timedelta(days=-days),
            decided_at=utc_now() + timedelta(days=days),
            decided_by_id=SUPERVISOR_ID,
        ),
    )
    await create_approved_assessment(scenario, case, kind="reassessment", risk_level="high")
    assert (await get_case(scenario, case))["risk_level"] == risk_level


async def test_concurrent_approvals_of_two_subjects_keep_the_risk_level_of_the_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    people = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/people"))["items"]
    requests = []
    for subject, risk_level in (("child", "medium"), ("supporter", "high")):
        payload = {"subject": subject, "kind": "initial"}
        payload |= {} if subject == "child" else {"person_id": people[0]["id"]}
        created = await scenario.worker_north.post(f"/v1/cases/{case['id']}/assessments", payload)
        path = f"/v1/assessments/{expect_json(created, 201)['id']}"
        expect_json(await scenario.worker_north.patch(path, assessment_payload(risk_level), etag='"1"'))
        submitted = await scenario.worker_north.act(path, "submit")
        approval = scenario.supervisor_north.post(f"{path}/approve", {}, etag=submitted.headers["etag"])
        requests.append(approval)
    assert await run_while_case_locked(superuser_connection, case["id"], *requests) == [200, 200]
    approved_case = await get_case(scenario, case)
    assert (approved_case["risk_level"], approved_case["status"]) == ("medium", "planning")


async def test_database_rejects_an_unknown_risk_level(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    with pytest.raises(asyncpg.CheckViolationError, match="ck_cases_risk_level"):
        await superuser_connection.execute(
            "UPDATE cases SET risk_level = 'none' WHERE id = $1", uuid.UUID(case["id"])
        )
