"""Alerts that the search of the access log raises."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.access.permissions import ADMINISTRATORS, POLICY, Permission
from app.config import Settings
from app.database.urls import to_driver_url
from app.server.installation import migrate_installation
from app.server.job_kinds import JOB_KINDS
from app.server.jobs import JobRunner
from tests.support.access_log import new_child_ids, raise_alerts, set_thresholds, write_reads
from tests.support.raw_sql import conclude_access, open_access
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

ADMINISTRATOR_ACTS_WITHOUT_ALERT = {
    Permission.api_client_read, Permission.caseload_standard_set, Permission.instrument_manage,
}  # fmt: skip
"""Permissions of acts that give no access to child data."""
ALERTS_QUERY = "SELECT * FROM alerts ORDER BY count"


@pytest.fixture(autouse=True)
async def low_thresholds(owner_connection: Any) -> None:
    await set_thresholds(owner_connection)


async def list_alerts(scenario: Scenario, **parameters: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect_json(await scenario.dpo.get("/v1/alerts", params=parameters))[
        "items"
    ]
    return items


async def test_many_children_outside_the_caseload_raise_one_alert_for_each_doubling(
    scenario: Scenario, api_connection: Any
) -> None:
    children = new_child_ids(12)
    await write_reads(api_connection, "worker_north", children[:2])
    assert await raise_alerts(api_connection) == 0
    await write_reads(api_connection, "worker_north", [children[0], *children[:3]])
    assert await raise_alerts(api_connection) == 1
    await write_reads(api_connection, "worker_north", children[3:5])
    assert await raise_alerts(api_connection) == 0
    await write_reads(api_connection, "worker_north", children[5:])
    assert await raise_alerts(api_connection) == 1
    alerts = await list_alerts(scenario, kind="reading_outside_caseload")
    assert [alert["count"] for alert in alerts] == [12, 3]
    assert alerts[0]["actor"] == {"id": str(id_of("worker_north")), "name": "Worker North"}
    assert alerts[0]["child_id"] is None
    entries = expect_json(await scenario.dpo.get(f"{alerts[0]['accesses']}&limit=200"))["items"]
    assert {entry["child_id"] for entry in entries} == {str(child) for child in children}


async def test_children_of_the_callers_caseload_raise_no_alert(
    scenario: Scenario, api_connection: Any, owner_connection: Any
) -> None:
    # Catches: the condition on access.is_in_caseload() removed.
    await set_thresholds(owner_connection, children=1)
    case = await scenario.open_case("worker_north")
    child_id = UUID(case["child_id"])
    for name in ("worker_north", "supervisor_north"):
        await write_reads(api_connection, name, [child_id])
    assert await raise_alerts(api_connection) == 0
    await write_reads(api_connection, "supervisor_south", [child_id])
    assert await raise_alerts(api_connection) == 1


async def test_programme_manager_has_a_threshold_of_their_own(
    scenario: Scenario, api_connection: Any
) -> None:
    del scenario
    children = new_child_ids(6)
    await write_reads(api_connection, "manager", children[:5])
    assert await raise_alerts(api_connection) == 0
    await write_reads(api_connection, "manager", children[5:])
    assert await raise_alerts(api_connection) == 1


async def test_log_and_payments_of_children_are_not_counted_as_reading_them(
    scenario: Scenario, api_connection: Any
) -> None:
    del scenario
    for name in ("dpo", "finance"):
        await write_reads(api_connection, name, new_child_ids(5))
    assert await raise_alerts(api_connection) == 0


async def test_many_matches_of_a_hidden_child_raise_an_alert(scenario: Scenario, api_connection: Any) -> None:
    hidden = UUID((await scenario.open_case("worker_south"))["child_id"])
    own = UUID((await scenario.open_case("worker_north"))["child_id"])
    for child_id in (hidden, own):
        await write_reads(api_connection, "worker_north", [child_id] * 3, "referral.match")
        await write_reads(api_connection, "worker_north", [child_id] * 3)
    assert await raise_alerts(api_connection) == 0
    for child_id in (hidden, own):
        await write_reads(api_connection, "worker_north", [child_id], "referral.match")
    assert await raise_alerts(api_connection) == 1
    (alert,) = await list_alerts(scenario, kind="matching_hidden_child")
    assert (alert["child_id"], alert["count"], alert["act"]) == (str(hidden), 4, "referral.match")


async def test_matching_limit_raises_an_alert_once_a_day(scenario: Scenario) -> None:
    referral = await scenario.create_referral()
    path, supervisor = f"/v1/referrals/{referral['id']}", scenario.supervisor_north
    await supervisor.act(path, "acknowledge", {"team_id": str(id_of("north"))})
    for number in range(8):
        current = await supervisor.get(path)
        change = {"child": {"nickname": f"Name {number}"}}
        await supervisor.patch(path, change, etag=current.headers["etag"])
        matches = await supervisor.get(f"{path}/matches")
    for _ in range(2):
        assert expect_json(matches)["withheld"]["limit"] == "referral_limit"
        matches = await supervisor.get(f"{path}/matches")
    (alert,) = await list_alerts(scenario, kind="matching_limit")
    assert alert["record"] == {"kind": "referral", "id": referral["id"]}
    assert alert["actor"]["name"] == "Supervisor North"


async def test_each_change_of_an_account_raises_an_alert(scenario: Scenario, api_connection: Any) -> None:
    team = expect_json(await scenario.admin.post("/v1/teams", {"name": "east"}), 201)
    changed = await scenario.admin.patch(f"/v1/teams/{team['id']}", {"name": "west"}, etag='"1"')
    assert changed.status_code == 200
    assert (
        await scenario.admin.patch(f"/v1/teams/{team['id']}", {"name": "x"}, etag='"1"')
    ).status_code == 412
    assert (await scenario.admin.get("/v1/teams")).status_code == 200
    assert await raise_alerts(api_connection) == 2
    alerts = await list_alerts(scenario)
    assert [(alert["kind"], alert["act"]) for alert in alerts] == [("account_change", "team.manage")] * 2
    assert [alert["record"] for alert in alerts] == [{"kind": "team", "id": team["id"]}] * 2


async def test_every_act_of_administrators_on_accounts_raises_an_alert(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: an act removed from access.raise_account_alerts().
    acts = {act for act, roles in POLICY.items() if roles == ADMINISTRATORS}
    acts = acts - ADMINISTRATOR_ACTS_WITHOUT_ALERT | {Permission.pending_change_decide}
    for act in acts:
        await conclude_access(api_connection, await open_access(api_connection, "admin", act))
    assert await raise_alerts(api_connection) == len(acts)
    assert {alert["act"] for alert in await list_alerts(scenario)} == acts


async def test_searches_at_the_same_time_raise_one_alert(scenario: Scenario, api_connection: Any) -> None:
    # Catches: FOR UPDATE and ON CONFLICT removed.
    await write_reads(api_connection, "worker_north", new_child_ids(3))
    connections = [await asyncpg.connect(to_driver_url(scenario.urls.api)) for _ in range(4)]
    try:
        raised = await asyncio.gather(*map(raise_alerts, connections))
    finally:
        for connection in connections:
            await connection.close()
    assert sorted(raised) == [0, 0, 0, 1]


async def test_entry_that_is_committed_after_a_later_one_is_found(
    scenario: Scenario, api_connection: Any, owner_connection: Any
) -> None:
    # Catches: `unassigned` instead of `oldest_active` as the end of the search.
    await set_thresholds(owner_connection, children=1)
    late_connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
    try:
        access = await open_access(late_connection, "worker_north", "child.read")
        late = late_connection.transaction()
        await late.start()
        await conclude_access(late_connection, access, new_child_ids(1)[0])
        await write_reads(api_connection, "worker_south", new_child_ids(1))
        assert await raise_alerts(api_connection) == 0
        await late.commit()
        assert await raise_alerts(api_connection) == 2
    finally:
        await late_connection.close()


async def test_start_of_the_search_moves_only_when_earlier_transactions_have_ended(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: `since = scan.scanned_at` without the condition.
    start = await superuser_connection.fetchval("SELECT since FROM access_log_scans")
    late_connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
    try:
        access = await open_access(late_connection, "worker_north")
        late = late_connection.transaction()
        await late.start()
        await conclude_access(late_connection, access)
        await raise_alerts(api_connection)
        await raise_alerts(api_connection)
        held = await superuser_connection.fetchval("SELECT since FROM access_log_scans")
        await late.commit()
    finally:
        await late_connection.close()
    for _ in range(2):
        await raise_alerts(api_connection)
    first_scan = await superuser_connection.fetchval("SELECT since FROM access_log_scans")
    assert held - start < first_scan - start
    assert first_scan > held


async def test_search_continues_after_a_restore_that_restarted_the_transaction_ids(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    del scenario
    # Catches: the reset of the transaction ids removed.
    await superuser_connection.execute(
        "UPDATE access_log_scans SET scanned_xid = '99999999999', unassigned_xid = '99999999999'"
    )
    await write_reads(api_connection, "worker_north", new_child_ids(3))
    assert await raise_alerts(api_connection) == 1


async def test_search_covers_entries_that_were_restored_before_they_were_searched(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: only the range of the new cluster searched. The restored entries have larger transaction ids.
    del scenario
    await write_reads(api_connection, "worker_north", new_child_ids(3))
    async with superuser_connection.transaction():
        await superuser_connection.execute("SET LOCAL session_replication_role = replica")
        await superuser_connection.execute("UPDATE access_entries SET xid = '88888888888'")
        await superuser_connection.execute(
            "UPDATE access_log_scans SET scanned_xid = '77777777777', unassigned_xid = '99999999999'"
        )
    assert await raise_alerts(api_connection) == 1
    assert await raise_alerts(api_connection) == 0


async def test_search_runs_as_a_job(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    await write_reads(api_connection, "worker_north", new_child_ids(51))
    runner = JobRunner(scenario.database, JOB_KINDS)
    await runner.schedule_periodic_jobs()
    while await runner.run_next_job():
        pass
    assert [row["count"] for row in await superuser_connection.fetch(ALERTS_QUERY)] == [51]
    errors = await superuser_connection.fetchval("SELECT count(*) FROM jobs WHERE last_error IS NOT NULL")
    assert errors == 0


async def test_threshold_of_zero_is_rejected(scenario: Scenario, owner_connection: Any) -> None:
    del scenario
    with pytest.raises(asyncpg.CheckViolationError):
        await set_thresholds(owner_connection, children=0)


async def test_set_up_stores_the_thresholds_of_the_settings(
    scenario: Scenario, api_connection: Any, owner_connection: Any
) -> None:
    # Catches: `store_alert_thresholds` without a call in the set-up.
    settings = Settings(owner_database_url=scenario.urls.owner, alert_children_per_day=2)
    await asyncio.to_thread(migrate_installation, settings, lambda _: None)
    await write_reads(api_connection, "worker_north", new_child_ids(2))
    assert await raise_alerts(api_connection) == 1
    thresholds = await owner_connection.fetchrow("SELECT * FROM alert_thresholds")
    assert tuple(thresholds) == ("log", 2, 200, 10)


async def test_no_argument_of_the_search_weakens_the_thresholds(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: `access.raise_alerts()` with the thresholds as arguments.
    del scenario
    arguments = await api_connection.fetch(
        "SELECT pronargs FROM pg_proc WHERE proname = 'raise_alerts' AND pronamespace = 'access'::regnamespace"
    )
    assert [row["pronargs"] for row in arguments] == [0]
