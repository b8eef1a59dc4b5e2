"""The last contact of a case follows its contacts: held support sessions with the child, the supporter or the family."""

import uuid
from typing import Any

import asyncpg
import pytest

from tests.support.case_lifecycle import create_case_path
from tests.support.locks import run_while_case_locked
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, patch_latest_fields
from tests.support.scenario import AuthenticatedClient, Scenario
from tests.support.sql_statements import record_statements
from tests.support.support_sessions import create_support_session, support_session_path

MISSED = {"held_at": None, "attendance": "missed_by_child", "missed_reason": "Rain."}


async def held_session(caller: AuthenticatedClient, case_path: str, held_at: str) -> dict[str, Any]:
    return await create_support_session(caller, case_path, kind="home_visit", held_at=held_at)


async def get_last_contact(scenario: Scenario, case_path: str) -> tuple[str | None, int]:
    """Return the date of the last contact, and the version of the case."""
    case = expect_json(await scenario.manager.get(case_path))
    return case["last_contact_on"], case["version"]


async def test_only_held_sessions_are_contacts(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    planned = await create_support_session(
        worker, case_path, kind="home_visit", planned_at="2026-01-20T02:00:00Z"
    )
    missed = {"planned_at": "2026-01-21T02:00:00Z", "attendance": "missed_by_child", "missed_reason": "Rain."}
    await create_support_session(worker, case_path, kind="home_visit", **missed)
    cancelled = await create_support_session(
        worker, case_path, kind="home_visit", planned_at="2026-01-22T02:00:00Z"
    )
    expect_json(await worker.act(support_session_path(cancelled), "cancel", {"reason": "x"}))
    assert await get_last_contact(scenario, case_path) == (None, 1)
    held = {"held_at": "2026-01-20T02:10:00Z", "attendance": "attended_part"}
    expect_json(await patch_latest_fields(worker, support_session_path(planned), **held))
    assert await get_last_contact(scenario, case_path) == ("2026-01-20", 2)


async def test_last_contact_is_the_latest_local_date_in_any_order_of_recording(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    await held_session(worker, case_path, "2026-02-10T17:30:00Z")  # 00:30 of the next day in Cambodia
    assert await get_last_contact(scenario, case_path) == ("2026-02-11", 2)
    await held_session(worker, case_path, "2026-01-05T02:00:00Z")
    await held_session(worker, case_path, "2026-02-11T02:00:00Z")
    assert await get_last_contact(scenario, case_path) == ("2026-02-11", 2)  # the same date: the same version


async def test_correction_of_a_session_changes_the_last_contact(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    await held_session(worker, case_path, "2026-01-05T02:00:00Z")
    planned = await create_support_session(
        worker, case_path, kind="home_visit", planned_at="2026-02-10T02:00:00Z"
    )
    path, observed = support_session_path(planned), []
    for patch in (
        {"held_at": "2026-02-10T02:00:00Z", "attendance": "attended"},
        {"held_at": "2026-01-08T02:00:00Z"},
        MISSED,
        {"held_at": "2026-02-09T02:00:00Z", "attendance": "attended", "missed_reason": None},
    ):
        expect_json(await patch_latest_fields(worker, path, **patch))
        observed.append((await get_last_contact(scenario, case_path))[0])
    assert observed == ["2026-02-10", "2026-01-08", "2026-01-05", "2026-02-09"]


async def test_correction_of_the_only_contact_removes_the_date(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    session = await create_support_session(
        worker,
        case_path,
        kind="home_visit",
        planned_at="2026-02-10T02:00:00Z",
        held_at="2026-02-10T02:00:00Z",
    )
    expect_json(await patch_latest_fields(worker, support_session_path(session), **MISSED))
    assert await get_last_contact(scenario, case_path) == (None, 3)


async def test_worker_outside_the_staff_of_the_case_updates_the_last_contact(scenario: Scenario) -> None:
    # Catches: the service updates the case itself; the trigger prevent_reassignment rejects it.
    case_path, worker = await create_case_path(scenario), scenario.worker_south
    expect_json(await worker.post(f"{case_path}/break-glass", BREAK_GLASS_PAYLOAD))
    session = await held_session(worker, case_path, "2026-02-10T02:00:00Z")
    assert (await get_last_contact(scenario, case_path))[0] == "2026-02-10"
    expect_json(
        await patch_latest_fields(worker, support_session_path(session), held_at="2026-02-09T02:00:00Z")
    )
    assert (await get_last_contact(scenario, case_path))[0] == "2026-02-09"


async def test_concurrent_recordings_keep_the_latest_date(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the case locked for share, so that both requests wait for each other (409).
    case_path = await create_case_path(scenario, "worker_north_2")
    requests = (
        caller.post(f"{case_path}/support-sessions", {"kind": "home_visit", "held_at": held_at})
        for caller, held_at in (
            (scenario.worker_north, "2026-02-10T02:00:00Z"),
            (scenario.worker_north_2, "2026-02-09T02:00:00Z"),
            (scenario.supervisor_north, "2026-02-12T02:00:00Z"),
        )
    )
    case_id = case_path.rpartition("/")[2]
    assert await run_while_case_locked(superuser_connection, case_id, *requests) == [201, 201, 201]
    assert await get_last_contact(scenario, case_path) == ("2026-02-12", 4)


async def test_concurrent_update_of_the_case_is_kept(scenario: Scenario, superuser_connection: Any) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    requests = (
        worker.patch(case_path, {"summary": "Goes to school."}, etag='"1"'),
        worker.post(
            f"{case_path}/support-sessions", {"kind": "home_visit", "held_at": "2026-02-10T02:00:00Z"}
        ),
    )
    case_id = case_path.rpartition("/")[2]
    assert await run_while_case_locked(superuser_connection, case_id, *requests) == [200, 201]
    case = expect_json(await worker.get(case_path))
    assert (case["summary"], case["last_contact_on"], case["version"]) == ("Goes to school.", "2026-02-10", 3)


async def test_raw_sql_cannot_set_another_date(scenario: Scenario, api_connection: Any) -> None:
    case_path = await create_case_path(scenario)
    await held_session(scenario.worker_north, case_path, "2026-02-10T02:00:00Z")
    async with open_transaction_as(api_connection, "worker_north"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with api_connection.transaction():
                await api_connection.execute("UPDATE cases SET last_contact_on = '2026-03-01'")
        case_id = uuid.UUID(case_path.rpartition("/")[2])
        await api_connection.execute("SELECT access.update_last_contact($1)", case_id)
        assert await api_connection.fetchval("SELECT version FROM cases") == 2


@pytest.mark.parametrize(
    ("payload", "count"),
    [({"planned_at": "2026-02-10T02:00:00Z"}, 0), ({"held_at": "2026-02-10T02:00:00Z"}, 1)],
)
async def test_only_a_held_session_sends_the_statement(
    scenario: Scenario, payload: dict[str, Any], count: int
) -> None:
    case_path = await create_case_path(scenario)
    with record_statements(scenario) as statements:
        await create_support_session(scenario.worker_north, case_path, kind="home_visit", **payload)
    assert sum("update_last_contact" in statement for statement in statements) == count
