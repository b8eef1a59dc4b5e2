"""A case changes hands: what was planned goes with it, and what was told before is not told again."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.case_lifecycle import create_approved_exit_plan, create_case_path, create_exiting_case
from tests.support.payloads import BREAK_GLASS_PAYLOAD, PLANNED_VISIT_PAYLOAD, POLICE_REPORT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


async def test_planned_sessions_go_to_the_lead_where_their_worker_leaves(scenario: Scenario) -> None:
    path = await create_case_path(scenario, "worker_north_2")
    by_both = [
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
    for planned in by_both:
        found = expect_json(await scenario.worker_north_2.get(f"/v1/support-sessions/{planned['id']}"))
        assert found["worker_id"] == str(id_of("worker_north_2"))
        assert found["version"] == (1 if planned is by_both[1] else 2)

    move = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "Moved to Phnom Penh.",
    }  # fmt: skip
    expect_json(await scenario.manager.act(path, "transfer", move))
    sessions = expect_json(await scenario.worker_south.get(f"{path}/support-sessions"))["items"]
    assert [found["worker_id"] for found in sessions] == [str(id_of("worker_south"))] * 2


async def test_another_lead_leaves_the_co_workers_where_they_are(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Before: to name none was to take all of them off.
    path = await create_case_path(scenario)
    north, other = str(id_of("worker_north")), str(id_of("worker_north_2"))
    for lead, beside, then in (
        (north, {"co_worker_ids": [other]}, [other]),
        (north, {}, [other]),
        (other, {}, []),
        (north, {"co_worker_ids": [other]}, [other]),
        (north, {"co_worker_ids": []}, []),
    ):
        found = expect_json(
            await scenario.supervisor_north.act(path, "assign", {"lead_worker_id": lead, **beside})
        )
        assert (found["lead_worker_id"], found["co_worker_ids"]) == (lead, then)

    # Whoever has left since, leaves the case with the next assignment, and does not stand in its way.
    expect_json(
        await scenario.supervisor_north.act(
            path, "assign", {"lead_worker_id": north, "co_worker_ids": [other]}
        )
    )
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_north_2")
    )
    assert (
        expect_json(await scenario.supervisor_north.act(path, "assign", {"lead_worker_id": north}))[
            "co_worker_ids"
        ]
        == []
    )


async def test_a_retry_is_not_told_what_its_sender_may_no_longer_read(scenario: Scenario) -> None:
    # Planted: `_still_open` left out of `_reopen`.
    path = await create_case_path(scenario)
    key = {"Idempotency-Key": "a-report-0001"}
    first = await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, headers=key)
    again = await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, headers=key)
    assert (first.status_code, again.status_code, again.text) == (201, 201, first.text)

    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    expect_json(
        await scenario.worker_north.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD)
    )  # the child is seen again, the legal tier is not
    assert (await scenario.worker_north.get(path)).status_code == 200
    refused = await scenario.worker_north.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, headers=key)
    assert refused.status_code == 404
    assert POLICE_REPORT_PAYLOAD["file_number"] not in refused.text


async def test_nothing_is_planned_into_a_case_as_it_closes(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Planted: `find` for `find_steady` in support_sessions.plan (and a sleep before the flush).
    case, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, case["id"])
    path, ending = f"/v1/cases/{case['id']}", {"reason_code": "goals_met", "outcome": "Well."}
    seen = (await scenario.worker_north.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(scenario.worker_north.post(f"{path}/support-sessions", PLANNED_VISIT_PAYLOAD) for _ in range(4)),
        scenario.worker_north.post(f"{path}/close", ending, etag=seen),
    )
    assert {answer.status_code for answer in answers[:4]} <= {201, 409}
    assert answers[4].status_code == 200
    left = await superuser_connection.fetch(
        "SELECT status FROM support_sessions WHERE case_id = $1", UUID(case["id"])
    )
    assert {row["status"] for row in left} <= {"cancelled"}
