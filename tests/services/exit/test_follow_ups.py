"""Follow-ups after the closing of a case, and the outcomes of each area."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    create_approved_exit_plan,
    create_closed_case,
)
from tests.support.payloads import reopening_consent_payload
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of


def well_payload() -> dict[str, Any]:
    return {"held_on": today().isoformat(), "wellbeing": "well", "note": "Plays football."}


async def test_follow_up_is_recorded_on_a_closed_case_and_then_frozen(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    follow_ups_path, worker = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north
    [_, second_follow_up, first_follow_up] = sorted(
        expect_json(await worker.get(follow_ups_path))["items"], key=lambda follow_up: -follow_up["months"]
    )
    follow_up_path = f"/v1/follow-ups/{first_follow_up['id']}"
    assert (first_follow_up["months"], first_follow_up["status"], first_follow_up["is_overdue"]) == (
        1,
        "due",
        False,
    )
    assert parse_unmet_pointers(await worker.patch(follow_up_path, {"checklist": {}}, etag='"1"')) == {
        "wellbeing_missing": "/wellbeing",
        "held_on_missing": "/held_on",
    }
    tomorrow = (today() + timedelta(days=1)).isoformat()
    yesterday = (today() - timedelta(days=1)).isoformat()
    late, early = [
        await worker.patch(follow_up_path, {**well_payload(), "held_on": held_on}, etag='"1"')
        for held_on in (tomorrow, yesterday)
    ]
    assert parse_faults(late) == {("/held_on", "date_in_future")}
    assert parse_unmet_pointers(early) == {"before_exit": "/held_on"}
    missed_follow_up = expect_json(
        await worker.patch(follow_up_path, {**well_payload(), "wellbeing": "not_reached"}, etag='"1"')
    )
    assert missed_follow_up["status"] == "missed"
    checklist = {"friends": {"met": False, "note": "Stays at home."}}
    held_follow_up = expect_json(
        await worker.patch(follow_up_path, {**well_payload(), "checklist": checklist}, etag='"2"')
    )
    assert (held_follow_up["status"], held_follow_up["author_id"], held_follow_up["note"]) == (
        "held",
        str(id_of("worker_north")),
        "Plays football.",
    )
    assert held_follow_up["checklist"] == checklist
    assert expect_json(await worker.get(follow_up_path)) == held_follow_up
    assert parse_unmet_pointers(await worker.patch(follow_up_path, {"note": "More."}, etag='"3"')) == {
        "status": "/status"
    }
    assert (await worker.patch(follow_up_path, {"note": "More."}, etag='"1"')).status_code == 412
    second_path = f"/v1/follow-ups/{second_follow_up['id']}"
    for name, status in {"worker_south": 404, "partner_one": 403, "dpo": 403, "manager": 200}.items():
        assert (await scenario.client_for(name).get(second_path)).status_code == status, name
    assert (await scenario.worker_south.patch(second_path, well_payload(), etag='"1"')).status_code == 404
    assert (await scenario.manager.patch(second_path, well_payload(), etag='"1"')).status_code == 403
    kinds = [
        entry["kind"] for entry in expect_json(await worker.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    ]
    assert kinds.count("follow_up_held") == 2


async def test_new_follow_up_is_matched_to_the_nearest_planned_one(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await create_closed_case(scenario)
    follow_ups_path, worker = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north
    id_by_months = {
        follow_up["months"]: follow_up["id"]
        for follow_up in expect_json(await worker.get(follow_ups_path))["items"]
    }
    for days_from_today, months in ((-40, 1), (-46, 3), (-100, 6)):
        set_due_on_sql = "UPDATE follow_ups SET due_on = $1 WHERE months = $2"
        await superuser_connection.execute(set_due_on_sql, today() + timedelta(days=days_from_today), months)
    missed_follow_up = expect_json(
        await worker.post(follow_ups_path, {**well_payload(), "wellbeing": "not_reached"}), 201
    )
    assert (missed_follow_up["id"], missed_follow_up["status"], missed_follow_up["is_overdue"]) == (
        id_by_months[1],
        "missed",
        True,
    )
    response = await worker.post(follow_ups_path, well_payload())
    first_follow_up = expect_json(response, 201)
    assert (first_follow_up["id"], first_follow_up["months"], first_follow_up["status"]) == (
        id_by_months[1],
        1,
        "held",
    )
    assert response.headers["location"] == f"/v1/follow-ups/{id_by_months[1]}"
    assert (first_follow_up["version"], first_follow_up["is_overdue"]) == (3, False)
    additional_follow_up = expect_json(
        await worker.post(
            follow_ups_path, {"held_on": well_payload()["held_on"], "note": "Met at the market."}
        ),
        201,
    )
    assert (
        additional_follow_up["months"],
        additional_follow_up["status"],
        additional_follow_up["wellbeing"],
    ) == (None, "held", None)
    payload = {"held_on": well_payload()["held_on"], "note": "In school.", "months": 6}
    last_follow_up = expect_json(await worker.post(follow_ups_path, payload), 201)
    assert (last_follow_up["id"], last_follow_up["months"], last_follow_up["wellbeing"]) == (
        id_by_months[6],
        6,
        None,
    )
    assert parse_unmet_pointers(await worker.post(follow_ups_path, payload)) == {"status": "/status"}
    assert parse_unmet_pointers(await worker.post(follow_ups_path, {**payload, "months": 2})) == {
        "not_planned": "/months"
    }
    assert parse_unmet_pointers(
        await worker.post(follow_ups_path, {"held_on": well_payload()["held_on"]})
    ) == {"wellbeing_missing": "/wellbeing"}
    status_by_months = {
        follow_up["months"]: follow_up["status"]
        for follow_up in expect_json(await worker.get(follow_ups_path))["items"]
    }
    assert status_by_months == {1: "held", 3: "due", 6: "held", None: "held"}


async def test_concurrent_follow_ups_record_the_planned_one_once(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    follow_ups_path, worker = f"/v1/cases/{case['id']}/follow-ups", scenario.worker_north
    responses = await asyncio.gather(*(worker.post(follow_ups_path, well_payload()) for _ in range(3)))
    assert sorted(str(expect_json(response, 201)["months"]) for response in responses) == [
        "1",
        "None",
        "None",
    ]


async def test_additional_follow_up_requires_a_closed_case(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    follow_ups_path, worker, follow_up_id = (
        f"/v1/cases/{case['id']}/follow-ups",
        scenario.worker_north,
        str(uuid4()),
    )
    expect_json(
        await worker.post(follow_ups_path, well_payload()), 201
    )  # records the first planned follow-up
    response = await worker.post(
        follow_ups_path, {**well_payload(), "id": follow_up_id, "wellbeing": "at_risk"}
    )
    additional_follow_up = expect_json(response, 201)
    assert response.headers["location"] == f"/v1/follow-ups/{follow_up_id}"
    assert (
        additional_follow_up["months"],
        additional_follow_up["due_on"],
        additional_follow_up["status"],
        additional_follow_up["wellbeing"],
    ) == (
        None,
        None,
        "held",
        "at_risk",
    )
    assert (await worker.post(follow_ups_path, {**well_payload(), "id": follow_up_id})).status_code == 409
    assert parse_faults(await worker.post(follow_ups_path, {"note": "Hm."})) == {("/held_on", "missing")}
    assert (await scenario.worker_south.post(follow_ups_path, well_payload())).status_code == 404
    open_case = await scenario.open_case()
    assert parse_unmet_pointers(
        await worker.post(f"/v1/cases/{open_case['id']}/follow-ups", well_payload())
    ) == {"case_open": None}
    listed_ids = [follow_up["id"] for follow_up in expect_json(await worker.get(follow_ups_path))["items"]]
    assert (listed_ids[0], len(listed_ids)) == (follow_up_id, 4)


async def test_outcomes_list_the_ratings_of_each_area(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    outcomes_path, worker = f"/v1/cases/{case['id']}/outcomes", scenario.worker_north
    assert summarize_areas(expect_json(await worker.get(outcomes_path)))["emotional_health"] == (
        [2],
        2,
        2,
        None,
        0,
    )
    await complete_next_review(scenario, case["id"], rating=3)
    assert summarize_areas(expect_json(await worker.get(outcomes_path)))["emotional_health"] == (
        [2, 3],
        2,
        3,
        None,
        1,
    )
    await complete_next_review(scenario, case["id"], "begin_exit", rating=4)
    outcomes = expect_json(await worker.get(outcomes_path))
    assert summarize_areas(outcomes)["emotional_health"] == ([2, 3, 4], 2, 4, 4, 2)
    assert summarize_areas(outcomes)["legal"] == ([3], 3, 3, None, 0)
    kinds = [point["record_kind"] for point in outcomes["areas"][0]["points"]]
    assert (kinds, len(outcomes["areas"])) == (["assessment", "review", "review"], 7)
    assert (outcomes["case_id"], outcomes["child_id"]) == (case["id"], case["child_id"])
    await create_approved_exit_plan(scenario, case["id"])
    for name, status in {"worker_south": 404, "me_officer": 403, "manager": 200}.items():
        assert (await scenario.client_for(name).get(outcomes_path)).status_code == status, name


def summarize_areas(outcomes: dict[str, Any]) -> dict[str, Any]:
    return {
        area["area"]: (
            [point["rating"] for point in area["points"]],
            area["first"],
            area["latest"],
            area["at_exit"],
            area["change"],
        )
        for area in outcomes["areas"]
    }


@pytest.mark.parametrize("team", ["north", "south"])
async def test_open_follow_ups_end_when_the_child_has_a_new_case(scenario: Scenario, team: str) -> None:
    # Catches: `cancel_open_follow_ups` missing from `reopen_case`; without SECURITY DEFINER, for the team `south`.
    case = await create_closed_case(scenario)
    worker, path = scenario.worker_north, f"/v1/cases/{case['id']}/follow-ups"
    follow_ups = expect_json(await worker.get(path))["items"]
    held = next(follow_up for follow_up in follow_ups if follow_up["months"] == 1)
    expect_json(await worker.patch(f"/v1/follow-ups/{held['id']}", well_payload(), etag='"1"'))
    reopening = {
        "team_id": str(id_of(team)),
        "lead_worker_id": str(id_of(f"worker_{team}")),
        "reason": "She asks for help again.",
        "consent": reopening_consent_payload(),
    }
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "reopen", reopening), 201)
    statuses = {item["months"]: item["status"] for item in expect_json(await worker.get(path))["items"]}
    assert statuses == {1: "held", 3: "cancelled", 6: "cancelled"}
    agenda = expect_json(await worker.get("/v1/me/agenda", params={"until": "2199-12-31"}))["items"]
    assert "follow_up" not in [item["kind"] for item in agenda]
    cancelled = next(item for item in follow_ups if item["months"] == 3)
    response = await worker.patch(f"/v1/follow-ups/{cancelled['id']}", well_payload(), etag='"2"')
    assert parse_unmet_pointers(response) == {"status": "/status"}


async def test_referral_for_a_known_child_ends_its_open_follow_ups(scenario: Scenario) -> None:
    # Catches: `cancel_open_follow_ups` missing from `_create_case`.
    case = await create_closed_case(scenario)
    referral = await scenario.create_referral()
    path, supervisor = f"/v1/referrals/{referral['id']}", scenario.supervisor_north
    expect_json(await supervisor.act(path, "acknowledge"))
    expect_json(await supervisor.get(f"{path}/matches"))
    acceptance = acceptance_payload(child_id=case["child_id"])
    expect_json(await supervisor.act(path, "accept", acceptance))
    follow_ups = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/follow-ups"))["items"]
    assert {follow_up["status"] for follow_up in follow_ups} == {"cancelled"}


async def test_follow_ups_cannot_be_cancelled_by_sql_without_a_new_case(
    scenario: Scenario, api_connection: Any
) -> None:
    case = await create_closed_case(scenario)
    for act in ("case.reopen", "case.read"):
        async with open_transaction_as(api_connection, "supervisor_north", act):
            await api_connection.execute("SELECT access.cancel_open_follow_ups($1)", UUID(case["child_id"]))
            statuses = await api_connection.fetch("SELECT DISTINCT status FROM follow_ups")
            assert [row["status"] for row in statuses] == ["due"]
