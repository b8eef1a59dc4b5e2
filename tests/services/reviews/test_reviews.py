"""Reviews: scheduled, held piece by piece, completed once, and what becomes of the case."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    fill_next_review,
    get_next_review,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

DAY = timedelta(days=1)
BEGUN = "UPDATE care_plans SET decided_at = decided_at - make_interval(days => $1)"
"""Let support have begun so many days ago."""


async def test_the_approved_plan_schedules_the_first_review_three_calendar_months_on(
    scenario: Scenario,
) -> None:
    case, plan = await create_active_case(scenario)
    due = add_months(today(), 3).isoformat()
    assert (case["status"], case["next_review_on"]) == ("active", due)
    review = await get_next_review(scenario, case["id"])
    assert (review["number"], review["due_on"], review["plan_id"]) == (1, due, plan["id"])
    assert (review["status"], review["held_on"], review["areas"]) == ("scheduled", None, {})
    assert review["active_areas"] == ["emotional_health"]
    [goal] = review["happened"]["goals"]
    assert (goal["statement"], goal["actions_open"], goal["actions_done"]) == (
        "Sleeps through the night.",
        1,
        0,
    )
    assert (review["happened"]["since"], review["happened"]["money_spent"]) == (None, [])
    for name, status in {
        "worker_south": 404, "worker_north_2": 404, "supervisor_south": 404, "partner_one": 403, "finance": 403,
        "me_officer": 403, "dpo": 403, "admin": 403, "supervisor_north": 200, "manager": 200,
    }.items():  # fmt: skip
        assert (await scenario.client_for(name).get(f"/v1/reviews/{review['id']}")).status_code == status, (
            name
        )
        listed = await scenario.client_for(name).get("/v1/reviews")
        assert [r["id"] for r in listed.json().get("items", [])] == ([review["id"]] if status == 200 else [])


async def test_a_review_is_written_piece_by_piece_and_refuses_what_is_no_part_of_it(
    scenario: Scenario,
) -> None:
    case, _ = await create_active_case(scenario)
    review = await get_next_review(scenario, case["id"])
    path, worker = f"/v1/reviews/{review['id']}", scenario.worker_north
    goal = review["happened"]["goals"][0]["goal_id"]
    first = {"areas": {"emotional_health": {"rating": 3}}, "goals": {goal: "Nearly there."}}
    expect_json(await worker.patch(path, first, etag='"1"'))
    second = {"areas": {"emotional_health": {"progress": "Laughs."}, "legal": {"rating": 2}}}
    expect_json(await worker.patch(path, second, etag='"2"'))
    now = expect_json(
        await worker.patch(path, {"areas": {"legal": None}, "decision": "continue"}, etag='"3"')
    )
    assert now["areas"] == {"emotional_health": {"rating": 3, "progress": "Laughs.", "decision": None}}
    assert (now["goals"], now["decision"], now["version"]) == ({goal: "Nearly there."}, "continue", 4)
    assert (await worker.patch(path, {"decision": None}, etag='"3"')).status_code == 412
    assert (await worker.patch(path, {"decision": None})).status_code == 428
    other = str(uuid.uuid4())
    for wrong, fault in (
        (
            {"areas": {"emotional_health": {"rating": 5}}},
            ("/areas/emotional_health/rating", "less_than_equal"),
        ),
        ({"goals": {other: "Whose?"}}, (f"/goals/{other}", "goal_unknown")),
        ({"decision": "end"}, ("/decision", "literal_error")),
        ({"status": "completed"}, ("/status", "extra_forbidden")),
        ({"held_on": "2026-02-30"}, ("/held_on", "date_from_datetime_parsing")),
    ):
        assert parse_faults(await worker.patch(path, wrong, etag='"4"')) == {fault}
    assert (await scenario.manager.patch(path, {"decision": "adapt"}, etag='"4"')).status_code == 403
    assert (await scenario.worker_south.patch(path, {"decision": "adapt"}, etag='"4"')).status_code == 404


async def test_completing_asks_for_every_condition_and_lists_what_is_unmet(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario, weak_areas=("emotional_health", "education"))
    review = await get_next_review(scenario, case["id"])
    path, worker = f"/v1/reviews/{review['id']}", scenario.worker_north
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {
        "rating_missing": "/areas/emotional_health/rating",
        "progress_missing": "/areas/emotional_health/progress",
        "decision_missing": "/decision",
        "held_on_missing": "/held_on",
    }
    listed = (await worker.act(path, "complete")).json()["unmet"]
    assert len(listed) == 3 * 2 + 2
    tomorrow = (today() + DAY).isoformat()
    adapted = {"rating": 2, "progress": "Slow.", "decision": "adapt"}
    areas = dict.fromkeys(review["active_areas"], adapted)
    await fill_next_review(scenario, case["id"], held_on=tomorrow, areas=areas)
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {
        "decision_contradicts": "/decision",
        "date_in_future": "/held_on",
    }
    await fill_next_review(scenario, case["id"])
    await superuser_connection.execute("UPDATE cases SET opened_on = $1", add_months(today(), -24) - DAY)
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {"extension_needed": "/decision"}
    until = {"until": add_months(today(), 6).isoformat(), "reason": "The court sits in spring."}
    assert (
        await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "extend", until)
    ).status_code == 403
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "extend", until))
    broken = await scenario.worker_north_2.post(
        f"/v1/cases/{case['id']}/break-glass", {"reason": "On call tonight."}
    )
    assert broken.status_code == 200
    assert parse_unmet_pointers(await scenario.worker_north_2.act(path, "complete")) == {"not_on_case": None}
    completed = expect_json(await scenario.supervisor_north.act(path, "complete"))
    assert completed["completed_by_id"] == str(id_of("supervisor_north"))
    frozen = await worker.patch(path, {"summary": "Later."}, etag=f'"{completed["version"]}"')
    assert parse_unmet_pointers(frozen) == {"status": "/status"}
    assert "status" in parse_unmet_pointers(await worker.act(path, "complete"))


async def test_no_review_was_held_before_support_began(scenario: Scenario, superuser_connection: Any) -> None:
    case, _ = await create_active_case(scenario)
    for day in ("2019-06-01", (today() - DAY).isoformat()):
        path = await fill_next_review(scenario, case["id"], held_on=day)
        assert parse_unmet_pointers(await scenario.worker_north.act(path, "complete")) == {
            "before_support": "/held_on"
        }
    await superuser_connection.execute(BEGUN, 1)
    expect_json(await scenario.worker_north.act(path, "complete"))


async def test_completion_schedules_the_next_counted_from_the_day_it_was_held(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    await superuser_connection.execute(BEGUN, 4)
    held = today() - 3 * DAY
    first = await complete_next_review(scenario, case["id"], held_on=held.isoformat())
    assert (first["status"], first["held_on"]) == ("completed", held.isoformat())
    now = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    due = add_months(held, 3).isoformat()
    assert (now["status"], now["next_review_on"]) == ("active", due)
    assert now["version"] > case["version"]
    second = await get_next_review(scenario, case["id"])
    assert (second["number"], second["due_on"], second["happened"]["since"]) == (
        2,
        due,
        first["completed_at"],
    )
    path = await fill_next_review(scenario, case["id"], held_on=(held - DAY).isoformat())
    assert parse_unmet_pointers(await scenario.worker_north.act(path, "complete")) == {
        "before_last_review": "/held_on"
    }
    timeline = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    kinds = [line["kind"] for line in timeline]
    assert (kinds.count("review_scheduled"), kinds.count("review_completed")) == (2, 1)


async def test_what_happened_is_kept_as_it_was_at_completion_and_counted_once(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    here, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    await session_held(scenario, here)
    first = await complete_next_review(scenario, case["id"])
    assert first["happened"]["sessions_held"] == 1
    await session_held(scenario, here)
    await session_held(scenario, here)
    assert expect_json(await worker.get(f"/v1/reviews/{first['id']}"))["happened"] == first["happened"]
    path = f"/v1/reviews/{(await get_next_review(scenario, case['id']))['id']}"
    with record_statements(scenario) as few:
        assert expect_json(await worker.get(path))["happened"]["sessions_held"] == 2
    for _ in range(3):
        await session_held(scenario, here)
    with record_statements(scenario) as many:
        assert expect_json(await worker.get(path))["happened"]["sessions_held"] == 5
    assert len(few) == len(many)


async def session_held(scenario: Scenario, here: str) -> None:
    planned = {"kind": "home_visit", "planned_at": "2026-01-05T02:00:00Z"}
    made = expect_json(await scenario.worker_north.post(f"{here}/support-sessions", planned), 201)
    path = f"/v1/support-sessions/{made['id']}"
    said = {"attendance": "attended", "held_at": "2026-01-05T02:00:00Z"}
    expect_json(await scenario.worker_north.patch(path, said, etag=f'"{made["version"]}"'))


async def test_an_area_that_was_closed_is_not_asked_for_again(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario, weak_areas=("emotional_health", "education"))
    closing = {"rating": 4, "progress": "Back in school.", "decision": "close"}
    going_on = {"rating": 3, "progress": "Better.", "decision": "continue"}
    done_first = await complete_next_review(
        scenario, case["id"], areas={"education": closing, "emotional_health": going_on}
    )
    assert done_first["active_areas"] == ["education", "emotional_health"]
    assert (await get_next_review(scenario, case["id"]))["active_areas"] == ["emotional_health"]
    again = {"rating": 2, "progress": "Stays away again.", "decision": "continue"}
    await complete_next_review(scenario, case["id"], areas={"education": again, "emotional_health": going_on})
    opened = await get_next_review(scenario, case["id"])
    assert opened["active_areas"] == ["education", "emotional_health"], "what was decided last counts"


async def test_adapting_opens_the_next_edition_of_the_plan_as_a_draft(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    area = {"rating": 2, "progress": "Slow.", "decision": "adapt"}
    await complete_next_review(scenario, case["id"], "adapt", areas={"emotional_health": area})
    plans = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/care-plans"))["items"]
    assert {(p["edition"], p["status"]) for p in plans} == {(1, "approved"), (2, "draft")}
    waiting = await get_next_review(scenario, case["id"])
    assert waiting["plan_id"] == plan["id"], "until the next edition is approved the old one is in force"


async def test_beginning_the_exit_lays_an_exit_plan_on_the_table_and_reviews_go_on(
    scenario: Scenario,
) -> None:
    case, _ = await create_active_case(scenario)
    here = f"/v1/cases/{case['id']}"
    assert (await scenario.worker_north.get(f"{here}/exit-plan")).status_code == 404
    await complete_next_review(scenario, case["id"], "begin_exit")
    now = expect_json(await scenario.worker_north.get(here))
    assert (now["status"], now["next_review_on"]) == ("exiting", add_months(today(), 3).isoformat())
    assert expect_json(await scenario.worker_north.get(f"{here}/exit-plan"))["status"] == "draft"
    again = await complete_next_review(scenario, case["id"], "begin_exit")
    assert again["number"] == 2
    assert expect_json(await scenario.worker_north.get(here))["status"] == "exiting"


async def test_reviews_are_listed_soonest_first_by_worker_and_team(
    scenario: Scenario, superuser_connection: Any
) -> None:
    cases = [
        await create_active_case(scenario),
        await create_active_case(scenario, "worker_south"),
        await create_active_case(scenario),
    ]
    ids = [case["id"] for case, _ in cases]
    for days, case_id in zip((-2, 5, -9), ids, strict=True):
        due = "UPDATE reviews SET due_on = $1 WHERE case_id = $2"
        await superuser_connection.execute(due, today() + days * DAY, uuid.UUID(case_id))

    async def found(by: str = "manager", **filters: str) -> list[str]:
        items = expect_json(await scenario.client_for(by).get("/v1/reviews", params=filters))["items"]
        return [item["case_id"] for item in items]

    assert await found() == [ids[2], ids[0], ids[1]]
    assert await found("worker_north") == [ids[2], ids[0]]
    assert await found(overdue="true") == [ids[2], ids[0]]
    assert await found(overdue="false") == [ids[1]]
    assert await found(due_before=(today() - 2 * DAY).isoformat()) == [ids[2]]
    assert await found(team_id=str(id_of("south"))) == [ids[1]]
    assert await found(worker_id=str(id_of("worker_south"))) == [ids[1]]
    assert await found(worker_id=str(id_of("worker_north_2"))) == []
    staff = {"lead_worker_id": str(id_of("worker_north")), "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{ids[0]}", "assign", staff))
    assert await found(worker_id=str(id_of("worker_north_2"))) == [ids[0]]
    seen, cursor = [], None
    while True:
        page = expect_json(
            await scenario.manager.get(
                "/v1/reviews", params={"limit": 1, **({"cursor": cursor} if cursor else {})}
            )
        )
        seen += [(item["case_id"], item["is_overdue"]) for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == [(ids[2], True), (ids[0], True), (ids[1], False)]
    assert (await scenario.manager.get("/v1/reviews", params={"due_before": "soon"})).status_code == 422


async def test_a_review_is_brought_forward_and_never_put_off_or_doubled(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/reviews", scenario.worker_north
    sooner = (today() + 7 * DAY).isoformat()
    told = {"due_on": sooner, "reason": "The mother is back."}
    scheduled = await get_next_review(scenario, case["id"])
    same = expect_json(await worker.post(path, {"due_on": scheduled["due_on"]}), 201)
    assert (same["due_on"], same["version"]) == (scheduled["due_on"], scheduled["version"])
    made = await worker.post(path, told)
    review = expect_json(made, 201)
    assert made.headers["location"] == f"/v1/reviews/{scheduled['id']}"
    assert (review["number"], review["due_on"]) == (1, sooner)
    assert expect_json(await worker.get(f"/v1/cases/{case['id']}"))["next_review_on"] == sooner
    for late in (today() + 8 * DAY, today() - DAY):
        assert parse_unmet_pointers(await worker.post(path, {**told, "due_on": late.isoformat()})) == {
            "not_earlier": "/due_on"
        }
    for _ in range(2):
        assert expect_json(await worker.post(path, {}), 201)["due_on"] == today().isoformat()
    overdue = today() - 5 * DAY
    await superuser_connection.execute("UPDATE reviews SET due_on = $1", overdue)
    assert expect_json(await worker.post(path, {}), 201)["due_on"] == overdue.isoformat()
    lines = expect_json(await worker.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert [line["detail"] for line in lines if line["kind"] == "review_scheduled"] == [
        {"due_on": today().isoformat()},
        told,
        {"due_on": scheduled["due_on"]},
    ]
    early = await scenario.open_case()
    nothing = await worker.post(f"/v1/cases/{early['id']}/reviews", told)
    assert parse_unmet_pointers(nothing) == {"no_review_scheduled": None}
    assert (await scenario.worker_south.post(path, told)).status_code == 404
    assert (await scenario.manager.post(path, told)).status_code == 403


async def test_of_two_completions_at_once_exactly_one_wins(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    path = await fill_next_review(scenario, case["id"])
    etag = (await scenario.worker_north.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(
            scenario.client_for(who).post(f"{path}/complete", etag=etag)
            for who in ("worker_north", "supervisor_north") * 2
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    rows = await superuser_connection.fetch("SELECT number, status FROM reviews ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "completed"), (2, "scheduled")]


async def test_a_transfer_meanwhile_never_loses_the_next_review(
    scenario: Scenario, superuser_connection: Any
) -> None:
    for order in range(4):
        case, _ = await create_active_case(scenario)
        here = f"/v1/cases/{case['id']}"
        path = await fill_next_review(scenario, case["id"])
        etag = (await scenario.worker_north.get(path)).headers["etag"]
        seen = (await scenario.manager.get(here)).headers["etag"]
        move = {
            "team_id": str(id_of("south")),
            "lead_worker_id": str(id_of("worker_south")),
            "reason": "Moved.",
        }
        acts = [
            scenario.worker_north.post(f"{path}/complete", etag=etag),
            scenario.manager.post(f"{here}/transfer", move, etag=seen),
        ]
        answers = await asyncio.gather(*(acts if order % 2 else reversed(acts)))
        codes = tuple(answer.status_code for answer in (answers if order % 2 else reversed(answers)))
        assert codes in {(200, 412), (404, 200)}, codes
        row = await superuser_connection.fetchrow(
            "SELECT c.status, c.next_review_on, r.due_on, r.number FROM cases c JOIN reviews r ON r.case_id = c.id"
            " WHERE c.id = $1 AND r.status = 'scheduled'",
            uuid.UUID(case["id"]),
        )
        assert row["status"] == "active"
        assert row["next_review_on"] == row["due_on"] == add_months(today(), 3)
        assert row["number"] == (2 if codes[0] == 200 else 1)
