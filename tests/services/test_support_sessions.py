"""Support sessions: planned, held, missed, cancelled; corrected for a day by who wrote them down, then only added to."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.services.test_circle import ok
from tests.services.test_referral_life import faults, unmet
from tests.world import Caller, World, id_of

HELD: dict[str, Any] = {
    "kind": "therapy", "form": "play", "held_at": "2026-01-13T02:00:00Z", "attendance": "attended",
    "participants": ["the child", "លោកយាយ"], "areas": ["emotional_health", "relationships"],
    "place": "Playroom", "mood": {"value": 4, "of": 5, "words": "ដូចក្រោយភ្លៀង"},
    "summary": "Built a house with many doors.", "next_step": "Invite the grandmother.",
}  # fmt: skip
VISIT = {"kind": "home_visit", "planned_at": "2026-01-20T02:00:00Z", "areas": ["shelter_safety"]}
MISSED = {"attendance": "missed_by_family", "missed_reason": "The road was flooded."}
GLASS = {"reason": "The child is at our door and her worker is away."}


def moment(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat().replace("+00:00", "Z")


async def case_of(world: World, *beside: str) -> str:
    """Return the path of a northern case, with co-workers."""
    path = f"/v1/cases/{(await world.case())['id']}"
    if beside:
        staff = {
            "lead_worker_id": str(id_of("worker_north")),
            "co_worker_ids": [str(id_of(n)) for n in beside],
        }
        ok(await world.supervisor_north.act(path, "assign", staff))
    return path


async def contact_of(caller: Caller, path: str, **told: Any) -> dict[str, Any]:
    return ok(await caller.post(f"{path}/support-sessions", told), 201)


def here(contact: dict[str, Any]) -> str:
    return f"/v1/support-sessions/{contact['id']}"


async def patched(caller: Caller, path: str, **patch: Any) -> httpx.Response:
    seen = await caller.get(path)
    return await caller.patch(path, patch, etag=seen.headers["etag"])


async def lines(caller: Caller, path: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(await caller.get(f"{path}/timeline", params={"kind": kind}))["items"]
    return found


async def test_a_session_is_written_down_whole_and_read_back(world: World) -> None:
    path, worker, chosen = await case_of(world), world.worker_north, str(uuid.uuid4())
    made = await worker.post(f"{path}/support-sessions", {**HELD, "id": chosen})
    held = ok(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/support-sessions/{chosen}", '"1"')
    assert {name: held[name] for name in HELD} == HELD
    assert (held["status"], held["worker_id"], held["author_id"]) == ("held", str(worker.id), str(worker.id))
    until = datetime.fromisoformat(held["editable_until"]) - datetime.fromisoformat(held["recorded_at"])
    assert (until, held["has_clinical_note"]) == (timedelta(hours=24), False)
    assert ok(await worker.get(here(held))) == held

    plainly = await contact_of(worker, path, kind="phone_call", held_at="2026-01-10T02:00:00Z")
    assert (plainly["status"], plainly["attendance"]) == ("held", "attended")
    visit = await contact_of(worker, path, **VISIT)
    assert (visit["status"], visit["recorded_at"], visit["editable_until"]) == ("planned", None, None)
    missed = await contact_of(worker, path, **VISIT, **MISSED)
    assert (missed["status"], missed["missed_reason"]) == ("missed", MISSED["missed_reason"])

    assert (await worker.post(f"{path}/support-sessions", {**HELD, "id": chosen})).status_code == 409
    [planned] = await lines(worker, path, "session_planned")
    happened, _ = await lines(worker, path, "session_held")
    [not_happened] = await lines(worker, path, "session_missed")
    about = [line["record_id"] for line in (planned, happened, not_happened)]
    assert about == [visit["id"], held["id"], missed["id"]]
    assert happened["detail"] == {
        "kind": "therapy", "attendance": "attended", "at": "2026-01-13T02:00:00Z"}  # fmt: skip
    words = (HELD["summary"], HELD["place"], MISSED["missed_reason"], "ដូចក្រោយភ្លៀង")
    told_of = (await worker.get(f"{path}/timeline")).text
    assert not [word for word in words if word in told_of]


async def test_what_no_session_is_is_refused_field_by_field(world: World) -> None:
    path, worker = await case_of(world), world.worker_north
    base = {"kind": "therapy", "held_at": HELD["held_at"], "attendance": "attended"}
    planned = {"kind": "home_visit", "planned_at": VISIT["planned_at"]}
    for told, fault in (
        ({"kind": "therapy"}, ("/planned_at", "undated")),
        ({**base, "held_at": None, "planned_at": VISIT["planned_at"]}, ("/held_at", "held_form")),
        ({**base, **MISSED, "planned_at": VISIT["planned_at"]}, ("/held_at", "held_form")),
        ({**base, "missed_reason": "Rain."}, ("/missed_reason", "missed_form")),
        ({**planned, "missed_reason": "Rain."}, ("/missed_reason", "missed_form")),
        ({**planned, "attendance": "missed_by_child"}, ("/missed_reason", "missed_form")),
        ({"kind": "phone_call", **MISSED}, ("/planned_at", "missed_form")),
        ({**planned, "form": "art"}, ("/form", "form_without_therapy")),
        ({**base, "held_at": moment(minutes=5)}, ("/held_at", "date_in_future")),
        ({**planned, **MISSED, "planned_at": moment(hours=1)}, ("/planned_at", "date_in_future")),
        ({**planned, "planned_at": moment(days=2000)}, ("/planned_at", "date_too_late")),
        ({**planned, "planned_at": "9999-12-31T23:59:59Z"}, ("/planned_at", "date_too_late")),
        ({**base, "held_at": "0001-01-01T00:00:00Z"}, ("/held_at", "date_too_early")),
        ({**base, "mood": {"value": 3}}, ("/mood", "mood_form")),
        ({**base, "mood": {"value": 6, "of": 5}}, ("/mood", "mood_form")),
        ({**base, "mood": {}}, ("/mood", "mood_form")),
        ({**base, "mood": {"value": "4", "of": 5}}, ("/mood/value", "int_type")),
        ({**base, "areas": ["happiness"]}, ("/areas/0", "literal_error")),
        ({**base, "participants": [" "]}, ("/participants/0", "blank")),
        ({**base, "participants": ["x"] * 31}, ("/participants", "too_long")),
        ({**base, "goal_ids": [str(uuid.uuid4())]}, ("/goal_ids/0", "goal_unknown")),
        ({**base, "status": "held"}, ("/status", "extra_forbidden")),
        ({**base, "kind": "massage"}, ("/kind", "literal_error")),
    ):
        assert faults(await worker.post(f"{path}/support-sessions", told)) == {fault}, told
    assert ok(await worker.get(f"{path}/support-sessions"))["items"] == []


async def test_a_planned_session_is_anybodys_on_the_case_until_it_is_recorded(world: World) -> None:
    path = await case_of(world, "worker_north_2")
    lead, beside = world.worker_north, world.worker_north_2
    visit = await contact_of(lead, path, **VISIT)
    moved = ok(await patched(beside, here(visit), planned_at="2026-01-21T02:00:00Z", place="At school"))
    assert (moved["planned_at"], moved["author_id"]) == ("2026-01-21T02:00:00Z", str(lead.id))
    ok(await patched(beside, here(visit), areas=["education", "education"], worker_id=str(beside.id)))

    held = {"held_at": "2026-01-21T02:10:00Z", "attendance": "attended_part", "summary": "All at home."}
    stale = await beside.patch(here(visit), held, etag='"1"')
    assert (stale.status_code, (await beside.patch(here(visit), held)).status_code) == (412, 428)
    recorded = ok(await patched(beside, here(visit), **held))
    assert (recorded["status"], recorded["author_id"], recorded["areas"]) == (
        "held", str(beside.id), ["education"])  # fmt: skip
    # its author corrects it, and nobody else; who held it stays
    assert unmet(await patched(lead, here(visit), summary="x")) == {"not_yours": "/author_id"}
    assert unmet(await patched(beside, here(visit), worker_id=str(lead.id))) == {"frozen": "/worker_id"}
    again = {"held_at": None, "attendance": None}
    assert unmet(await patched(beside, here(visit), **again)) == {"status": "/status"}
    ok(await patched(beside, here(visit), summary="All but the uncle."))
    missed = ok(await patched(beside, here(visit), held_at=None, **MISSED))
    assert (missed["status"], missed["recorded_at"]) == ("missed", recorded["recorded_at"])

    assert len(await lines(lead, path, "session_planned")) == 2, "planned, and moved"
    assert len(await lines(lead, path, "session_held")) == 1
    assert len(await lines(lead, path, "session_missed")) == 1


async def test_a_day_after_it_was_recorded_a_session_is_frozen_and_takes_addenda(
    world: World, superuser: Any
) -> None:
    path = await case_of(world, "worker_north_2")
    lead, beside = world.worker_north, world.worker_north_2
    held, visit = await contact_of(lead, path, **HELD), await contact_of(lead, path, **VISIT)
    back = "UPDATE support_sessions SET recorded_at = recorded_at - $1::interval WHERE id = $2"
    await superuser.execute(back, timedelta(hours=23, minutes=59), uuid.UUID(held["id"]))
    ok(await patched(lead, here(held), next_step=None))
    await superuser.execute(back, timedelta(minutes=2), uuid.UUID(held["id"]))
    for caller in (lead, beside, world.supervisor_north):
        assert unmet(await patched(caller, here(held), summary="x")) == {"frozen": "/status"}

    told = {"text": "The teacher called: back in school since Monday.", "id": str(uuid.uuid4())}
    added = ok(await beside.post(f"{here(held)}/addenda", told), 201)
    assert (added["text"], added["tier"], added["author_id"]) == (told["text"], "case", str(beside.id))
    for caller in (lead, beside, world.supervisor_north, world.manager):
        assert ok(await caller.get(f"{here(held)}/addenda"))["items"] == [added]
    assert (await beside.post(f"{here(held)}/addenda", told)).status_code == 409
    assert unmet(await lead.post(f"{here(visit)}/addenda", {"text": "x"})) == {"status": "/status"}
    for wrong, fault in (
        ({}, ("/text", "missing")),
        ({"text": " "}, ("/text", "blank")),
        ({"text": "x", "tier": "legal"}, ("/tier", "literal_error")),
    ):
        assert faults(await lead.post(f"{here(held)}/addenda", wrong)) == {fault}
    [line] = await lines(lead, path, "addendum_added")
    assert (line["record_kind"], line["record_id"]) == ("session_addendum", added["id"])


async def test_a_planned_session_is_called_off_once_with_a_reason(world: World) -> None:
    path, worker = await case_of(world), world.worker_north
    visit, held = await contact_of(worker, path, **VISIT), await contact_of(worker, path, **HELD)
    assert faults(await worker.act(here(visit), "cancel", {})) == {("/reason", "missing")}
    assert (await worker.post(f"{here(visit)}/cancel", {"reason": "x"})).status_code == 428
    off = ok(await worker.act(here(visit), "cancel", {"reason": "Water Festival."}))
    assert (off["status"], off["cancel_reason"], off["recorded_at"]) == ("cancelled", "Water Festival.", None)
    for contact in (visit, held):
        assert unmet(await worker.act(here(contact), "cancel", {"reason": "x"})) == {"status": "/status"}
    assert unmet(await patched(worker, here(visit), place="x")) == {"frozen": "/status"}
    assert len(await lines(worker, path, "session_cancelled")) == 1


async def test_two_who_record_one_session_at_once_leave_one_record(world: World) -> None:
    path = await case_of(world, "worker_north_2")
    visit = await contact_of(world.worker_north, path, **VISIT)
    held = {"held_at": VISIT["planned_at"], "attendance": "attended"}
    tried = await asyncio.gather(
        world.worker_north.patch(here(visit), held, etag='"1"'),
        world.worker_north_2.patch(here(visit), {**MISSED}, etag='"1"'),
        world.worker_north.post(f"{here(visit)}/cancel", {"reason": "x"}, etag='"1"'),
    )
    assert sorted(answer.status_code for answer in tried) == [200, 412, 412]


async def test_who_holds_a_session_works_on_the_case(world: World) -> None:
    path, worker = await case_of(world, "worker_north_2"), world.worker_north
    for name in ("worker_north_2", "supervisor_north", "supervisor_both"):
        visit = await contact_of(worker, path, **VISIT, worker_id=str(id_of(name)))
        assert visit["worker_id"] == str(id_of(name))
    strangers = ("worker_south", "supervisor_south", "manager", "admin", "nobody")
    for name in strangers:
        told = {**VISIT, "worker_id": str(id_of(name))}
        refused = await worker.post(f"{path}/support-sessions", told)
        assert unmet(refused) == {"worker_unfit": "/worker_id"}, name
        series = {
            "kind": "phone_call",
            "first_at": VISIT["planned_at"],
            "count": 2,
            "worker_id": told["worker_id"],
        }
        refused = await worker.post(f"{path}/support-sessions/series", series)
        assert unmet(refused) == {"worker_unfit": "/worker_id"}, name
        handing = await patched(worker, here(visit), worker_id=told["worker_id"])
        assert unmet(handing) == {"worker_unfit": "/worker_id"}, name


async def test_broken_glass_shows_sessions_and_lets_one_write_down_only_what_one_held(world: World) -> None:
    path, breaker = await case_of(world), world.worker_south
    visit, held = [await contact_of(world.worker_north, path, **told) for told in (VISIT, HELD)]
    ok(await breaker.post(f"{path}/break-glass", GLASS))
    assert ok(await breaker.get(here(held)))["summary"] == HELD["summary"]
    off_limits = {"not_on_case": None}
    for refused in (
        await breaker.post(f"{path}/support-sessions", VISIT),
        await breaker.post(f"{path}/support-sessions", {**HELD, "worker_id": str(id_of("worker_north"))}),
        await patched(breaker, here(visit), place="x"),
        await breaker.act(here(visit), "cancel", {"reason": "x"}),
        await breaker.post(f"{here(held)}/addenda", {"text": "x"}),
        await breaker.post(
            f"{path}/support-sessions/series",
            {"kind": "phone_call", "first_at": VISIT["planned_at"], "count": 2},
        ),
    ):
        assert unmet(refused) == off_limits
    own = await contact_of(breaker, path, **HELD)
    assert own["worker_id"] == str(breaker.id)
    ok(await patched(breaker, here(own), next_step="Call her worker."))
    ok(await breaker.post(f"{here(own)}/addenda", {"text": "She slept here."}), 201)


async def test_a_closed_case_takes_no_more_sessions(world: World, superuser: Any) -> None:
    path, worker = await case_of(world), world.worker_north
    visit, held = [await contact_of(worker, path, **told) for told in (VISIT, HELD)]
    await superuser.execute("UPDATE cases SET status = 'closed'")
    series = {"kind": "phone_call", "first_at": VISIT["planned_at"], "count": 2}
    for refused in (
        await worker.post(f"{path}/support-sessions", HELD),
        await worker.post(f"{path}/support-sessions/series", series),
        await patched(worker, here(visit), place="x"),
        await worker.act(here(visit), "cancel", {"reason": "x"}),
        await worker.post(f"{here(held)}/addenda", {"text": "x"}),
        await worker.request("PUT", f"{here(held)}/clinical-note", json={"text": "x"}),
    ):
        assert unmet(refused) == {"status": "/status"}
    assert len(ok(await worker.get(f"{path}/support-sessions"))["items"]) == 2
