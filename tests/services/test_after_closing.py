"""After a case was closed: what was under way with others comes to its end, and what still arrives is kept."""

from typing import Any

from tests.locks import held_up
from tests.pathway import closed, done, exit_plan_for, exiting
from tests.services.test_documents import letter
from tests.services.test_legal_steps import REPORT
from tests.services.test_referral_life import unmet
from tests.services.test_service_referrals import BODIES, ROADS, draft
from tests.services.test_support_sessions import HELD, VISIT
from tests.world import World, id_of

ENDING = {"reason_code": "goals_met", "outcome": "Well."}


async def test_what_was_asked_of_a_provider_comes_to_its_end(world: World) -> None:
    # Before: 409 to each, and the referral stood open for good.
    case, _ = await exiting(world)
    path, worker = f"/v1/cases/{case['id']}", world.worker_north
    ends = [
        ("sent", "accept"),
        ("sent", "decline"),
        ("sent", "cancel"),
        ("accepted", "complete"),
        ("draft", "cancel"),
    ]
    asked = []
    for status, _ in ends:
        asked.append(await draft(world, path))
        for earlier in ROADS[status]:
            done(await worker.act(asked[-1], earlier, BODIES[earlier]))
    unsent = await draft(world, path)
    await exit_plan_for(world, case["id"])
    done(await worker.act(path, "close", ENDING))
    for referral, (status, act) in zip(asked, ends, strict=True):
        assert done(await worker.act(referral, act, BODIES[act]))["status"] not in {status, "draft"}
    assert unmet(await worker.act(unsent, "send")) == {"status": "/status"}
    assert (await worker.post(f"{path}/service-referrals", {})).status_code == 422
    assert unmet(await worker.patch(unsent, {"need": "x"}, etag='"1"')) == {"status": "/status"}


async def test_courts_and_letters_come_when_they_come(world: World) -> None:
    case = await closed(world)
    path, worker = f"/v1/cases/{case['id']}", world.worker_north
    step = done(await worker.post(f"{path}/legal-steps", {**REPORT, "kind": "court_date"}), 201)
    here = f"/v1/legal-steps/{step['id']}"
    assert done(await worker.patch(here, {"result": "Sentenced."}, etag='"1"'))["result"] == "Sentenced."
    arriving: list[dict[str, Any]] = [
        {},
        {"kind": "court"},
        {"kind": "police"},
        {"kind": "medical", "tier": "legal"},
    ]
    for told in arriving:
        done(await worker.post(f"{path}/documents", letter(**told)), 201)
    about = {"kind": "legal_step", "id": step["id"]}
    done(await worker.post(f"{path}/documents", letter(kind="photo", about=about)), 201)
    assert unmet(await worker.post(f"{path}/documents", letter(kind="drawing"))) == {"status": "/status"}
    assert unmet(await worker.post(f"{path}/support-sessions", HELD)) == {"status": "/status"}


async def test_recording_and_assigning_at_once_wait_for_each_other_and_not_in_a_circle(
    world: World, superuser: Any
) -> None:
    # Before: the session's row first and then the case's: one of the two was a 409, "please try again".
    case = await world.case()
    path = f"/v1/cases/{case['id']}"
    worker, leader = world.worker_north, world.supervisor_north
    planned = done(await worker.post(f"{path}/support-sessions", VISIT), 201)
    here = f"/v1/support-sessions/{planned['id']}"
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    seen = (await leader.get(path)).headers["etag"]
    held = {"held_at": "2026-01-20T02:00:00Z", "attendance": "attended"}
    answers = await held_up(
        superuser, case["id"],
        leader.post(f"{path}/assign", staff, etag=seen),
        leader.patch(here, {**held, "worker_id": str(worker.id)}, etag='"1"'),
    )  # fmt: skip
    assert answers[0] == 200
    assert answers[1] in {409, 412}
    assert done(await leader.get(here))["worker_id"] == str(id_of("worker_north_2"))


async def test_nothing_is_recorded_just_after_a_close(world: World, superuser: Any) -> None:
    # Planted: `find` for `steady_case` in support_sessions_addenda.add, support_sessions_notes.write, service_referrals.change.
    case, _ = await exiting(world)
    path, worker = f"/v1/cases/{case['id']}", world.worker_north
    contact = done(await worker.post(f"{path}/support-sessions", HELD), 201)
    here = f"/v1/support-sessions/{contact['id']}"
    asked = await draft(world, path)
    await exit_plan_for(world, case["id"])
    seen = (await worker.get(path)).headers["etag"]
    answers = await held_up(
        superuser, case["id"],
        worker.post(f"{path}/close", ENDING, etag=seen),
        worker.patch(here, {"summary": "Late."}, etag='"1"'),
        worker.post(f"{here}/addenda", {"text": "Late."}),
        worker.put(f"{here}/clinical-note", {"text": "Late."}),
        worker.patch(asked, {"need": "Late."}, etag='"1"'),
        worker.post(f"{asked}/send", etag='"1"'),
    )  # fmt: skip
    assert answers == [200, 409, 409, 409, 409, 409]
