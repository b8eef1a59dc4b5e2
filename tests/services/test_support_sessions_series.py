"""Support sessions in number: series, lists, and the goals they work on."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

from app.kit.dates import CAMBODIA_TIMEZONE
from tests.house.test_statements import counted
from tests.pathway import active
from tests.services.test_circle import ok
from tests.services.test_referral_life import faults
from tests.services.test_support_sessions import (
    HELD,
    MISSED,
    VISIT,
    case_of,
    contact_of,
    here,
    lines,
    patched,
)
from tests.world import World

SERIES = {
    "kind": "therapy", "form": "art", "first_at": "2026-11-24T09:00:00+07:00", "count": 8,
    "areas": ["emotional_health"], "participants": ["the child"], "place": "Playroom",
}  # fmt: skip


async def test_a_series_is_planned_at_once_at_the_same_local_time(world: World) -> None:
    path, worker = await case_of(world), world.worker_north
    made = ok(await worker.post(f"{path}/support-sessions/series", SERIES), 201)
    moments = [
        datetime.fromisoformat(item["planned_at"]).astimezone(CAMBODIA_TIMEZONE) for item in made["items"]
    ]
    assert [m.strftime("%a %H:%M") for m in moments] == ["Tue 09:00"] * 8
    assert [(m - moments[0]).days for m in moments] == [7 * n for n in range(8)]
    assert {item["series_id"] for item in made["items"]} == {made["series_id"]}
    assert {item["status"] for item in made["items"]} == {"planned"}
    found = ok(await worker.get(f"{path}/support-sessions", params={"series_id": made["series_id"]}))["items"]
    assert sorted(found, key=lambda item: item["planned_at"]) == made["items"]
    [line] = await lines(worker, path, "session_planned")
    assert line["detail"] == {
        "kind": "therapy", "at": "2026-11-24T02:00:00Z", "count": "8", "every_weeks": "1",
        "series_id": made["series_id"],
    }  # fmt: skip
    ok(await worker.act(here(made["items"][3]), "cancel", {"reason": "Exams."}))
    statuses = [ok(await worker.get(here(item)))["status"] for item in made["items"]]
    assert statuses == ["planned"] * 3 + ["cancelled"] + ["planned"] * 4

    fortnight = ok(await worker.post(f"{path}/support-sessions/series", {**SERIES, "every_weeks": 2}), 201)
    assert fortnight["items"][-1]["planned_at"] == "2027-03-02T02:00:00Z"
    for wrong, fault in (
        ({"count": 61}, ("/count", "less_than_equal")),
        ({"count": 1}, ("/count", "greater_than_equal")),
        ({"every_weeks": 0}, ("/every_weeks", "greater_than_equal")),
        ({"every_weeks": 12, "count": 60}, ("/count", "date_too_late")),
        ({"first_at": "9999-12-31T23:59:59Z"}, ("/first_at", "date_too_late")),
        ({"first_at": "2026-11-24"}, ("/first_at", "datetime_parsing")),
        ({"goal_ids": [str(uuid.uuid4())]}, ("/goal_ids/0", "goal_unknown")),
        ({"kind": "home_visit"}, ("/form", "form_without_therapy")),
        ({"held_at": HELD["held_at"]}, ("/held_at", "extra_forbidden")),
    ):
        refused = await worker.post(f"{path}/support-sessions/series", {**SERIES, **wrong})
        assert faults(refused) == {fault}, wrong


async def test_retries_of_a_series_make_one_series(world: World, superuser: Any) -> None:
    path, worker = f"{await case_of(world)}/support-sessions/series", world.worker_north
    tried = await asyncio.gather(*(worker.post(path, SERIES, key="tuesdays") for _ in range(3)))
    assert {answer.status_code for answer in tried} <= {201, 409}
    first = next(answer for answer in tried if answer.status_code == 201)
    again = await worker.post(path, SERIES, key="tuesdays")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert await superuser.fetchval("SELECT count(*) FROM support_sessions") == 8
    # and without a key, where the client has chosen the id
    named = {**SERIES, "id": str(uuid.uuid4())}
    tried = await asyncio.gather(*(worker.post(path, named) for _ in range(3)))
    assert sorted(answer.status_code for answer in tried) == [201, 409, 409]
    assert await superuser.fetchval("SELECT count(*) FROM support_sessions") == 16
    lines_told = "SELECT count(*) FROM case_history WHERE kind = 'session_planned'"
    assert await superuser.fetchval(lines_told) == 2


async def test_sessions_are_listed_by_status_kind_and_time_in_a_fixed_number_of_statements(
    world: World,
) -> None:
    path, worker = f"{await case_of(world)}/support-sessions", world.worker_north
    told = [VISIT, {**VISIT, **MISSED}, HELD]
    counts = []
    for _ in range(2):
        made = [ok(await worker.post(path, one), 201)["id"] for one in told]
        with counted(world) as statements:
            items = ok(await worker.get(path))["items"]
        counts.append(len(statements))
        assert [item["id"] for item in items[:3]] == made[::-1]
    assert counts[0] == counts[1] <= 4
    visit, missed, held = made

    async def newest(**query: str) -> list[str]:
        return [item["id"] for item in ok(await worker.get(path, params=query))["items"]][:1]

    for query, expected in (
        ({"status": "planned"}, [visit]),
        ({"status": "missed"}, [missed]),
        ({"status": "held", "kind": "therapy"}, [held]),
        ({"status": "held", "kind": "home_visit"}, []),
        ({"from": "2026-01-13T02:00:00Z", "to": "2026-01-13T02:00:01Z"}, [held]),
        ({"from": "2026-01-13T02:00:01Z", "status": "held"}, []),
        ({"to": "2026-01-13T02:00:00Z"}, []),
        ({"from": "2026-01-20T09:00:00+07:00", "to": "2026-01-21T00:00:00Z"}, [missed]),
    ):
        assert await newest(**query) == expected, query
    first = ok(await worker.get(path, params={"limit": 4, "status": "held"}))
    assert (len(first["items"]), first["next_cursor"]) == (2, None)
    for wrong in ({"status": "done"}, {"from": "2026-01-13"}, {"after": "x"}, {"limit": "201"}):
        assert (await worker.get(path, params=wrong)).status_code == 422, wrong


async def test_goals_worked_on_are_goals_of_this_case(world: World) -> None:
    (case, plan), (_, foreign) = await active(world), await active(world)
    ours, theirs = [found["areas"]["emotional_health"]["goals"][0]["id"] for found in (plan, foreign)]
    path, worker = f"/v1/cases/{case['id']}", world.worker_north
    held = await contact_of(worker, path, **HELD, goal_ids=[ours, ours])
    assert held["goal_ids"] == [ours]
    series = {**SERIES, "goal_ids": [theirs]}
    assert faults(await worker.post(f"{path}/support-sessions/series", series)) == {
        ("/goal_ids/0", "goal_unknown")}  # fmt: skip
    for refused in (
        await worker.post(f"{path}/support-sessions", {**HELD, "goal_ids": [ours, theirs]}),
        await patched(worker, here(held), goal_ids=[ours, theirs]),
    ):
        assert faults(refused) == {("/goal_ids/1", "goal_unknown")}
    assert ok(await patched(worker, here(held), goal_ids=None))["goal_ids"] == []
