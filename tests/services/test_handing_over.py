"""A case changes hands: what was planned goes with it, and what was told before is not told again."""

import asyncio
from typing import Any
from uuid import UUID

from tests.pathway import exit_plan_for, exiting
from tests.services.test_circle import ok
from tests.services.test_legal_steps import REPORT
from tests.services.test_support_sessions import GLASS, VISIT, case_of
from tests.world import World, id_of


async def test_planned_sessions_go_to_the_lead_where_their_worker_leaves(world: World) -> None:
    path = await case_of(world, "worker_north_2")
    by_both = [
        ok(
            await world.worker_north.post(
                f"{path}/support-sessions", {**VISIT, "worker_id": str(id_of(name))}
            ),
            201,
        )
        for name in ("worker_north", "worker_north_2")
    ]
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    ok(await world.supervisor_north.act(path, "assign", staff))
    for planned in by_both:
        found = ok(await world.worker_north_2.get(f"/v1/support-sessions/{planned['id']}"))
        assert found["worker_id"] == str(id_of("worker_north_2"))
        assert found["version"] == (1 if planned is by_both[1] else 2)

    move = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "Moved to Phnom Penh.",
    }  # fmt: skip
    ok(await world.manager.act(path, "transfer", move))
    sessions = ok(await world.worker_south.get(f"{path}/support-sessions"))["items"]
    assert [found["worker_id"] for found in sessions] == [str(id_of("worker_south"))] * 2


async def test_another_lead_leaves_the_co_workers_where_they_are(world: World, superuser: Any) -> None:
    # Before: to name none was to take all of them off.
    path = await case_of(world)
    north, other = str(id_of("worker_north")), str(id_of("worker_north_2"))
    for lead, beside, then in (
        (north, {"co_worker_ids": [other]}, [other]),
        (north, {}, [other]),
        (other, {}, []),
        (north, {"co_worker_ids": [other]}, [other]),
        (north, {"co_worker_ids": []}, []),
    ):
        found = ok(await world.supervisor_north.act(path, "assign", {"lead_worker_id": lead, **beside}))
        assert (found["lead_worker_id"], found["co_worker_ids"]) == (lead, then)

    # Whoever has left since, leaves the case with the next assignment, and does not stand in its way.
    ok(await world.supervisor_north.act(path, "assign", {"lead_worker_id": north, "co_worker_ids": [other]}))
    await superuser.execute("UPDATE users SET is_active = false WHERE id = $1", id_of("worker_north_2"))
    assert (
        ok(await world.supervisor_north.act(path, "assign", {"lead_worker_id": north}))["co_worker_ids"] == []
    )


async def test_a_retry_is_not_told_what_its_sender_may_no_longer_read(world: World) -> None:
    # Planted: `_still_open` left out of `_reopen`.
    path = await case_of(world)
    key = {"Idempotency-Key": "a-report-0001"}
    first = await world.worker_north.post(f"{path}/legal-steps", REPORT, headers=key)
    again = await world.worker_north.post(f"{path}/legal-steps", REPORT, headers=key)
    assert (first.status_code, again.status_code, again.text) == (201, 201, first.text)

    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    ok(await world.supervisor_north.act(path, "assign", staff))
    ok(
        await world.worker_north.post(f"{path}/break-glass", GLASS)
    )  # the child is seen again, the legal tier is not
    assert (await world.worker_north.get(path)).status_code == 200
    refused = await world.worker_north.post(f"{path}/legal-steps", REPORT, headers=key)
    assert refused.status_code == 404
    assert REPORT["file_number"] not in refused.text


async def test_nothing_is_planned_into_a_case_as_it_closes(world: World, superuser: Any) -> None:
    # Planted: `find` for `find_steady` in support_sessions.plan (and a sleep before the flush).
    case, _ = await exiting(world)
    await exit_plan_for(world, case["id"])
    path, ending = f"/v1/cases/{case['id']}", {"reason_code": "goals_met", "outcome": "Well."}
    seen = (await world.worker_north.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(world.worker_north.post(f"{path}/support-sessions", VISIT) for _ in range(4)),
        world.worker_north.post(f"{path}/close", ending, etag=seen),
    )
    assert {answer.status_code for answer in answers[:4]} <= {201, 409}
    assert answers[4].status_code == 200
    left = await superuser.fetch("SELECT status FROM support_sessions WHERE case_id = $1", UUID(case["id"]))
    assert {row["status"] for row in left} <= {"cancelled"}
