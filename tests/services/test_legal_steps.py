"""Incidents and legal steps: the legal tier of a case."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.house.test_statements import counted
from tests.services.test_circle import ok
from tests.services.test_referral_life import faults
from tests.services.test_support_sessions import GLASS, case_of, patched
from tests.world import World, id_of

REPORT: dict[str, Any] = {
    "kind": "report", "on": "2026-01-12", "authority": "anti_trafficking_police", "file_number": "112/26",
    "place": "សៀមរាប", "support_person": "Her aunt", "description": "The grandmother reported it.",
}  # fmt: skip
INCIDENT = {"kind": "incident", "on": "2026-01-10", "description": "Followed home by a neighbour."}
HEARING = {"kind": "court_date", "status": "planned", "on": (today() + timedelta(days=40)).isoformat()}


@pytest.fixture
async def path(world: World) -> str:
    return await case_of(world, "worker_north_2")


async def lines(world: World, name: str, path: str) -> list[tuple[str, dict[str, Any]]]:
    found = ok(await world.as_(name).get(f"{path}/timeline"))["items"]
    return [(line["kind"], line["detail"]) for line in found if line["record_kind"] == "legal_step"]


async def test_steps_are_entered_completed_and_listed(world: World, path: str) -> None:
    worker, chosen = world.worker_north, str(uuid.uuid4())
    made = await worker.post(f"{path}/legal-steps", {**REPORT, "id": chosen})
    report = ok(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/legal-steps/{chosen}", '"1"')
    assert {name: report[name] for name in REPORT} == REPORT
    assert (report["status"], report["result"], report["author_id"]) == ("done", None, str(worker.id))
    assert ok(await worker.get(f"/v1/legal-steps/{chosen}")) == report
    incident, hearing = [
        ok(await worker.post(f"{path}/legal-steps", told), 201) for told in (INCIDENT, HEARING)
    ]

    # somebody else on the case completes it, and the timeline says so
    here = f"/v1/legal-steps/{hearing['id']}"
    done = {"status": "done", "on": today().isoformat(), "result": "Heard by video."}
    changed = ok(await patched(world.worker_north_2, here, **done))
    assert (changed["status"], changed["result"], changed["version"]) == ("done", "Heard by video.", 2)
    assert changed["author_id"] == str(worker.id)
    assert (await worker.patch(here, {"place": "x"}, etag='"1"')).status_code == 412
    assert (await worker.patch(here, {"place": "x"})).status_code == 428
    assert (await worker.post(f"{path}/legal-steps", {**REPORT, "id": chosen})).status_code == 409

    async def ids(**query: str) -> list[str]:
        return [step["id"] for step in ok(await worker.get(f"{path}/legal-steps", params=query))["items"]]

    assert await ids() == [hearing["id"], incident["id"], report["id"]]
    assert await ids(kind="incident") == [incident["id"]]
    assert await ids(status="planned") == []
    told = await lines(world, "worker_north", path)
    assert [kind for kind, _ in told] == [
        "legal_step_recorded", "legal_step_recorded", "legal_step_recorded", "incident_recorded"]  # fmt: skip
    assert told[0][1] == {
        "kind": "court_date", "status": "done", "on": today().isoformat(), "changed": ["on", "result", "status"]}  # fmt: skip
    assert INCIDENT["description"] not in (await worker.get(f"{path}/timeline")).text


async def test_what_is_no_step_is_refused(world: World, path: str) -> None:
    worker = world.worker_north
    report = ok(await worker.post(f"{path}/legal-steps", REPORT), 201)
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
        assert faults(await worker.post(f"{path}/legal-steps", {**REPORT, **wrong})) == {fault}, wrong
        assert faults(await patched(worker, f"/v1/legal-steps/{report['id']}", **wrong)) == {fault}, wrong
    assert faults(await patched(worker, f"/v1/legal-steps/{report['id']}", on=None)) == {("/on", "missing")}


async def test_the_legal_tier_is_for_who_works_on_the_case_and_decides_for_it(
    world: World, path: str
) -> None:
    report = ok(await world.worker_north.post(f"{path}/legal-steps", REPORT), 201)
    here = f"/v1/legal-steps/{report['id']}"
    for name, status in (
        ("worker_north", 200), ("worker_north_2", 200), ("supervisor_north", 200), ("supervisor_both", 200),
        ("manager", 200), ("worker_south", 404), ("supervisor_south", 404), ("finance", 403), ("me_officer", 403),
        ("dpo", 403), ("admin", 403), ("partner_one", 403), ("reporting", 403),
    ):  # fmt: skip
        for one in (here, f"{path}/legal-steps"):
            assert (await world.as_(name).get(one)).status_code == status, name
    assert (await world.manager.post(f"{path}/legal-steps", REPORT)).status_code == 403
    assert (await world.manager.patch(here, {"place": "x"}, etag='"1"')).status_code == 403

    # broken glass shows the case, and nothing of this
    for name in ("worker_south", "supervisor_south"):
        breaker = world.as_(name)
        ok(await breaker.post(f"{path}/break-glass", GLASS))
        assert (await breaker.get(path)).status_code == 200
        for refused in (
            await breaker.get(here),
            await breaker.get(f"{path}/legal-steps"),
            await breaker.post(f"{path}/legal-steps", REPORT),
            await breaker.patch(here, {"place": "x"}, etag='"1"'),
        ):
            assert refused.status_code == 404, name
        assert await lines(world, name, path) == []
    assert len(await lines(world, "manager", path)) == 1


async def test_who_lost_the_case_and_who_stands_behind_the_wall_find_nothing(world: World, path: str) -> None:
    report = ok(await world.worker_north.post(f"{path}/legal-steps", REPORT), 201)
    other = await world.case("worker_south")
    linking = {"linked_case_id": other["id"], "reason": "Brothers."}
    ok(await world.supervisor_both.post(f"{path}/links", linking), 201)
    theirs = ok(await world.worker_south.post(f"/v1/cases/{other['id']}/legal-steps", REPORT), 201)
    assert (await world.worker_south.get(f"/v1/legal-steps/{report['id']}")).status_code == 404
    assert (await world.worker_north.get(f"/v1/legal-steps/{theirs['id']}")).status_code == 404

    staff = {"lead_worker_id": str(id_of("worker_north_2"))}
    ok(await world.supervisor_north.act(path, "assign", staff))
    for one in (f"/v1/legal-steps/{report['id']}", f"{path}/legal-steps"):
        assert (await world.worker_north.get(one)).status_code == 404
        assert (await world.worker_north_2.get(one)).status_code == 200


async def test_steps_are_listed_in_a_fixed_number_of_statements(world: World, path: str) -> None:
    counts = []
    for _ in range(2):
        for told in (REPORT, INCIDENT, HEARING):
            ok(await world.worker_north.post(f"{path}/legal-steps", told), 201)
        with counted(world) as statements:
            ok(await world.worker_north.get(f"{path}/legal-steps"))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4
