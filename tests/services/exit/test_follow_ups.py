"""Follow-ups: how the child is after the exit, and what the areas came to."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from app.kit.dates import today
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    create_approved_exit_plan,
    create_closed_case,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of

WELL = {"held_on": today().isoformat(), "wellbeing": "well", "note": "Plays football."}


async def test_a_follow_up_is_recorded_though_the_case_is_closed_and_then_frozen(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    here, worker = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north
    [_, second, first] = sorted(expect_json(await worker.get(here))["items"], key=lambda f: -f["months"])
    path = f"/v1/follow-ups/{first['id']}"
    assert (first["months"], first["status"], first["is_overdue"]) == (1, "due", False)
    assert parse_unmet_pointers(await worker.patch(path, {"checklist": {}}, etag='"1"')) == {
        "wellbeing_missing": "/wellbeing",
        "held_on_missing": "/held_on",
    }
    tomorrow = (today() + timedelta(days=1)).isoformat()
    yesterday = (today() - timedelta(days=1)).isoformat()
    for day, code in ((tomorrow, "date_in_future"), (yesterday, "before_exit")):
        assert parse_unmet_pointers(await worker.patch(path, {**WELL, "held_on": day}, etag='"1"')) == {
            code: "/held_on"
        }
    tried = expect_json(await worker.patch(path, {**WELL, "wellbeing": "not_reached"}, etag='"1"'))
    assert tried["status"] == "missed"
    answer = {"friends": {"met": False, "note": "Stays at home."}}
    held = expect_json(await worker.patch(path, {**WELL, "checklist": answer}, etag='"2"'))
    assert (held["status"], held["author_id"], held["note"]) == (
        "held",
        str(id_of("worker_north")),
        "Plays football.",
    )
    assert held["checklist"] == answer
    assert expect_json(await worker.get(path)) == held
    assert parse_unmet_pointers(await worker.patch(path, {"note": "More."}, etag='"3"')) == {
        "status": "/status"
    }
    assert (await worker.patch(path, {"note": "More."}, etag='"1"')).status_code == 412
    other = f"/v1/follow-ups/{second['id']}"
    for name, status in {"worker_south": 404, "partner_one": 403, "dpo": 403, "manager": 200}.items():
        assert (await scenario.client_for(name).get(other)).status_code == status, name
    assert (await scenario.worker_south.patch(other, WELL, etag='"1"')).status_code == 404
    assert (await scenario.manager.patch(other, WELL, etag='"1"')).status_code == 403
    kinds = [
        line["kind"] for line in expect_json(await worker.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    ]
    assert kinds.count("follow_up_held") == 2


async def test_a_look_is_the_planned_one_it_is_nearest_to(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await create_closed_case(scenario)
    here, worker = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north
    planned = {f["months"]: f["id"] for f in expect_json(await worker.get(here))["items"]}
    for days, months in ((-40, 1), (-46, 3), (-100, 6)):
        due = "UPDATE follow_ups SET due_on = $1 WHERE months = $2"
        await superuser_connection.execute(due, today() + timedelta(days=days), months)
    tried = expect_json(await worker.post(here, {**WELL, "wellbeing": "not_reached"}), 201)
    assert (tried["id"], tried["status"], tried["is_overdue"]) == (planned[1], "missed", True)
    made = await worker.post(here, WELL)
    first = expect_json(made, 201)
    assert (first["id"], first["months"], first["status"]) == (planned[1], 1, "held")
    assert made.headers["location"] == f"/v1/follow-ups/{planned[1]}"
    assert (first["version"], first["is_overdue"]) == (3, False)
    beside = expect_json(
        await worker.post(here, {"held_on": WELL["held_on"], "note": "Met at the market."}), 201
    )
    assert (beside["months"], beside["status"], beside["wellbeing"]) == (None, "held", None)
    told = {"held_on": WELL["held_on"], "note": "In school.", "months": 6}
    last = expect_json(await worker.post(here, told), 201)
    assert (last["id"], last["months"], last["wellbeing"]) == (planned[6], 6, None)
    assert parse_unmet_pointers(await worker.post(here, told)) == {"status": "/status"}
    assert parse_unmet_pointers(await worker.post(here, {**told, "months": 2})) == {"not_planned": "/months"}
    assert parse_unmet_pointers(await worker.post(here, {"held_on": WELL["held_on"]})) == {
        "wellbeing_missing": "/wellbeing"
    }
    listed = {f["months"]: f["status"] for f in expect_json(await worker.get(here))["items"]}
    assert listed == {1: "held", 3: "due", 6: "held", None: "held"}


async def test_of_two_looks_at_once_one_is_the_planned_one(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    here, worker = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north
    answers = await asyncio.gather(*(worker.post(here, WELL) for _ in range(3)))
    assert sorted(str(expect_json(answer, 201)["months"]) for answer in answers) == ["1", "None", "None"]


async def test_a_look_that_was_not_planned_is_added_once_the_case_is_closed(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    here, worker, chosen = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north, str(uuid4())
    expect_json(await worker.post(here, WELL), 201)  # the first that was planned
    made = await worker.post(here, {**WELL, "id": chosen, "wellbeing": "at_risk"})
    added = expect_json(made, 201)
    assert made.headers["location"] == f"/v1/follow-ups/{chosen}"
    assert (added["months"], added["due_on"], added["status"], added["wellbeing"]) == (
        None,
        None,
        "held",
        "at_risk",
    )
    assert (await worker.post(here, {**WELL, "id": chosen})).status_code == 409
    assert parse_faults(await worker.post(here, {"note": "Hm."})) == {("/held_on", "missing")}
    assert (await scenario.worker_south.post(here, WELL)).status_code == 404
    still = await scenario.open_case()
    assert parse_unmet_pointers(await worker.post(f"/v1/cases/{still['id']}/follow-ups", WELL)) == {
        "case_open": None
    }
    listed = [f["id"] for f in expect_json(await worker.get(here))["items"]]
    assert (listed[0], len(listed)) == (chosen, 4)


async def test_outcomes_tell_each_area_from_the_first_assessment_to_the_exit(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/outcomes", scenario.worker_north
    assert areas(expect_json(await worker.get(path)))["emotional_health"] == ([2], 2, 2, None, 0)
    await complete_next_review(scenario, case["id"], rating=3)
    assert areas(expect_json(await worker.get(path)))["emotional_health"] == ([2, 3], 2, 3, None, 1)
    await complete_next_review(scenario, case["id"], "begin_exit", rating=4)
    found = expect_json(await worker.get(path))
    assert areas(found)["emotional_health"] == ([2, 3, 4], 2, 4, 4, 2)
    assert areas(found)["legal"] == ([3], 3, 3, None, 0)
    kinds = [p["record_kind"] for p in found["areas"][0]["points"]]
    assert (kinds, len(found["areas"])) == (["assessment", "review", "review"], 7)
    assert (found["case_id"], found["child_id"]) == (case["id"], case["child_id"])
    await create_approved_exit_plan(scenario, case["id"])
    for name, status in {"worker_south": 404, "me_officer": 403, "manager": 200}.items():
        assert (await scenario.client_for(name).get(path)).status_code == status, name


def areas(found: dict[str, Any]) -> dict[str, Any]:
    return {
        a["area"]: ([p["rating"] for p in a["points"]], a["first"], a["latest"], a["at_exit"], a["change"])
        for a in found["areas"]
    }
