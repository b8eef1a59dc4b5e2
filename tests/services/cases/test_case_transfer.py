"""Tests of assignment and transfer: planned sessions, co-workers and the access of former workers."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.case_lifecycle import create_approved_exit_plan, create_case_path, create_exiting_case
from tests.support.payloads import BREAK_GLASS_PAYLOAD, PLANNED_VISIT_PAYLOAD, POLICE_REPORT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


async def test_planned_sessions_are_assigned_to_the_lead_worker_when_their_worker_is_removed(
    scenario: Scenario,
) -> None:
    path = await create_case_path(scenario, "worker_north_2")
    planned_sessions = [
        expect_json(
            await scenario.worker_north.post(
                f"{path}/support-sessions", {**PLANNED_VISIT_PAYLOAD, "worker_id": str(id_of(name))}
            ),
            201,
        )
        for name in ("worker_north", "worker_north_2")
    ]
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    for planned in planned_sessions:
        session = expect_json(await scenario.worker_north_2.get(f"/v1/support-sessions/{planned['id']}"))
        assert session["worker_id"] == str(id_of("worker_north_2"))
        assert session["version"] == (1 if planned is planned_sessions[1] else 2)

    transfer = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "Moved to Phnom Penh.",
    }  # fmt: skip
    expect_json(await scenario.manager.act(path, "transfer", transfer))
    sessions = expect_json(await scenario.worker_south.get(f"{path}/support-sessions"))["items"]
    assert [session["worker_id"] for session in sessions] == [str(id_of("worker_south"))] * 2


async def test_transfer_of_a_case_sets_the_team_of_its_referrals(scenario: Scenario) -> None:
    # Catches: `_transfer_referrals` removed. The list of referrals has no arm over the cases of a team.
    case = await scenario.open_case()
    (before,) = expect_json(await scenario.supervisor_north.get("/v1/referrals"))["items"]
    transfer = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "Moved to Phnom Penh.",
    }  # fmt: skip
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "transfer", transfer))
    (after,) = expect_json(await scenario.supervisor_south.get("/v1/referrals"))["items"]
    assert (before["id"], before["team_id"]) == (after["id"], str(id_of("north")))
    assert (after["team_id"], after["version"]) == (str(id_of("south")), before["version"] + 1)
    assert expect_json(await scenario.supervisor_north.get("/v1/referrals"))["items"] == []


async def test_assignment_without_co_workers_keeps_eligible_co_workers(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # A request without `co_worker_ids` keeps the co-workers.
    path = await create_case_path(scenario)
    lead_id, other_id = str(id_of("worker_north")), str(id_of("worker_north_2"))
    for lead_worker_id, co_workers, expected in (
        (lead_id, {"co_worker_ids": [other_id]}, [other_id]),
        (lead_id, {}, [other_id]),
        (other_id, {}, []),
        (lead_id, {"co_worker_ids": [other_id]}, [other_id]),
        (lead_id, {"co_worker_ids": []}, []),
    ):
        case = expect_json(
            await scenario.supervisor_north.act(
                path, "assign", {"lead_worker_id": lead_worker_id, **co_workers}
            )
        )
        assert (case["lead_worker_id"], case["co_worker_ids"]) == (lead_worker_id, expected)

    # The next assignment removes a co-worker who has become inactive.
    expect_json(
        await scenario.supervisor_north.act(
            path, "assign", {"lead_worker_id": lead_id, "co_worker_ids": [other_id]}
        )
    )
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_north_2")
    )
    assert (
        expect_json(await scenario.supervisor_north.act(path, "assign", {"lead_worker_id": lead_id}))[
            "co_worker_ids"
        ]
        == []
    )


async def test_retry_is_404_after_the_caller_lost_access_to_the_record(scenario: Scenario) -> None:
    # Catches: `_load_response` does not call `_verify_records_visible`.
    path = await create_case_path(scenario)
    key = {"Idempotency-Key": "a-report-0001"}
    response = await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, headers=key)
    retry = await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, headers=key)
    assert (response.status_code, retry.status_code, retry.text) == (201, 201, response.text)

    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    expect_json(
        await scenario.worker_north.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD)
    )  # break-glass access shows the case without its legal tier
    assert (await scenario.worker_north.get(path)).status_code == 200
    refused = await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, headers=key)
    assert refused.status_code == 404
    assert POLICE_REPORT_PAYLOAD["file_number"] not in refused.text


async def test_no_session_is_planned_during_the_closing_of_a_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `get_record` instead of `get_for_share` in the planning of a session (and a sleep before the flush).
    case, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, case["id"])
    path, closure = f"/v1/cases/{case['id']}", {"reason_code": "goals_met", "outcome": "Well."}
    etag = (await scenario.worker_north.get(path)).headers["etag"]
    responses = await asyncio.gather(
        *(scenario.worker_north.post(f"{path}/support-sessions", PLANNED_VISIT_PAYLOAD) for _ in range(4)),
        scenario.worker_north.post(f"{path}/close", closure, etag=etag),
    )
    assert {response.status_code for response in responses[:4]} <= {201, 409}
    assert responses[4].status_code == 200
    sessions = await superuser_connection.fetch(
        "SELECT status FROM support_sessions WHERE case_id = $1", UUID(case["id"])
    )
    assert {row["status"] for row in sessions} <= {"cancelled"}
