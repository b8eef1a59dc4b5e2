"""The numbers of the backlog are those of the agendas of all people, and need no access to a child."""

from collections import Counter
from typing import Any

from app.models import ExitPlan
from tests.support.case_lifecycle import assessment_payload
from tests.support.fund import create_disbursement
from tests.support.responses import expect_json
from tests.support.row_factories import (
    WORKER_ID,
    backdate_case_opening,
    case_foreign_keys,
    date_in_days,
    insert_care_plan,
    insert_due_records,
    insert_row,
)
from tests.support.scenario import STAFF, Scenario

BACKLOG_QUERY = "SELECT measure, kind, number FROM access.count_backlog()"
DATES = {
    "reviews": "due_on", "actions": "due_on", "follow_ups": "due_on", "legal_steps": "on", "exit_plans": "ends_on",
    "support_sessions": "planned_at", "service_referrals": "sent_at", "disbursements": "created_at",
    "referrals": "received_at",
}  # fmt: skip
"""The columns from which the days of the agenda are computed."""
BACKLOG_KINDS = {
    "action", "approval", "exit", "follow_up", "legal_step", "milestone", "referral", "returned", "review",
    "service_referral", "session",
}  # fmt: skip
"""The kinds of agenda entries that the metrics count."""
STATUS_DATES = ("assessments", "care_plans")


async def create_backlog(scenario: Scenario, superuser: Any) -> None:
    """Create items of every kind, of an open and a closed case, and make them 60 days older."""
    case, closed, exiting, old = [await scenario.open_case() for _ in range(4)]
    for each_case in (case, closed):
        await insert_due_records(superuser, each_case)
        await insert_care_plan(superuser, each_case, "submitted", subject="family")
    await insert_care_plan(superuser, old, "returned", subject="family")
    for decision in (None, "return"):
        target = exiting if decision is None else old
        created = await scenario.worker_north.post(
            f"/v1/cases/{target['id']}/assessments", {"subject": "child", "kind": "initial"}
        )
        path = f"/v1/assessments/{expect_json(created, 201)['id']}"
        expect_json(
            await scenario.worker_north.patch(path, assessment_payload(), etag=created.headers["etag"])
        )
        expect_json(await scenario.worker_north.act(path, "submit"))
        if decision is not None:
            comment = {"comment": "What does the child wish?"}
            expect_json(await scenario.supervisor_north.act(path, decision, comment))
    await create_disbursement(scenario, case, urgency="urgent", months=3, starts_on=str(date_in_days(0)))
    for each_case, status in ((exiting, "approved"), (case, "draft")):
        plan = ExitPlan(
            **case_foreign_keys(each_case), author_id=WORKER_ID, ends_on=date_in_days(10), status=status
        )
        await insert_row(superuser, plan)
    await scenario.create_referral()
    await superuser.execute("SET session_replication_role = replica")  # frozen columns change
    for table, column in DATES.items():
        await superuser.execute(f'UPDATE {table} SET "{column}" = "{column}" - interval \'60 days\'')  # noqa: S608
    for table in STATUS_DATES:
        await superuser.execute(
            f"UPDATE {table} SET submitted_at = now() - interval '60 days', decided_at = now() - interval '60 days'"  # noqa: S608
        )
    await superuser.execute("UPDATE exit_plans SET updated_at = updated_at - interval '60 days'")
    await superuser.execute("RESET session_replication_role")
    await backdate_case_opening(superuser, closed, 30, status="closed")
    await backdate_case_opening(superuser, exiting, 1, status="exiting")
    await backdate_case_opening(superuser, old, 26)


async def count_overdue_of_all_agendas(scenario: Scenario) -> Counter[str]:
    items = set()
    for name in STAFF:
        query = {"overdue": "true", "limit": "200"}
        page = expect_json(await scenario.client_for(name).get("/v1/me/agenda", params=query))
        assert page["next_cursor"] is None
        items |= {(item["kind"], item["record"]["id"]) for item in page["items"]}
    return Counter(kind for kind, _ in items)


async def test_backlog_counts_the_overdue_items_of_all_agendas(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: the condition on closed cases removed; `sent_at` without 14 days; the actions of supporters counted.
    await create_backlog(scenario, superuser_connection)
    expected = await count_overdue_of_all_agendas(scenario)
    expected = Counter({kind: number for kind, number in expected.items() if kind in BACKLOG_KINDS})
    assert set(expected) == BACKLOG_KINDS
    events_query = "SELECT count(*) FROM access_events"
    events = await superuser_connection.fetchval(events_query)
    rows = await api_connection.fetch(BACKLOG_QUERY)
    overdue = {row["kind"]: row["number"] for row in rows if row["measure"] == "overdue"}
    assert overdue == expected
    assert [tuple(row)[1:] for row in rows if row["measure"] == "unacknowledged"] == [("referral", 1)]
    assert await superuser_connection.fetchval(events_query) == events
    assert await api_connection.fetchval("SELECT count(*) FROM cases") == 0
