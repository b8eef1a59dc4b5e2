"""The counts for the menu of a user."""

from typing import Any

from tests.support.fund import (
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    usd,
)
from tests.support.responses import expect_json
from tests.support.row_factories import backdate_case_opening, insert_care_plan, insert_due_records
from tests.support.scenario import Scenario, id_of
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


async def test_counts_and_agenda_agree_with_the_disbursements_that_await_the_caller(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the limits of programme managers for all callers of the agenda; for a finance officer, the disbursements of
    # the agenda counted twice.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    small = await create_disbursement(scenario, case, months=3)
    large = await create_disbursement(scenario, case, usd("250.00"))
    long_series = await create_disbursement(scenario, case, usd("60.00"), months=4)
    own = await create_disbursement(scenario, case, by="supervisor_north")
    await create_approved_disbursement(scenario, case, fund)
    emergency = await create_disbursement(scenario, case, urgency="emergency")
    await insert_care_plan(superuser_connection, case, "submitted", subject="family")
    overdue = await scenario.open_case("worker_south")
    await backdate_case_opening(superuser_connection, overdue, 25)
    of_team = ids(small, emergency)
    for caller, approvable, others in (
        ("worker_north", set(), 0),
        ("supervisor_north", of_team, 1),
        ("supervisor_both", of_team | ids(own), 1),
        ("manager", of_team | ids(own, large, long_series), 1),
        ("finance", set(), 2),
    ):
        assert await list_approvals(scenario, caller) == approvable, caller
        assert await count_approvals(scenario, caller) == len(approvable) + others, caller
    (series,) = [
        item
        for item in expect_json(await scenario.manager.get("/v1/me/agenda?kind=approval"))["items"]
        if item["record"]["id"] == long_series["id"]
    ]
    assert (series["case_number"], series["child"], series["worker"]) == (
        case["number"],
        case["child"],
        case["lead_worker"],
    )
    await superuser_connection.execute(
        "UPDATE users SET roles = $1 WHERE id = $2",
        ["supervisor", "programme_manager", "finance_officer"],
        id_of("supervisor_both"),
    )
    assert await list_approvals(scenario, "supervisor_both") == of_team | ids(own, large, long_series)
    # The caller can approve or pay the emergency, which counts once, and can pay the approved request.
    assert await count_approvals(scenario, "supervisor_both") == 5 + 1 + 2


def ids(*disbursements: dict[str, Any]) -> set[str]:
    return {disbursement["id"] for disbursement in disbursements}


async def count_approvals(scenario: Scenario, by: str) -> int:
    return int(expect_json(await scenario.client_for(by).get("/v1/me/counts"))["approvals"])


async def list_approvals(scenario: Scenario, by: str) -> set[str]:
    """Return the disbursements on the agenda of a caller, and check that they are those of the list of disbursements."""
    client = scenario.client_for(by)
    entries = expect_json(await client.get("/v1/me/agenda?kind=approval"))["items"]
    listed = [item["record"]["id"] for item in entries if item["record"]["kind"] == "disbursement"]
    awaiting = expect_json(await client.get("/v1/disbursements?awaiting=me"))["items"]
    payable = {item["id"] for item in awaiting if item["status"] == "approved" or by == "finance"}
    assert sorted(listed) == sorted(ids(*awaiting) - payable), by
    return set(listed)


async def test_counts_write_no_entry_about_a_child(scenario: Scenario, superuser_connection: Any) -> None:
    await insert_due_records(superuser_connection, await scenario.open_case())
    with record_statements(scenario) as statements:
        response = await scenario.worker_north.get("/v1/me/counts")
    assert expect_json(response)["agenda"] > 0
    assert len(statements) == 3, statements
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["child_id"], entry["record"], entry["outcome"]) == (None, None, "allowed")
