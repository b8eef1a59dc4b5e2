"""The lists of reviews: filters, orders, totals, and visible records."""

import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.case_lifecycle import complete_next_review, create_active_case, get_next_review
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import STAFF, Scenario, id_of
from tests.support.sql_statements import record_statements

DAY = timedelta(days=1)
EMERGENCY = {"reason": "The child is in hospital now."}


async def create_cases(scenario: Scenario, superuser: Any, *days: int) -> list[dict[str, Any]]:
    """Create active cases whose review is due in the given numbers of days. The second case is of the team south."""
    cases = []
    for index, number in enumerate(days):
        case, _ = await create_active_case(scenario, "worker_south" if index == 1 else "worker_north")
        await superuser.execute(
            "UPDATE reviews SET due_on = $1 WHERE case_id = $2",
            today() + number * DAY,
            uuid.UUID(case["id"]),
        )
        cases.append(case)
    return cases


async def list_case_ids(scenario: Scenario, by: str = "manager", **params: Any) -> list[str]:
    response = await scenario.client_for(by).get("/v1/reviews", params={"limit": 200, **params})
    return [item["case_id"] for item in expect_json(response)["items"]]


async def test_rows_of_the_review_list_contain_the_child_the_team_and_the_worker(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    for path in ("/v1/reviews", f"/v1/cases/{case['id']}/reviews"):
        (row,) = expect_json(await scenario.worker_north.get(path))["items"]
        for field in ("child_id", "child", "team_id", "team", "lead_worker_id", "lead_worker", "risk_level"):
            assert row[field] == case[field], field
        assert (row["case_id"], row["case_number"], row["is_overdue"]) == (case["id"], case["number"], False)
        review = expect_json(await scenario.worker_north.get(f"/v1/reviews/{row['id']}"))
        common = row.keys() & review.keys()
        assert {name: review[name] for name in common} == {name: row[name] for name in common}


async def test_reviews_are_filtered_by_dates_status_team_worker_and_risk(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `overdue` without the condition on the status; co-workers missing from `worker_id`.
    late, south, later = await create_cases(scenario, superuser_connection, -2, 5, -9)
    await complete_next_review(scenario, later["id"])
    staff = {"lead_worker_id": str(id_of("worker_north")), "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{late['id']}", "assign", staff))
    await superuser_connection.execute(
        "UPDATE cases SET risk_level = 'high' WHERE id = $1", uuid.UUID(south["id"])
    )
    in_two_days = (today() - 2 * DAY).isoformat()
    for params, expected in (
        ({}, [late, south, later]),
        ({"status": "completed"}, [later]),
        ({"status": "cancelled"}, []),
        ({"status": "completed,cancelled"}, [later]),
        ({"overdue": "true"}, [late]),
        ({"overdue": "false"}, [south, later]),
        ({"overdue": "true", "status": "completed"}, []),
        ({"overdue": "false", "status": "completed"}, [later]),
        ({"due_before": in_two_days}, []),
        ({"due_before": in_two_days, "status": "completed"}, [later]),
        ({"due_from": in_two_days, "due_before": today().isoformat()}, [late]),
        ({"team_id": str(id_of("south"))}, [south]),
        ({"team_id": f"{id_of('south')},{id_of('north')}"}, [late, south, later]),
        ({"worker_id": str(id_of("worker_south"))}, [south]),
        ({"worker_id": f"{id_of('worker_south')},{id_of('worker_north_2')}"}, [late, south]),
        ({"worker_id": str(id_of("supervisor_north"))}, []),
        ({"risk_level": "high"}, [south]),
        ({"risk_level": "low"}, []),
    ):
        ids = await list_case_ids(scenario, **params)
        assert ids == [case["id"] for case in expected], params
        counted = await scenario.manager.get("/v1/reviews", params={**params, "count": "true", "limit": 1})
        assert expect_json(counted)["total"] == len(expected), params
    assert await list_case_ids(scenario, "worker_north", worker_id=str(id_of("worker_south"))) == []
    assert await list_case_ids(scenario, "worker_north", team_id=str(id_of("south"))) == []
    for params in ({"due_before": "soon"}, {"status": "late"}, {"sort": "number"}, {"overdue": "1"}):
        expect_json(await scenario.manager.get("/v1/reviews", params=params), 422)


async def test_reviews_are_sorted_by_due_date_in_both_directions(
    scenario: Scenario, superuser_connection: Any
) -> None:
    cases = await create_cases(scenario, superuser_connection, -2, 5, -9, 5)
    due = [cases[index]["id"] for index in (2, 0)]
    for sort, is_descending in (({}, False), ({"sort": "due_on"}, False), ({"sort": "-due_on"}, True)):
        listed: list[str] = []
        cursor: dict[str, str] = {}
        while not listed or cursor:
            params = {"limit": 1, **sort, **cursor}
            page = expect_json(await scenario.manager.get("/v1/reviews", params=params))
            listed += [item["case_id"] for item in page["items"]]
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        assert len(listed) == len(set(listed)) == 4
        assert (listed[::-1] if is_descending else listed)[:2] == due
        assert await list_case_ids(scenario, **sort) == listed
    first = expect_json(await scenario.manager.get("/v1/reviews?limit=1"))
    for other in ({"sort": "-due_on"}, {"overdue": "true"}, {"status": "completed"}):
        response = await scenario.manager.get("/v1/reviews", params={"cursor": first["next_cursor"], **other})
        assert parse_faults(response) == {("query:cursor", "cursor_invalid")}


async def test_list_contains_exactly_the_visible_reviews_and_logs_the_returned_rows(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: the arms `assigned` and `teams` of the scope removed.
    cases = await create_cases(scenario, superuser_connection, 1, 2, 3)
    expect_json(await scenario.worker_north_2.post(f"/v1/cases/{cases[1]['id']}/break-glass", EMERGENCY))
    for name, (roles, _) in STAFF.items():
        if not {"social_worker", "supervisor", "programme_manager"} & set(roles):
            continue
        async with open_transaction_as(api_connection, name):
            rows = await api_connection.fetch("SELECT case_id FROM reviews ORDER BY due_on, id")
        visible = [str(row[0]) for row in rows]
        assert await list_case_ids(scenario, name) == visible, name
        response = await scenario.client_for(name).get("/v1/reviews?limit=1&count=true")
        page = expect_json(response)
        assert page["total"] == len(visible)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        logged = {entry["child_id"] for entry in entries if entry["child_id"]}
        assert logged == {item["child_id"] for item in page["items"]}, name


async def test_review_lists_use_one_statement_for_any_number_of_rows(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    for _ in range(2):
        for path, expected in (
            ("/v1/reviews", 1),
            (f"/v1/reviews?overdue=false&team_id={id_of('north')}&count=true", 2),
            (f"/v1/cases/{case['id']}/reviews", 1),
        ):
            with record_statements(scenario) as statements:
                assert expect_json(await scenario.supervisor_north.get(path))["items"]
            assert len(statements) == expected, statements
        await complete_next_review(scenario, case["id"])
        await create_active_case(scenario)
    assert (await get_next_review(scenario, case["id"]))["number"] == 3


async def test_list_of_all_reviews_looks_up_cases_by_index(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: OFFSET 0 removed from the policy `visible_with_case`.
    for _ in range(2):  # so that the statistics contain the frequency of the status
        await create_active_case(scenario)
    # The planner estimates the number of rows from the rows per page and the real number of pages.
    await superuser_connection.execute("ANALYZE reviews")
    await superuser_connection.execute(
        "UPDATE pg_class SET reltuples = 100000, relpages = 1 WHERE relname IN ('cases', 'reviews')"
    )
    with record_statements(scenario) as statements:
        expect_json(await scenario.manager.get("/v1/reviews?limit=50"))
    async with open_transaction_as(api_connection, "manager"):
        await api_connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = await api_connection.fetch(f"EXPLAIN {statements[0]}", ["scheduled"])
    plan = "\n".join(row[0] for row in rows)
    assert "ix_reviews_due" in plan
    assert "hashed SubPlan" not in plan
    assert "Seq Scan on cases" not in plan
