"""Assignment and status periods of cases: every act that changes them, no gap, no overlap, and who can write them."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.database.urls import to_driver_url
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    create_approved_exit_plan,
    create_case_path,
    create_closed_case,
    create_exiting_case,
)
from tests.support.payloads import reopening_consent_payload
from tests.support.raw_sql import REJECTION_ERRORS, open_access, open_transaction_as, set_access
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

PERIOD_TABLES = ("assignment_periods", "status_periods")
INSERT_STATUS_PERIOD = """
    INSERT INTO status_periods (case_id, began_at, child_id, status, ended_at, previous_ended_at)
    VALUES ($1, $2, $3, 'active', $4, $5)
"""


async def list_periods(superuser: Any, case_id: str, table: str) -> list[Any]:
    query = f"SELECT * FROM {table} WHERE case_id = $1 ORDER BY began_at"  # noqa: S608 - names from this test
    return list(await superuser.fetch(query, UUID(case_id)))


async def list_leads(superuser: Any, case_id: str) -> list[tuple[UUID, UUID, bool]]:
    """Return team, lead worker and whether it is the current one, for each assignment period. Check their sequence."""
    periods = await list_periods(superuser, case_id, "assignment_periods")
    assert_is_sequence(periods)
    return [(period["team_id"], period["lead_worker_id"], period["ended_at"] is None) for period in periods]


async def list_statuses(superuser: Any, case_id: str) -> list[str]:
    periods = await list_periods(superuser, case_id, "status_periods")
    assert_is_sequence(periods)
    assert [period["ended_at"] is None for period in periods] == [False] * (len(periods) - 1) + [True]
    return [period["status"] for period in periods]


def assert_is_sequence(periods: list[Any]) -> None:
    for previous, following in pairwise(periods):
        assert previous["began_at"] < previous["ended_at"] == following["began_at"]


async def test_status_periods_follow_the_whole_pathway(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `OF status` removed from the trigger; `NEW.status <> OLD.status` replaced with false.
    case = await create_closed_case(scenario)
    assert await list_statuses(superuser_connection, case["id"]) == [
        "assessment", "planning", "active", "exiting", "closed",
    ]  # fmt: skip
    first, *_, last = await list_periods(superuser_connection, case["id"], "status_periods")
    created_at, updated_at = (datetime.fromisoformat(case[name]) for name in ("created_at", "updated_at"))
    assert (first["began_at"], last["began_at"]) == (created_at, updated_at)
    reopening = {"reason": "Does not sleep again.", "consent": reopening_consent_payload()}
    reopened = expect_json(
        await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "reopen", reopening), 201
    )
    assert await list_statuses(superuser_connection, reopened["id"]) == ["assessment"]
    assert (await list_statuses(superuser_connection, case["id"]))[-1] == "closed"


async def test_status_periods_contain_the_return_from_exit(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_exiting_case(scenario)
    await complete_next_review(scenario, case["id"], "return_to_active")
    assert await list_statuses(superuser_connection, case["id"]) == [
        "assessment", "planning", "active", "exiting", "active",
    ]  # fmt: skip


async def test_assignment_periods_contain_assignment_transfer_and_reopening(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: team_id missing from the comparison; the INSERT made also for a closed case.
    north, south = id_of("north"), id_of("south")
    workers = [id_of(name) for name in ("worker_north", "worker_north_2", "worker_south")]
    path = await create_case_path(scenario)
    case_id = path.removeprefix("/v1/cases/")
    for lead in (workers[1], workers[1], workers[0]):
        payload = {"lead_worker_id": str(lead), "co_worker_ids": []}
        expect_json(await scenario.supervisor_north.act(path, "assign", payload))
    transfer = {"team_id": str(south), "lead_worker_id": str(workers[2]), "reason": "Moved to Phnom Penh."}
    expect_json(await scenario.manager.act(path, "transfer", transfer))
    assert await list_leads(superuser_connection, case_id) == [
        (north, workers[0], False),
        (north, workers[1], False),
        (north, workers[0], False),
        (south, workers[2], True),
    ]
    closing = {"reason_code": "moved_away", "outcome": "Lives in Thailand."}
    await create_approved_exit_plan(scenario, case_id, lead="worker_south", reason_code="moved_away")
    closed = expect_json(await scenario.worker_south.act(path, "close", closing))
    *_, last = await list_periods(superuser_connection, case_id, "assignment_periods")
    assert last["ended_at"] == datetime.fromisoformat(closed["updated_at"])
    reopening = {"reason": "Back in Cambodia.", "consent": reopening_consent_payload()}
    reopened = expect_json(await scenario.supervisor_south.act(path, "reopen", reopening), 201)
    assert await list_leads(superuser_connection, reopened["id"]) == [(south, workers[2], True)]


async def test_assignment_periods_contain_the_handover_of_open_cases_only(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the condition on the status removed from the trigger. A closed case then gets a period.
    closed = await create_closed_case(scenario)
    active, _ = await create_active_case(scenario)
    handover = {"to_user_id": str(id_of("worker_north_2")), "reason": "Leaves for another job."}
    path = f"/v1/users/{id_of('worker_north')}"
    expect_json(await scenario.supervisor_north.act(path, "handover", handover))
    north, leaver, receiver = id_of("north"), id_of("worker_north"), id_of("worker_north_2")
    assert await list_leads(superuser_connection, active["id"]) == [
        (north, leaver, False),
        (north, receiver, True),
    ]
    assert await list_leads(superuser_connection, closed["id"]) == [(north, leaver, False)]
    lead = await superuser_connection.fetchval(
        "SELECT lead_worker_id FROM cases WHERE id = $1", UUID(closed["id"])
    )
    assert lead == receiver, "the handover must also move the closed case, which has follow-ups"


async def test_periods_with_a_gap_or_an_overlap_are_rejected(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: each of the constraints dropped.
    case = await create_closed_case(scenario)
    periods = await list_periods(superuser_connection, case["id"], "status_periods")
    first, last, hour = periods[0], periods[-1], timedelta(hours=1)
    await superuser_connection.execute(
        "DELETE FROM status_periods WHERE case_id = $1 AND ended_at IS NULL", UUID(case["id"])
    )
    for began_at, ended_at, previous_ended_at, error in (
        (last["began_at"] + hour, None, last["began_at"], asyncpg.CheckViolationError),  # a gap
        (last["began_at"] + hour, None, last["began_at"] + hour, asyncpg.ForeignKeyViolationError),
        (first["began_at"] - hour, first["began_at"], None, asyncpg.UniqueViolationError),
        (first["ended_at"], None, first["ended_at"], asyncpg.UniqueViolationError),  # an overlap
        (last["began_at"], last["began_at"], last["began_at"], asyncpg.CheckViolationError),  # empty
    ):
        with pytest.raises(error):
            await superuser_connection.execute(
                INSERT_STATUS_PERIOD,
                UUID(case["id"]),
                began_at,
                UUID(case["child_id"]),
                ended_at,
                previous_ended_at,
            )
    parameters = (UUID(case["id"]), last["began_at"], UUID(case["child_id"]), None, last["began_at"])
    await superuser_connection.execute(INSERT_STATUS_PERIOD, *parameters)
    with pytest.raises(asyncpg.UniqueViolationError):  # a second current period
        await superuser_connection.execute(
            INSERT_STATUS_PERIOD,
            UUID(case["id"]),
            last["began_at"] + hour,
            UUID(case["child_id"]),
            None,
            None,
        )


async def test_period_begins_after_the_previous_one_even_if_the_clock_goes_back(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `greatest` removed. A server with a slow clock then violates the constraint.
    case = await scenario.open_case()
    await superuser_connection.execute(
        "UPDATE cases SET status = 'planning', updated_at = updated_at - interval '4 minutes' WHERE id = $1",
        UUID(case["id"]),
    )
    assert await list_statuses(superuser_connection, case["id"]) == ["assessment", "planning"]


async def test_no_role_of_the_application_writes_periods(
    scenario: Scenario, api_connection: Any, owner_connection: Any
) -> None:
    # Catches: GRANT INSERT ON status_periods TO firststep_api with a policy.
    await scenario.open_case()
    for table in PERIOD_TABLES:
        statements = (
            f"SELECT FROM {table}",
            f"UPDATE {table} SET ended_at = now()",  # noqa: S608
            f"DELETE FROM {table}",  # noqa: S608
            f"INSERT INTO {table} (case_id, began_at) VALUES (gen_random_uuid(), now())",  # noqa: S608
        )
        for statement in statements:
            async with open_transaction_as(api_connection, "manager"):
                with pytest.raises(REJECTION_ERRORS):
                    await api_connection.execute(statement)
        assert await owner_connection.execute(f"DELETE FROM {table}") == "DELETE 0"  # noqa: S608


async def test_reports_role_reads_periods_for_a_report_only_and_no_other_column(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: GRANT SELECT ON status_periods (the whole table) to firststep_reports; `USING (true)` in its policy.
    await scenario.open_case()
    await scenario.open_case("worker_south")
    reports = await asyncpg.connect(to_driver_url(scenario.urls.reports))
    try:
        for table in PERIOD_TABLES:
            count_query = f"SELECT count(case_id) FROM {table}"  # noqa: S608 - names from this test
            assert await reports.fetchval(count_query) == 0, "no access is open"
            for act, count in {"case.read": 0, "report.read": 2}.items():
                access = await open_access(api_connection, "manager", act)
                async with reports.transaction():
                    await set_access(reports, access)
                    assert await reports.fetchval(count_query) == count, act
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reports.fetch(f"SELECT previous_ended_at FROM {table}")  # noqa: S608
    finally:
        await reports.close()
