"""The counts for the menu of a user."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.row_factories import insert_care_plan, insert_due_records
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements


async def test_counts_equal_the_lists_that_they_announce(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    await insert_due_records(superuser_connection, case)
    await insert_care_plan(superuser_connection, case, "submitted", subject="family")
    await scenario.create_referral()
    for each_case, day in ((case, "2026-01-05"), (other, "2026-01-06")):
        await superuser_connection.execute(
            f"UPDATE cases SET next_review_on = '{day}' WHERE id = '{each_case['id']}'"  # noqa: S608
        )
    seen = set()
    for caller in (
        scenario.worker_north,
        scenario.supervisor_north,
        scenario.supervisor_both,
        scenario.manager,
        scenario.finance,
    ):
        counts = expect_json(await caller.get("/v1/me/counts"))
        items = expect_json(await caller.get("/v1/me/agenda", params={"limit": 200}))["items"]
        kinds = [item["kind"] for item in items]
        assert counts["agenda"] == len(items), caller.name
        assert counts["overdue"] == sum(item["is_overdue"] for item in items)
        assert (counts["approvals"], counts["referrals"]) == (
            kinds.count("approval"),
            kinds.count("referral"),
        )
        cases = await caller.get("/v1/cases", params={"review_overdue": "true", "count": "true", "limit": 1})
        expected = cases.json()["total"] if cases.status_code == 200 else 0
        assert counts["overdue_reviews"] == expected, caller.name
        seen.add(tuple(counts.values()))
    assert len(seen) == 5, seen
    assert (await scenario.partner_one.get("/v1/me/counts")).status_code == 403


async def test_counts_write_no_entry_about_a_child(scenario: Scenario, superuser_connection: Any) -> None:
    await insert_due_records(superuser_connection, await scenario.open_case())
    with record_statements(scenario) as statements:
        response = await scenario.worker_north.get("/v1/me/counts")
    assert expect_json(response)["agenda"] > 0
    assert len(statements) == 2, statements
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["child_id"], entry["record"], entry["outcome"]) == (None, None, "allowed")
