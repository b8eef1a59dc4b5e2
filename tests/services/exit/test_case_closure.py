"""Closing: as planned, or because something happened; and opening a new case for a child who comes back."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    create_approved_exit_plan,
    create_closed_case,
    create_exiting_case,
    fill_next_review,
)
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of

AS_PLANNED = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
MOVED = {"reason_code": "moved_away", "outcome": "The family went to Thailand."}
BACK = {"reason": "Does not sleep again."}


async def test_closing_asks_for_every_condition_and_then_nothing_is_left_waiting(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    planned = {"kind": "home_visit", "planned_at": "2027-01-05T02:00:00Z"}
    expect_json(await worker.post(f"{path}/support-sessions", planned), 201)
    assert parse_unmet_pointers(await worker.act(path, "close", AS_PLANNED)) == {
        "exit_plan_not_approved": None,
        "final_review_missing": None,
    }
    await complete_next_review(scenario, case["id"], "begin_exit")
    await create_approved_exit_plan(scenario, case["id"])
    await complete_next_review(scenario, case["id"], "continue")
    assert parse_unmet_pointers(await worker.act(path, "close", AS_PLANNED)) == {"final_review_missing": None}
    await complete_next_review(scenario, case["id"], "begin_exit")
    broken = await scenario.worker_north_2.post(f"{path}/break-glass", {"reason": "On call tonight."})
    assert broken.status_code == 200
    assert parse_unmet_pointers(await scenario.worker_north_2.act(path, "close", AS_PLANNED)) == {
        "not_on_case": None
    }
    assert (await scenario.manager.act(path, "close", AS_PLANNED)).status_code == 403
    assert (await worker.act(path, "close", {**AS_PLANNED, "reason_code": "tired"})).status_code == 422
    # Who approved the exit plan may close: another has written it.
    now = expect_json(await scenario.supervisor_north.act(path, "close", AS_PLANNED))
    assert (now["status"], now["closed_on"], now["next_review_on"]) == ("closed", today().isoformat(), None)
    assert (now["close_reason"], now["outcome"]) == ("goals_met", AS_PLANNED["outcome"])
    reviews = await superuser_connection.fetch("SELECT status FROM reviews ORDER BY number")
    assert [row[0] for row in reviews] == ["completed", "completed", "completed", "cancelled"]
    assert await superuser_connection.fetchval("SELECT status FROM support_sessions") == "cancelled"
    due = expect_json(await worker.get(f"{path}/follow-ups"))["items"]
    assert {(f["months"], f["due_on"], f["status"]) for f in due} == {
        (months, add_months(today(), months).isoformat(), "due") for months in (1, 3, 6)
    }
    assert parse_unmet_pointers(await worker.act(path, "close", AS_PLANNED)) == {"status": "/status"}
    changed = await worker.patch(path, {"summary": "Later."}, etag=f'"{now["version"]}"')
    assert parse_unmet_pointers(changed) == {"status": "/status"}
    late = await scenario.manager.act(path, "extend", {"until": "2040-01-01", "reason": "Too late."})
    assert parse_unmet_pointers(late) == {"status": "/status"}


async def test_an_unplanned_end_is_possible_from_anywhere_but_never_without_the_supervisor(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    assert parse_unmet_pointers(await worker.act(path, "close", MOVED)) == {"exit_plan_not_approved": None}
    answers = {
        name: {"met": False, "note": "They moved before we could ask."}
        for name in ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")
    }
    plan: dict[str, Any] = {
        "reason_code": "moved_away",
        "checklist": answers,
        "taper": [],
        "follow_up_months": [3],
        "ends_on": None,
    }
    await create_approved_exit_plan(scenario, case["id"], **plan)
    refused = parse_unmet_pointers(await worker.act(path, "close", AS_PLANNED))
    assert set(refused) == {
        "ends_on_missing",
        "taper_not_falling",
        "follow_ups_missing",
        "final_review_missing",
    }
    death = {"reason_code": "died", "outcome": "An accident."}
    assert parse_unmet_pointers(await worker.act(path, "close", death)) == {"exit_plan_for_another_end": None}
    now = expect_json(await worker.act(path, "close", MOVED))
    assert (now["status"], now["close_reason"]) == ("closed", "moved_away")
    assert [f["months"] for f in expect_json(await worker.get(f"{path}/follow-ups"))["items"]] == [3]


async def test_nobody_asks_after_a_child_that_died(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    await create_approved_exit_plan(scenario, case["id"], reason_code="died")
    expect_json(await worker.act(path, "close", {"reason_code": "died", "outcome": "An accident."}))
    assert expect_json(await worker.get(f"{path}/follow-ups"))["items"] == []


async def test_of_three_who_close_at_once_one_does(scenario: Scenario, superuser_connection: Any) -> None:
    case, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, case["id"])
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    etag = (await worker.get(path)).headers["etag"]
    answers = await asyncio.gather(*(worker.post(f"{path}/close", AS_PLANNED, etag=etag) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert await superuser_connection.fetchval("SELECT count(*) FROM follow_ups") == 3
    assert await superuser_connection.fetchval("SELECT count(*) FROM reviews WHERE status = 'scheduled'") == 0


async def test_a_review_completed_while_the_case_closes_leaves_nothing_scheduled_behind(
    scenario: Scenario, superuser_connection: Any
) -> None:
    for turn in range(3):
        case, _ = await create_exiting_case(scenario)
        await create_approved_exit_plan(scenario, case["id"])
        path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
        review = await fill_next_review(scenario, case["id"], "begin_exit")
        seen, etag = [(await worker.get(here)).headers["etag"] for here in (review, path)]
        acts = [
            worker.post(f"{review}/complete", etag=seen),
            worker.post(f"{path}/close", AS_PLANNED, etag=etag),
        ]
        answers = await asyncio.gather(*(acts if turn % 2 else reversed(acts)))
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        row = await superuser_connection.fetchrow(
            "SELECT c.status, c.next_review_on IS NULL AS ended, count(r.id) AS waiting FROM cases c LEFT JOIN"
            " reviews r ON r.case_id = c.id AND r.status = 'scheduled' WHERE c.id = $1 GROUP BY c.id",
            UUID(case["id"]),
        )
        assert tuple(row) in {("closed", True, 0), ("exiting", False, 1)}


async def test_a_child_who_comes_back_gets_a_new_case_that_follows_on_the_old(scenario: Scenario) -> None:
    old = await create_closed_case(scenario)
    path = f"/v1/cases/{old['id']}"
    for name, status in {
        "worker_north": 403,
        "supervisor_south": 404,
        "dpo": 403,
        "partner_one": 403,
    }.items():
        answer = await scenario.client_for(name).post(f"{path}/reopen", BACK, etag=f'"{old["version"]}"')
        assert answer.status_code == status, name
    made = await scenario.supervisor_north.act(path, "reopen", BACK)
    new = expect_json(made, 201)
    assert made.headers["location"] == f"/v1/cases/{new['id']}"
    assert (new["status"], new["previous_case_id"], new["child_id"]) == (
        "assessment",
        old["id"],
        old["child_id"],
    )
    assert new["number"] != old["number"]
    assert (new["team_id"], new["lead_worker_id"]) == (old["team_id"], old["lead_worker_id"])
    assert (new["opened_on"], new["extended_until"], new["next_review_on"]) == (
        today().isoformat(),
        None,
        None,
    )
    here = f"/v1/cases/{new['id']}"
    [mother] = expect_json(await scenario.worker_north.get(f"{here}/people"))["items"]
    assert (mother["relationship"], mother["names"][0]["given"]) == ("mother", "Bopha")
    assert expect_json(await scenario.worker_north.get(f"{here}/consents"))["items"] == []
    kinds = {
        line["kind"] for line in expect_json(await scenario.worker_north.get(f"{here}/timeline"))["items"]
    }
    assert {"case_opened", "case_reopened"} <= kinds
    assert parse_unmet_pointers(await scenario.supervisor_north.act(path, "reopen", BACK)) == {
        "open_case": None
    }
    assert parse_unmet_pointers(await scenario.supervisor_north.act(here, "reopen", BACK)) == {
        "status": "/status"
    }


async def test_reopening_asks_for_a_fit_team_and_worker(
    scenario: Scenario, superuser_connection: Any
) -> None:
    old = await create_closed_case(scenario)
    path = f"/v1/cases/{old['id']}"
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_north")
    )
    assert parse_unmet_pointers(await scenario.supervisor_north.act(path, "reopen", BACK)) == {
        "worker_unfit": None
    }
    south = {**BACK, "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south"))}
    assert parse_unmet_pointers(await scenario.supervisor_north.act(path, "reopen", south)) == {
        "not_your_team": "/team_id"
    }
    await superuser_connection.execute("UPDATE teams SET is_active = false WHERE id = $1", id_of("north"))
    other = {**BACK, "lead_worker_id": str(id_of("worker_north_2"))}
    assert parse_unmet_pointers(await scenario.supervisor_north.act(path, "reopen", other)) == {
        "team_unknown": "/team_id"
    }
    new = expect_json(await scenario.manager.act(path, "reopen", south), 201)
    assert (new["team_id"], new["lead_worker_id"]) == (south["team_id"], south["lead_worker_id"])


async def test_a_child_never_gets_two_cases_however_many_reopen_or_accept_at_once(
    scenario: Scenario, superuser_connection: Any
) -> None:
    old = await create_closed_case(scenario)
    path, child = f"/v1/cases/{old['id']}", old["child_id"]
    told = await scenario.create_referral()
    accepting = f"/v1/referrals/{told['id']}"
    expect_json(
        await scenario.supervisor_north.act(accepting, "acknowledge", {"team_id": str(id_of("north"))})
    )
    seen = (await scenario.supervisor_north.get(accepting)).headers["etag"]
    etag = (await scenario.supervisor_north.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(scenario.supervisor_north.post(f"{path}/reopen", BACK, etag=etag) for _ in range(2)),
        scenario.supervisor_north.post(f"{accepting}/accept", acceptance_payload(child_id=child), etag=seen),
    )
    opened = "SELECT count(*) FROM cases WHERE child_id = $1 AND status <> 'closed'"
    assert await superuser_connection.fetchval(opened, UUID(child)) == 1
    *reopened, accepted = answers
    assert accepted.status_code == 200, "it opens the case, or joins it"
    assert {answer.status_code for answer in reopened} <= {201, 409, 412}
    assert all(
        list(parse_unmet_pointers(answer)) == ["open_case"]
        for answer in reopened
        if answer.status_code == 409
    )


@pytest.fixture
async def brothers(scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two linked cases, the north one closed."""
    south = await scenario.open_case("worker_south")
    north = await create_closed_case(scenario)
    linking = {"linked_case_id": south["id"], "reason": "One was harmed by the other."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", linking), 201)
    return north, south


async def test_the_wall_stands_around_a_case_that_is_opened_later_for_a_linked_child(
    scenario: Scenario, superuser_connection: Any, brothers: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    north, south = brothers
    path = f"/v1/cases/{north['id']}"
    member = "INSERT INTO team_members (team_id, user_id, is_supervisor) VALUES ($1, $2, false)"
    await superuser_connection.execute(member, id_of("north"), id_of("worker_south"))
    both = {**BACK, "lead_worker_id": str(id_of("worker_south"))}
    assert parse_unmet_pointers(await scenario.supervisor_both.act(path, "reopen", both)) == {"wall": None}
    told = await scenario.create_referral()
    accepting = f"/v1/referrals/{told['id']}"
    expect_json(
        await scenario.supervisor_both.act(accepting, "acknowledge", {"team_id": str(id_of("north"))})
    )
    named = acceptance_payload(child_id=north["child_id"], lead_worker_id=str(id_of("worker_south")))
    assert parse_unmet_pointers(await scenario.supervisor_both.act(accepting, "accept", named)) == {
        "wall": None
    }

    new = expect_json(
        await scenario.supervisor_both.act(
            path, "reopen", {**BACK, "lead_worker_id": str(id_of("worker_north_2"))}
        ),
        201,
    )
    for name, hidden in {
        "worker_north": south, "worker_north_2": south, "worker_south": new, "supervisor_north": south,
        "supervisor_south": new,
    }.items():  # fmt: skip
        assert (await scenario.client_for(name).get(f"/v1/cases/{hidden['id']}")).status_code == 404, name
        if name.startswith("worker"):
            breaking = {"reason": "On call tonight."}
            glass = await scenario.client_for(name).post(f"/v1/cases/{hidden['id']}/break-glass", breaking)
            assert glass.status_code == 404, name
    for name, own in {"worker_north": north, "worker_north_2": new, "worker_south": south}.items():
        assert (await scenario.client_for(name).get(f"/v1/cases/{own['id']}")).status_code == 200, name
    staff = {"lead_worker_id": str(id_of("worker_south")), "co_worker_ids": []}
    assert parse_unmet_pointers(
        await scenario.supervisor_both.act(f"/v1/cases/{new['id']}", "assign", staff)
    ) == {"wall": None}
    for case in (north, new, south):
        links = expect_json(await scenario.supervisor_both.get(f"/v1/cases/{case['id']}/links"))["items"]
        assert len(links) == 1
    assert expect_json(await scenario.supervisor_north.get(f"/v1/cases/{new['id']}/links"))["items"] == []


async def test_a_link_is_refused_where_somebody_of_an_open_case_once_worked_with_the_other_child(
    scenario: Scenario,
) -> None:
    north = await create_closed_case(scenario)
    expect_json(
        await scenario.supervisor_north.act(
            f"/v1/cases/{north['id']}", "reopen", {**BACK, "lead_worker_id": str(id_of("worker_north_2"))}
        ),
        201,
    )
    other = await scenario.open_case("worker_north")
    new = expect_json(
        await scenario.supervisor_north.get("/v1/cases", params={"child_id": north["child_id"]})
    )["items"][0]
    linking = {"linked_case_id": other["id"], "reason": "Brothers."}
    refused = await scenario.supervisor_north.post(f"/v1/cases/{new['id']}/links", linking)
    assert parse_unmet_pointers(refused) == {"shared_worker": None}
