"""Incidents and legal steps: the legal tier of a case."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import create_case_path
from tests.support.list_pages import check_order, fetch_items
from tests.support.payloads import BREAK_GLASS_PAYLOAD, POLICE_REPORT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, patch_latest_fields
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

INCIDENT_PAYLOAD = {"kind": "incident", "on": "2026-01-10", "description": "Followed home by a neighbour."}


def hearing_payload() -> dict[str, Any]:
    return {
        "kind": "court_date",
        "status": "planned",
        "on": (today() + timedelta(days=40)).isoformat(),
    }


@pytest.fixture
async def case_path(scenario: Scenario) -> str:
    return await create_case_path(scenario, "worker_north_2")


async def list_timeline_details(
    scenario: Scenario, name: str, case_path: str
) -> list[tuple[str, dict[str, Any]]]:
    entries = expect_json(await scenario.client_for(name).get(f"{case_path}/timeline"))["items"]
    return [(entry["kind"], entry["detail"]) for entry in entries if entry["record_kind"] == "legal_step"]


async def test_legal_steps_are_added_completed_and_listed(scenario: Scenario, case_path: str) -> None:
    worker, step_id = scenario.worker_north, str(uuid.uuid4())
    response = await worker.post(f"{case_path}/legal-steps", {**POLICE_REPORT_PAYLOAD, "id": step_id})
    report = expect_json(response, 201)
    assert (response.headers["location"], response.headers["etag"]) == (f"/v1/legal-steps/{step_id}", '"1"')
    assert {name: report[name] for name in POLICE_REPORT_PAYLOAD} == POLICE_REPORT_PAYLOAD
    assert (report["status"], report["result"], report["author_id"]) == ("done", None, str(worker.id))
    assert expect_json(await worker.get(f"/v1/legal-steps/{step_id}")) == report
    incident, hearing = [
        expect_json(await worker.post(f"{case_path}/legal-steps", payload), 201)
        for payload in (INCIDENT_PAYLOAD, hearing_payload())
    ]

    # A co-worker completes the step, and the timeline records the change.
    hearing_path = f"/v1/legal-steps/{hearing['id']}"
    result_patch = {"status": "done", "on": today().isoformat(), "result": "Heard by video."}
    updated_hearing = expect_json(
        await patch_latest_fields(scenario.worker_north_2, hearing_path, **result_patch)
    )
    assert (updated_hearing["status"], updated_hearing["result"], updated_hearing["version"]) == (
        "done",
        "Heard by video.",
        2,
    )
    assert updated_hearing["author_id"] == str(worker.id)
    assert (await worker.patch(hearing_path, {"place": "x"}, etag='"1"')).status_code == 412
    assert (await worker.patch(hearing_path, {"place": "x"})).status_code == 428
    assert (
        await worker.post(f"{case_path}/legal-steps", {**POLICE_REPORT_PAYLOAD, "id": step_id})
    ).status_code == 409

    async def list_step_ids(**query: str) -> list[str]:
        return [
            step["id"]
            for step in expect_json(await worker.get(f"{case_path}/legal-steps", params=query))["items"]
        ]

    assert await list_step_ids() == [hearing["id"], incident["id"], report["id"]]
    assert await list_step_ids(kind="incident") == [incident["id"]]
    assert await list_step_ids(status="planned") == []
    assert await list_step_ids(kind="incident,report", status="planned,done") == [
        incident["id"],
        report["id"],
    ]
    assert await list_step_ids(**{"from": today().isoformat()}) == [hearing["id"]]
    assert await list_step_ids(**{"from": report["on"], "to": report["on"]}) == [report["id"]]
    by_day = sorted([report, incident, updated_hearing], key=lambda step: str(step["on"]))
    steps_path = f"{case_path}/legal-steps"
    await check_order(worker, steps_path, "on", [step["id"] for step in by_day])
    await check_order(worker, steps_path, "created_at", [report["id"], incident["id"], hearing["id"]])
    assert (await fetch_items(worker, steps_path))[0] == updated_hearing
    assert updated_hearing["author"] == {"id": str(worker.id), "name": "Worker North"}
    timeline = await list_timeline_details(scenario, "worker_north", case_path)
    assert [kind for kind, _ in timeline] == [
        "legal_step_recorded", "legal_step_recorded", "legal_step_recorded", "incident_recorded"]  # fmt: skip
    assert timeline[0][1] == {
        "kind": "court_date", "status": "done", "on": today().isoformat(), "changed": ["on", "result", "status"]}  # fmt: skip
    assert INCIDENT_PAYLOAD["description"] not in (await worker.get(f"{case_path}/timeline")).text


async def test_legal_step_rejects_each_invalid_field(scenario: Scenario, case_path: str) -> None:
    worker = scenario.worker_north
    report = expect_json(await worker.post(f"{case_path}/legal-steps", POLICE_REPORT_PAYLOAD), 201)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    for invalid_fields, expected_fault in (
        ({"kind": "trial"}, ("/kind", "literal_error")),
        ({"on": tomorrow}, ("/on", "date_in_future")),
        ({"on": "1899-12-31"}, ("/on", "date_too_early")),
        ({"on": "9999-12-31", "status": "planned"}, ("/on", "date_too_late")),
        ({"on": "2026-01-12T00:00:00Z"}, ("/on", "date_parsing")),
        ({"status": "frozen"}, ("/status", "literal_error")),
        ({"authority": "army"}, ("/authority", "literal_error")),
        ({"file_number": ""}, ("/file_number", "string_too_short")),
        ({"judge": "x"}, ("/judge", "extra_forbidden")),
    ):
        assert parse_faults(
            await worker.post(f"{case_path}/legal-steps", {**POLICE_REPORT_PAYLOAD, **invalid_fields})
        ) == {expected_fault}, invalid_fields
        assert parse_faults(
            await patch_latest_fields(worker, f"/v1/legal-steps/{report['id']}", **invalid_fields)
        ) == {expected_fault}, invalid_fields
    assert parse_faults(await patch_latest_fields(worker, f"/v1/legal-steps/{report['id']}", on=None)) == {
        ("/on", "missing")
    }


async def test_legal_tier_is_readable_by_case_staff_only(scenario: Scenario, case_path: str) -> None:
    report = expect_json(
        await scenario.worker_north.post(f"{case_path}/legal-steps", POLICE_REPORT_PAYLOAD), 201
    )
    step_path = f"/v1/legal-steps/{report['id']}"
    for name, status in (
        ("worker_north", 200), ("worker_north_2", 200), ("supervisor_north", 200), ("supervisor_both", 200),
        ("manager", 200), ("worker_south", 404), ("supervisor_south", 404), ("finance", 403), ("me_officer", 403),
        ("dpo", 403), ("admin", 403), ("partner_one", 403), ("reporting", 403),
    ):  # fmt: skip
        for path in (step_path, f"{case_path}/legal-steps"):
            assert (await scenario.client_for(name).get(path)).status_code == status, name
    assert (await scenario.manager.post(f"{case_path}/legal-steps", POLICE_REPORT_PAYLOAD)).status_code == 403
    assert (await scenario.manager.patch(step_path, {"place": "x"}, etag='"1"')).status_code == 403

    # Break-glass access includes the case, but not its legal tier.
    for name in ("worker_south", "supervisor_south"):
        break_glass_client = scenario.client_for(name)
        expect_json(await break_glass_client.post(f"{case_path}/break-glass", BREAK_GLASS_PAYLOAD))
        assert (await break_glass_client.get(case_path)).status_code == 200
        for response in (
            await break_glass_client.get(step_path),
            await break_glass_client.get(f"{case_path}/legal-steps"),
            await break_glass_client.post(f"{case_path}/legal-steps", POLICE_REPORT_PAYLOAD),
            await break_glass_client.patch(step_path, {"place": "x"}, etag='"1"'),
        ):
            assert response.status_code == 404, name
        assert await list_timeline_details(scenario, name, case_path) == []
    assert len(await list_timeline_details(scenario, "manager", case_path)) == 1


async def test_legal_steps_are_hidden_from_former_workers_and_by_conflict_walls(
    scenario: Scenario, case_path: str
) -> None:
    report = expect_json(
        await scenario.worker_north.post(f"{case_path}/legal-steps", POLICE_REPORT_PAYLOAD), 201
    )
    other_case = await scenario.open_case("worker_south")
    link_payload = {"linked_case_id": other_case["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"{case_path}/links", link_payload), 201)
    other_step = expect_json(
        await scenario.worker_south.post(f"/v1/cases/{other_case['id']}/legal-steps", POLICE_REPORT_PAYLOAD),
        201,
    )
    assert (await scenario.worker_south.get(f"/v1/legal-steps/{report['id']}")).status_code == 404
    assert (await scenario.worker_north.get(f"/v1/legal-steps/{other_step['id']}")).status_code == 404

    assignment = {"lead_worker_id": str(id_of("worker_north_2"))}
    expect_json(await scenario.supervisor_north.act(case_path, "assign", assignment))
    for path in (f"/v1/legal-steps/{report['id']}", f"{case_path}/legal-steps"):
        assert (await scenario.worker_north.get(path)).status_code == 404
        assert (await scenario.worker_north_2.get(path)).status_code == 200


async def test_list_uses_a_fixed_number_of_statements(scenario: Scenario, case_path: str) -> None:
    statement_counts = []
    for _ in range(2):
        for payload in (POLICE_REPORT_PAYLOAD, INCIDENT_PAYLOAD, hearing_payload()):
            expect_json(await scenario.worker_north.post(f"{case_path}/legal-steps", payload), 201)
        with record_statements(scenario) as statements:
            expect_json(await scenario.worker_north.get(f"{case_path}/legal-steps"))
        statement_counts.append(len(statements))
    assert statement_counts == [1, 1]
