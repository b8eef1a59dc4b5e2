"""Conditions of a merge of two children, and of its reversal."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.support.child_merges import REASON, child_path, close_case, merge, open_two_cases, send_merge
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers, patch_latest
from tests.support.scenario import Scenario, acceptance_payload, id_of


async def test_merge_is_refused_while_both_children_have_an_open_case(scenario: Scenario) -> None:
    case, other = await scenario.open_case(), await scenario.open_case()
    refused = await send_merge(scenario.supervisor_north, case["child_id"], other["child_id"])
    assert parse_unmet_pointers(refused) == {"two_open_cases": None}


async def test_linked_children_cannot_be_merged(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `children_linked` removed from `access.list_merge_obstacles`.
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    link = {"linked_case_id": other["id"], "reason": "In one matter."}
    supervisor = scenario.supervisor_both
    expect_json(await supervisor.post(f"/v1/cases/{case['id']}/links", link), 201)
    await close_case(superuser_connection, other)
    refused = await send_merge(supervisor, case["child_id"], other["child_id"])
    assert parse_unmet_pointers(refused) == {"children_linked": None}
    assert (
        await send_merge(scenario.supervisor_north, case["child_id"], other["child_id"])
    ).status_code == 404


async def test_merge_never_lets_one_worker_work_on_both_sides_of_a_conflict_wall(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `wall` removed from `access.list_merge_obstacles`.
    case, other = await open_two_cases(scenario, superuser_connection)
    third = await scenario.open_case("worker_south")
    link = {"linked_case_id": third["id"], "reason": "In one matter."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{case['id']}/links", link), 201)
    await superuser_connection.execute(
        "UPDATE cases SET lead_worker_id = $2 WHERE id = $1", UUID(other["id"]), id_of("worker_south")
    )
    refused = await send_merge(scenario.supervisor_both, case["child_id"], other["child_id"])
    assert parse_unmet_pointers(refused) == {"wall": None}


async def test_only_a_supervisor_of_both_children_or_a_manager_merges(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `not_your_team` removed from `access.list_merge_obstacles`.
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    await close_case(superuser_connection, other)
    child_id, merged_id = case["child_id"], other["child_id"]
    assert (await send_merge(scenario.worker_north, child_id, merged_id)).status_code == 403
    assert (await send_merge(scenario.supervisor_north, child_id, merged_id)).status_code == 404
    grant = await scenario.supervisor_north.post(f"/v1/cases/{other['id']}/break-glass", BREAK_GLASS_PAYLOAD)
    expect_json(grant)
    refused = await send_merge(scenario.supervisor_north, child_id, merged_id)
    assert parse_unmet_pointers(refused) == {"not_your_team": None}
    expect_json(await send_merge(scenario.supervisor_both, child_id, merged_id))
    refused = await send_merge(scenario.supervisor_north, child_id, merged_id, "unmerge")
    assert parse_unmet_pointers(refused) == {"not_your_team": None}
    expect_json(await send_merge(scenario.manager, child_id, merged_id, "unmerge"))


async def test_merge_compares_the_versions_of_both_children(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_lock_children` compares only one of the versions.
    case, other = await open_two_cases(scenario, superuser_connection)
    supervisor, path = scenario.supervisor_north, f"{child_path(case['child_id'])}/merge"
    payload = {"merged_child_id": other["child_id"], "merged_child_version": 1, "reason": REASON}
    assert (await supervisor.post(path, payload)).status_code == 428
    assert (await supervisor.post(path, payload, etag='"2"')).status_code == 412
    stale = {**payload, "merged_child_version": 2}
    assert (await supervisor.post(path, stale, etag='"1"')).status_code == 412
    itself = {**payload, "merged_child_id": case["child_id"]}
    assert parse_faults(await supervisor.post(path, itself, etag='"1"')) == {
        ("/merged_child_id", "same_child")
    }
    first = expect_json(await supervisor.post(path, payload, etag='"1"', key="merge"))
    assert expect_json(await supervisor.post(path, payload, etag='"1"', key="merge")) == first
    assert (await supervisor.post(path, payload, etag='"1"')).status_code == 412
    assert first["version"] == 2


async def test_merged_child_is_frozen_and_gets_no_case(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `_check_not_merged` and `_check_child_known` return no fault.
    case, other = await open_two_cases(scenario, superuser_connection)
    third, merged_id = await scenario.open_case(), other["child_id"]
    await close_case(superuser_connection, third)
    await merge(scenario, case["child_id"], merged_id)
    supervisor = scenario.supervisor_north
    patched = await patch_latest(supervisor, child_path(merged_id), {"nickname": "Seth"})
    assert parse_unmet_pointers(patched) == {"child_merged": None}
    referral = f"/v1/referrals/{(await scenario.create_referral())['id']}"
    expect_json(await supervisor.act(referral, "acknowledge", {"team_id": str(id_of("north"))}))
    accepted = await supervisor.act(referral, "accept", acceptance_payload(child_id=merged_id))
    assert parse_unmet_pointers(accepted) == {"child_merged": "/child_id"}
    for kept_id, named_id in ((third["child_id"], merged_id), (merged_id, third["child_id"])):
        refused = await send_merge(scenario.manager, kept_id, named_id)
        assert set(parse_unmet_pointers(refused)) & {"child_merged", "not_your_team"}


async def test_unmerge_is_refused_after_90_days(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `unmerge_too_late` removed from `access.list_unmerge_obstacles`.
    case, other = await open_two_cases(scenario, superuser_connection)
    refused = await send_merge(scenario.supervisor_north, case["child_id"], other["child_id"], "unmerge")
    assert parse_unmet_pointers(refused) in ({"not_merged": None}, {"not_your_team": None})
    await merge(scenario, case["child_id"], other["child_id"])
    await superuser_connection.execute("UPDATE child_merges SET merged_at = now() - interval '91 days'")
    refused = await send_merge(scenario.supervisor_north, case["child_id"], other["child_id"], "unmerge")
    assert parse_unmet_pointers(refused) == {"unmerge_too_late": None}


@pytest.mark.parametrize("verb", ["merge", "unmerge"])
async def test_rejected_merge_is_logged_for_both_children(
    scenario: Scenario, superuser_connection: Any, verb: str
) -> None:
    case, other = await open_two_cases(scenario, superuser_connection)
    payload = {"merged_child_id": other["child_id"], "merged_child_version": 9, "reason": REASON}
    path = f"{child_path(case['child_id'])}/{verb}"
    for client, status in (
        (scenario.worker_north, 403),
        (scenario.supervisor_south, 404),
        (scenario.manager, 412),
    ):
        response = await client.post(path, payload, etag='"1"')
        assert response.status_code == status
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries} == {case["child_id"], other["child_id"]}


@pytest.mark.parametrize("act", ["case.read", "child.unmerge"])
async def test_database_merges_children_only_within_the_act(
    scenario: Scenario, superuser_connection: Any, api_connection: Any, act: str
) -> None:
    # Catches: the condition on the act removed from `access.list_merge_obstacles`; the API role with the privilege to update
    # `cases.child_id`.
    case, other = await open_two_cases(scenario, superuser_connection)
    child_id, merged_id = UUID(case["child_id"]), UUID(other["child_id"])
    async with open_transaction_as(api_connection, "supervisor_north", act=act):
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await api_connection.fetchval("SELECT access.merge_children($1, $2)", child_id, merged_id)
    for statement in (
        "UPDATE cases SET child_id = $1 WHERE child_id = $2",
        "UPDATE children SET merged_into_id = $1 WHERE id = $2",
    ):
        async with open_transaction_as(api_connection, "supervisor_north", act="child.merge"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await api_connection.execute(statement, child_id, merged_id)
