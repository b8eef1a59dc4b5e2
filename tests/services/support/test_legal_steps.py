"""Incidents and legal steps: the legal tier of a case."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import create_case_path
from tests.support.payloads import BREAK_GLASS_PAYLOAD, POLICE_REPORT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, patch_latest_fields
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

INCIDENT = {"kind": "incident", "on": "2026-01-10", "description": "Followed home by a neighbour."}
HEARING = {"kind": "court_date", "status": "planned", "on": (today() + timedelta(days=40)).isoformat()}


@pytest.fixture
async def path(scenario: Scenario) -> str:
    return await create_case_path(scenario, "worker_north_2")


async def lines(scenario: Scenario, name: str, path: str) -> list[tuple[str, dict[str, Any]]]:
    found = expect_json(await scenario.client_for(name).get(f"{path}/timeline"))["items"]
    return [(line["kind"], line["detail"]) for line in found if line["record_kind"] == "legal_step"]


async def test_steps_are_entered_completed_and_listed(scenario: Scenario, path: str) -> None:
    worker, chosen = scenario.worker_north, str(uuid.uuid4())
    made = await worker.post(f"{path}/legal-steps", {**POLICE_REPORT_PAYLOAD, "id": chosen})
    report = expect_json(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/legal-steps/{chosen}", '"1"')
    assert {name: report[name] for name in POLICE_REPORT_PAYLOAD} == POLICE_REPORT_PAYLOAD
    assert (report["status"], report["result"], report["author_id"]) == ("done", None, str(worker.id))
    assert expect_json(await worker.get(f"/v1/legal-steps/{chosen}")) == report
    incident, hearing = [
        expect_json(await worker.post(f"{path}/legal-steps", told), 201) for told in (INCIDENT, HEARING)
    ]

    # somebody else on the case completes it, and the timeline says so
    here = f"/v1/legal-steps/{hearing['id']}"
    done = {"status": "done", "on": today().isoformat(), "result": "Heard by video."}
    changed = expect_json(await patch_latest_fields(scenario.worker_north_2, here, **done))
    assert (changed["status"], changed["result"], changed["version"]) == ("done", "Heard by video.", 2)
    assert changed["author_id"] == str(worker.id)
    assert (await worker.patch(here, {"place": "x"}, etag='"1"')).status_code == 412
    assert (await worker.patch(here, {"place": "x"})).status_code == 428
    assert (
        await worker.post(f"{path}/legal-steps", {**POLICE_REPORT_PAYLOAD, "id": chosen})
    ).status_code == 409

    async def ids(**query: str) -> list[str]:
        return [
            step["id"] for step in expect_json(await worker.get(f"{path}/legal-steps", params=query))["items"]
        ]

    assert await ids() == [hearing["id"], incident["id"], report["id"]]
    assert await ids(kind="incident") == [incident["id"]]
    assert await ids(status="planned") == []
    told = await lines(scenario, "worker_north", path)
    assert [kind for kind, _ in told] == [
        "legal_step_recorded", "legal_step_recorded", "legal_step_recorded", "incident_recorded"]  # fmt: skip
    assert told[0][1] == {
        "kind": "court_date", "status": "done", "on": today().isoformat(), "changed": ["on", "result", "status"]}  # fmt: skip
    assert INCIDENT["description"] not in (await worker.get(f"{path}/timeline")).text


async def test_what_is_no_step_is_refused(scenario: Scenario, path: str) -> None:
    worker = scenario.worker_north
    report = expect_json(await worker.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD), 201)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    for wrong, fault in (
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
        assert parse_faults(await worker.post(f"{path}/legal-steps", {**POLICE_REPORT_PAYLOAD, **wrong})) == {
            fault
        }, wrong
        assert parse_faults(
            await patch_latest_fields(worker, f"/v1/legal-steps/{report['id']}", **wrong)
        ) == {fault}, wrong
    assert parse_faults(await patch_latest_fields(worker, f"/v1/legal-steps/{report['id']}", on=None)) == {
        ("/on", "missing")
    }


async def test_the_legal_tier_is_for_who_works_on_the_case_and_decides_for_it(
    scenario: Scenario, path: str
) -> None:
    report = expect_json(await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD), 201)
    here = f"/v1/legal-steps/{report['id']}"
    for name, status in (
        ("worker_north", 200), ("worker_north_2", 200), ("supervisor_north", 200), ("supervisor_both", 200),
        ("manager", 200), ("worker_south", 404), ("supervisor_south", 404), ("finance", 403), ("me_officer", 403),
        ("dpo", 403), ("admin", 403), ("partner_one", 403), ("reporting", 403),
    ):  # fmt: skip
        for one in (here, f"{path}/legal-steps"):
            assert (await scenario.client_for(name).get(one)).status_code == status, name
    assert (await scenario.manager.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD)).status_code == 403
    assert (await scenario.manager.patch(here, {"place": "x"}, etag='"1"')).status_code == 403

    # broken glass shows the case, and nothing of this
    for name in ("worker_south", "supervisor_south"):
        breaker = scenario.client_for(name)
        expect_json(await breaker.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD))
        assert (await breaker.get(path)).status_code == 200
        for refused in (
            await breaker.get(here),
            await breaker.get(f"{path}/legal-steps"),
            await breaker.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD),
            await breaker.patch(here, {"place": "x"}, etag='"1"'),
        ):
            assert refused.status_code == 404, name
        assert await lines(scenario, name, path) == []
    assert len(await lines(scenario, "manager", path)) == 1


async def test_who_lost_the_case_and_who_stands_behind_the_wall_find_nothing(
    scenario: Scenario, path: str
) -> None:
    report = expect_json(await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD), 201)
    other = await scenario.open_case("worker_south")
    linking = {"linked_case_id": other["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"{path}/links", linking), 201)
    theirs = expect_json(
        await scenario.worker_south.post(f"/v1/cases/{other['id']}/legal-steps", POLICE_REPORT_PAYLOAD), 201
    )
    assert (await scenario.worker_south.get(f"/v1/legal-steps/{report['id']}")).status_code == 404
    assert (await scenario.worker_north.get(f"/v1/legal-steps/{theirs['id']}")).status_code == 404

    staff = {"lead_worker_id": str(id_of("worker_north_2"))}
    expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    for one in (f"/v1/legal-steps/{report['id']}", f"{path}/legal-steps"):
        assert (await scenario.worker_north.get(one)).status_code == 404
        assert (await scenario.worker_north_2.get(one)).status_code == 200


async def test_steps_are_listed_in_a_fixed_number_of_statements(scenario: Scenario, path: str) -> None:
    counts = []
    for _ in range(2):
        for told in (POLICE_REPORT_PAYLOAD, INCIDENT, HEARING):
            expect_json(await scenario.worker_north.post(f"{path}/legal-steps", told), 201)
        with record_statements(scenario) as statements:
            expect_json(await scenario.worker_north.get(f"{path}/legal-steps"))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4
