"""Write access to support sessions: workers, break-glass access and closed cases."""

from typing import Any

from tests.support.case_lifecycle import create_case_path
from tests.support.payloads import (
    BREAK_GLASS_PAYLOAD,
    HELD_SESSION_PAYLOAD,
    PLANNED_VISIT_PAYLOAD,
)
from tests.support.responses import expect_json, parse_unmet_pointers, patch_latest_fields
from tests.support.scenario import Scenario, id_of
from tests.support.support_sessions import create_support_session, support_session_path


async def test_session_worker_must_be_case_staff(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario, "worker_north_2"), scenario.worker_north
    for name in ("worker_north_2", "supervisor_north", "supervisor_both"):
        planned_session = await create_support_session(
            worker, case_path, **PLANNED_VISIT_PAYLOAD, worker_id=str(id_of(name))
        )
        assert planned_session["worker_id"] == str(id_of(name))
    ineligible_workers = ("worker_south", "supervisor_south", "manager", "admin", "nobody")
    for name in ineligible_workers:
        payload = {**PLANNED_VISIT_PAYLOAD, "worker_id": str(id_of(name))}
        response = await worker.post(f"{case_path}/support-sessions", payload)
        assert parse_unmet_pointers(response) == {"worker_unfit": "/worker_id"}, name
        series = {
            "kind": "phone_call",
            "first_at": PLANNED_VISIT_PAYLOAD["planned_at"],
            "count": 2,
            "worker_id": payload["worker_id"],
        }
        response = await worker.post(f"{case_path}/support-sessions/series", series)
        assert parse_unmet_pointers(response) == {"worker_unfit": "/worker_id"}, name
        response = await patch_latest_fields(
            worker, support_session_path(planned_session), worker_id=payload["worker_id"]
        )
        assert parse_unmet_pointers(response) == {"worker_unfit": "/worker_id"}, name


async def test_break_glass_permits_reading_sessions_and_recording_own_ones_only(
    scenario: Scenario,
) -> None:
    case_path, break_glass_worker = await create_case_path(scenario), scenario.worker_south
    planned_session, held_session = [
        await create_support_session(scenario.worker_north, case_path, **payload)
        for payload in (PLANNED_VISIT_PAYLOAD, HELD_SESSION_PAYLOAD)
    ]
    expect_json(await break_glass_worker.post(f"{case_path}/break-glass", BREAK_GLASS_PAYLOAD))
    assert (
        expect_json(await break_glass_worker.get(support_session_path(held_session)))["summary"]
        == HELD_SESSION_PAYLOAD["summary"]
    )
    expected_unmet = {"not_on_case": None}
    for response in (
        await break_glass_worker.post(f"{case_path}/support-sessions", PLANNED_VISIT_PAYLOAD),
        await break_glass_worker.post(
            f"{case_path}/support-sessions", {**HELD_SESSION_PAYLOAD, "worker_id": str(id_of("worker_north"))}
        ),
        await patch_latest_fields(break_glass_worker, support_session_path(planned_session), place="x"),
        await break_glass_worker.act(support_session_path(planned_session), "cancel", {"reason": "x"}),
        await break_glass_worker.post(f"{support_session_path(held_session)}/addenda", {"text": "x"}),
        await break_glass_worker.post(
            f"{case_path}/support-sessions/series",
            {"kind": "phone_call", "first_at": PLANNED_VISIT_PAYLOAD["planned_at"], "count": 2},
        ),
    ):
        assert parse_unmet_pointers(response) == expected_unmet
    own_session = await create_support_session(break_glass_worker, case_path, **HELD_SESSION_PAYLOAD)
    assert own_session["worker_id"] == str(break_glass_worker.id)
    expect_json(
        await patch_latest_fields(
            break_glass_worker, support_session_path(own_session), next_step="Call her worker."
        )
    )
    expect_json(
        await break_glass_worker.post(
            f"{support_session_path(own_session)}/addenda", {"text": "She slept here."}
        ),
        201,
    )


async def test_closed_case_rejects_session_changes(scenario: Scenario, superuser_connection: Any) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    planned_session, held_session = [
        await create_support_session(worker, case_path, **payload)
        for payload in (PLANNED_VISIT_PAYLOAD, HELD_SESSION_PAYLOAD)
    ]
    await superuser_connection.execute("UPDATE cases SET status = 'closed'")
    series = {"kind": "phone_call", "first_at": PLANNED_VISIT_PAYLOAD["planned_at"], "count": 2}
    for response in (
        await worker.post(f"{case_path}/support-sessions", HELD_SESSION_PAYLOAD),
        await worker.post(f"{case_path}/support-sessions/series", series),
        await patch_latest_fields(worker, support_session_path(planned_session), place="x"),
        await worker.act(support_session_path(planned_session), "cancel", {"reason": "x"}),
        await worker.post(f"{support_session_path(held_session)}/addenda", {"text": "x"}),
        await worker.request(
            "PUT", f"{support_session_path(held_session)}/clinical-note", json={"text": "x"}
        ),
    ):
        assert parse_unmet_pointers(response) == {"status": "/status"}
    assert len(expect_json(await worker.get(f"{case_path}/support-sessions"))["items"]) == 2
