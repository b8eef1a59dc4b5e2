"""Break-glass alerts, the list of alerts, and acknowledgements."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.support.access_log import new_child_ids, raise_alerts, set_thresholds, write_reads
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, id_of

FORGED_ALERT_SQL = """
    INSERT INTO alerts (id, created_at, version, kind, key, actor_id, act, count, occurred_at)
    VALUES (gen_random_uuid(), now(), 1, 'break_glass', 'x', gen_random_uuid(), 'alert.acknowledge', 1, now())
"""


@pytest.fixture(autouse=True)
async def low_thresholds(owner_connection: Any) -> None:
    await set_thresholds(owner_connection)


async def list_alerts(client: AuthenticatedClient, **parameters: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect_json(await client.get("/v1/alerts", params=parameters))["items"]
    return items


async def use_break_glass(scenario: Scenario) -> dict[str, Any]:
    """Open a case of the team south as a worker of the team north, and return the case."""
    case = await scenario.open_case("worker_south")
    path = f"/v1/cases/{case['id']}/break-glass"
    expect_json(await scenario.worker_north.post(path, BREAK_GLASS_PAYLOAD))
    return case


async def test_break_glass_alerts_the_officer_and_the_supervisors_of_both_teams(scenario: Scenario) -> None:
    case = await use_break_glass(scenario)
    recipients: dict[str, list[str]] = {
        "dpo": [""],
        "supervisor_south": ["south"],
        "supervisor_north": ["north"],
        "supervisor_both": ["north", "south"],
    }
    for name, teams in recipients.items():
        alerts = await list_alerts(scenario.client_for(name))
        assert sorted(alert["team"]["name"] if alert["team"] else "" for alert in alerts) == teams
        for alert in alerts:
            assert (alert["kind"], alert["act"], alert["count"]) == ("break_glass", "case.break_glass", 1)
            assert alert["actor"] == {"id": str(id_of("worker_north")), "name": "Worker North"}
            assert (alert["child_id"], alert["case_id"]) == (case["child_id"], case["id"])
            # Only those who can see the case get its number.
            can_see_case = name in {"supervisor_south", "supervisor_both"}
            assert (alert["case"] is not None) == can_see_case, name


async def test_rejected_break_glass_raises_no_alert(scenario: Scenario) -> None:
    path = f"/v1/cases/{UUID(int=7)}/break-glass"
    assert (await scenario.worker_north.post(path, BREAK_GLASS_PAYLOAD)).status_code == 404
    assert await list_alerts(scenario.dpo) == []


async def test_repeated_request_raises_the_alerts_once(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_south")
    path = f"/v1/cases/{case['id']}/break-glass"
    for _ in range(2):
        expect_json(await scenario.worker_north.post(path, BREAK_GLASS_PAYLOAD, key="emergency-1"))
    assert len(await list_alerts(scenario.dpo)) == 1


async def test_reading_an_alert_is_logged_for_its_child(scenario: Scenario) -> None:
    case = await use_break_glass(scenario)
    listed = await scenario.dpo.get("/v1/alerts")
    (alert,) = listed.json()["items"]
    single = await scenario.dpo.get(f"/v1/alerts/{alert['id']}")
    acknowledged = await scenario.dpo.post(
        f"/v1/alerts/{alert['id']}/acknowledge", {}, etag=single.headers["etag"]
    )
    for response in (listed, single, acknowledged):
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert [(entry["child_id"], entry["case_id"]) for entry in entries] == [
            (case["child_id"], case["id"])
        ]
        assert entries[0]["record"] == {"kind": "alert", "id": alert["id"]}


async def test_alert_without_a_child_is_not_logged_for_a_child(
    scenario: Scenario, api_connection: Any
) -> None:
    await write_reads(api_connection, "worker_north", new_child_ids(3))
    await raise_alerts(api_connection)
    listed = await scenario.dpo.get("/v1/alerts")
    assert len(listed.json()["items"]) == 1
    (entry,) = await scenario.list_access_entries(listed.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]) == (None, None)


async def test_alerts_of_the_log_are_visible_to_the_officer_only(
    scenario: Scenario, api_connection: Any
) -> None:
    await write_reads(api_connection, "worker_north", new_child_ids(3))
    await raise_alerts(api_connection)
    assert len(await list_alerts(scenario.dpo)) == 1
    for name in ("supervisor_north", "supervisor_both"):
        assert await list_alerts(scenario.client_for(name)) == []
    for name in ("manager", "admin", "worker_north", "partner_one"):
        assert (await scenario.client_for(name).get("/v1/alerts")).status_code == 403


async def test_conflict_wall_hides_the_alerts_of_its_cases(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the condition on conflict_wall_case_ids removed from visible_to_recipients.
    own = await scenario.open_case("worker_north")
    case = await use_break_glass(scenario)
    assert len(await list_alerts(scenario.supervisor_south)) == 1
    await superuser_connection.execute(
        "INSERT INTO case_workers (case_id, child_id, user_id, since) VALUES ($1, $2, $3, now())",
        UUID(own["id"]), UUID(own["child_id"]), id_of("supervisor_south"),
    )  # fmt: skip
    link = {"linked_case_id": case["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{own['id']}/links", link), 201)
    assert await list_alerts(scenario.supervisor_south) == []
    assert len(await list_alerts(scenario.supervisor_both)) == 2


async def test_list_filters_by_kind_acknowledgement_and_time(scenario: Scenario, api_connection: Any) -> None:
    await use_break_glass(scenario)
    await write_reads(api_connection, "worker_north_2", new_child_ids(3))
    await raise_alerts(api_connection)
    dpo = scenario.dpo
    assert {alert["kind"] for alert in await list_alerts(dpo)} == {"break_glass", "reading_outside_caseload"}
    (alert,) = await list_alerts(dpo, kind="break_glass")
    expect_json(await dpo.act(f"/v1/alerts/{alert['id']}", "acknowledge", {}))
    assert [item["id"] for item in await list_alerts(dpo, acknowledged="true")] == [alert["id"]]
    assert [item["kind"] for item in await list_alerts(dpo, acknowledged="false")] == [
        "reading_outside_caseload"
    ]
    assert len(await list_alerts(dpo, **{"from": alert["created_at"]})) == 2
    assert await list_alerts(dpo, to="2026-01-01T00:00:00Z") == []
    counted = expect_json(await dpo.get("/v1/alerts", params={"count": "true", "limit": 1}))
    assert (counted["total"], len(counted["items"])) == (2, 1)
    assert counted["next_cursor"] is not None


async def test_acknowledgement_is_recorded_once_with_its_note(scenario: Scenario) -> None:
    await use_break_glass(scenario)
    (alert,) = await list_alerts(scenario.supervisor_south)
    path = f"/v1/alerts/{alert['id']}"
    assert (await scenario.supervisor_south.post(f"{path}/acknowledge", {})).status_code == 428
    note = {"note": "The lead worker was ill."}
    acknowledged = expect_json(await scenario.supervisor_south.act(path, "acknowledge", note))
    assert acknowledged["note"] == note["note"]
    assert acknowledged["acknowledged_by"]["name"] == "Supervisor South"
    assert acknowledged["acknowledged_at"] is not None
    again = await scenario.supervisor_both.act(path, "acknowledge", {})
    assert parse_unmet_pointers(again) == {"already_acknowledged": "/acknowledged_at"}
    # The officer has an alert of their own.
    (other,) = await list_alerts(scenario.dpo)
    assert other["acknowledged_at"] is None
    assert (await scenario.dpo.get(path)).status_code == 404


async def test_two_acknowledgements_at_the_same_time_have_one_effect(scenario: Scenario) -> None:
    await use_break_glass(scenario)
    (alert,) = await list_alerts(scenario.supervisor_south)
    path = f"/v1/alerts/{alert['id']}/acknowledge"
    responses = await asyncio.gather(
        *(client.post(path, {"note": client.name}, etag='"1"')
          for client in (scenario.supervisor_south, scenario.supervisor_both))
    )  # fmt: skip
    assert sorted(response.status_code for response in responses) == [200, 412]
    winner = next(response.json() for response in responses if response.status_code == 200)
    assert expect_json(await scenario.supervisor_south.get(f"/v1/alerts/{alert['id']}")) == winner


async def test_alert_about_the_own_act_cannot_be_acknowledged(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await use_break_glass(scenario)
    await superuser_connection.execute("UPDATE alerts SET actor_id = $1", id_of("dpo"))
    (alert,) = await list_alerts(scenario.dpo)
    refused = await scenario.dpo.act(f"/v1/alerts/{alert['id']}", "acknowledge", {})
    assert parse_unmet_pointers(refused) == {"own_work": "/actor"}


async def test_counts_contain_the_unacknowledged_alerts(scenario: Scenario) -> None:
    await use_break_glass(scenario)
    for name, number in {"dpo": 1, "supervisor_both": 2, "worker_north": 0, "manager": 0}.items():
        counts = expect_json(await scenario.client_for(name).get("/v1/me/counts"))
        assert counts["alerts"] == number, name
    (alert,) = await list_alerts(scenario.dpo)
    expect_json(await scenario.dpo.act(f"/v1/alerts/{alert['id']}", "acknowledge", {}))
    assert expect_json(await scenario.dpo.get("/v1/me/counts"))["alerts"] == 0


@pytest.mark.parametrize(
    "statement",
    [
        FORGED_ALERT_SQL,
        "UPDATE alerts SET actor_id = gen_random_uuid()",
        "UPDATE alerts SET acknowledged_at = now(), acknowledged_by_id = (SELECT id FROM users LIMIT 1 OFFSET 3)",
        "DELETE FROM alerts",
        "TRUNCATE alerts",
        "UPDATE access_log_scans SET scanned_xid = '99999999999'",
        "SELECT * FROM access_log_scans",
        "UPDATE alert_thresholds SET children_per_day = 1000000",
        "SELECT * FROM alert_thresholds",
        "SELECT access.raise_reading_alerts(gen_random_uuid(), '0', '1')",
    ],
)
async def test_api_role_cannot_forge_or_remove_alerts(
    scenario: Scenario, api_connection: Any, statement: str
) -> None:
    await use_break_glass(scenario)
    async with open_transaction_as(api_connection, "dpo", "alert.acknowledge"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api_connection.execute(statement)


async def test_own_alert_with_the_key_of_another_kind_is_rejected(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the constraint ck_alerts_key removed.
    del scenario
    insert = """
        INSERT INTO alerts (id, created_at, version, kind, key, team_id, actor_id, act, count, occurred_at)
        VALUES (gen_random_uuid(), now(), 1, 'break_glass', $1, $2, $3, 'case.read', 1, now())
    """
    arguments = (id_of("north"), id_of("worker_south"))
    async with open_transaction_as(api_connection, "worker_south"):
        await api_connection.execute(insert, "break_glass:x", *arguments)
        with pytest.raises(asyncpg.CheckViolationError, match="ck_alerts_key"):
            await api_connection.execute(insert, "reading_outside_caseload:x", *arguments)


async def test_acknowledged_alert_cannot_be_changed_by_sql(scenario: Scenario, api_connection: Any) -> None:
    # Catches: the trigger prevent_second_acknowledgement removed.
    await use_break_glass(scenario)
    (alert,) = await list_alerts(scenario.dpo)
    expect_json(await scenario.dpo.act(f"/v1/alerts/{alert['id']}", "acknowledge", {}))
    async with open_transaction_as(api_connection, "dpo", "alert.acknowledge"):
        with pytest.raises(asyncpg.CheckViolationError):
            await api_connection.execute("UPDATE alerts SET acknowledged_at = now()")


async def test_update_without_condition_changes_only_received_alerts(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: USING (true) in recipients_can_acknowledge. Without WHERE, PostgreSQL does not apply the policy for SELECT.
    await use_break_glass(scenario)
    acknowledgement = "UPDATE alerts SET acknowledged_at = now(), acknowledged_by_id = $1"
    for name, number in {"worker_north": 0, "supervisor_both": 2, "dpo": 1}.items():
        async with open_transaction_as(api_connection, name, "alert.acknowledge"):
            assert await api_connection.execute(acknowledgement, id_of(name)) == f"UPDATE {number}"
