"""Merges of children concurrent with other acts on them. Every act locks cases and children in one order."""

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.services.cases.open import CASE_OPENING_LOCK_SQL
from tests.support.case_lifecycle import create_approved_exit_plan, create_exiting_case
from tests.support.child_merges import REASON, child_path, close_case, merge, open_two_cases, send_merge
from tests.support.locks import run_while_case_locked, wait_for_lock_waiters
from tests.support.payloads import PERSON_PAYLOAD
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of

ROUNDS = 30


async def run_while_opening_locked(
    superuser: Any, child_id: str, *requests: Awaitable[httpx.Response]
) -> list[httpx.Response]:
    """Start requests one after another while the opening of cases for a child is locked. Then release the lock."""
    async with superuser.transaction():
        await superuser.execute(CASE_OPENING_LOCK_SQL, child_id)
        tasks = []
        for request in requests:
            tasks.append(asyncio.ensure_future(request))
            await wait_for_lock_waiters(superuser, len(tasks))
    return list(await asyncio.gather(*tasks))


async def prepare_acceptance(scenario: Scenario, child_id: str) -> Awaitable[httpx.Response]:
    """Return a request that accepts a new referral for a child."""
    supervisor = scenario.supervisor_north
    path = f"/v1/referrals/{(await scenario.create_referral())['id']}"
    expect_json(await supervisor.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    expect_json(await supervisor.open_matches(path))
    etag = (await supervisor.get(path)).headers["etag"]
    return supervisor.post(f"{path}/accept", acceptance_payload(child_id=child_id), etag=etag)


def prepare_merge(client: AuthenticatedClient, child_id: str, merged_id: str) -> Awaitable[httpx.Response]:
    """Return a request that merges two new children."""
    payload = {"merged_child_id": merged_id, "merged_child_version": 1, "reason": REASON}
    return client.post(f"{child_path(child_id)}/merge", payload, etag='"1"')


async def test_only_one_of_two_concurrent_opposite_merges_succeeds(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_lock_children` locks in the order of the request. Some rounds then end with a deadlock.
    case, other = await open_two_cases(scenario, superuser_connection)
    a, b = case["child_id"], other["child_id"]
    for _ in range(ROUNDS):
        responses = await asyncio.gather(
            send_merge(scenario.supervisor_north, a, b), send_merge(scenario.supervisor_both, b, a)
        )
        statuses = [response.status_code for response in responses]
        assert sorted(statuses) in ([200, 409], [200, 412]), [response.text for response in responses]
        kept, merged = (a, b) if statuses[0] == 200 else (b, a)
        await merge(scenario, kept, merged, "unmerge")


async def test_acceptance_waits_for_a_merge_of_the_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_check_child_known` without `is_merged_child`. The merged child then gets a case.
    case, other = await open_two_cases(scenario, superuser_connection)
    merged_id = other["child_id"]
    merged, accepted = await run_while_opening_locked(
        superuser_connection,
        merged_id,
        prepare_merge(scenario.supervisor_north, case["child_id"], merged_id),
        await prepare_acceptance(scenario, merged_id),
    )
    expect_json(merged)
    assert parse_unmet_pointers(accepted) == {"child_merged": "/child_id"}
    count_sql = "SELECT count(*) FROM cases WHERE child_id = $1"
    assert await superuser_connection.fetchval(count_sql, UUID(merged_id)) == 0


async def test_merge_waits_for_an_acceptance_for_the_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_lock_children` without `lock_case_opening`. The merge then fails on the index of open cases.
    case, other = await open_two_cases(scenario, superuser_connection)
    merged_id = other["child_id"]
    accepted, merged = await run_while_opening_locked(
        superuser_connection,
        merged_id,
        await prepare_acceptance(scenario, merged_id),
        prepare_merge(scenario.supervisor_north, case["child_id"], merged_id),
    )
    assert expect_json(accepted)["child_id"] == merged_id
    assert parse_unmet_pointers(merged) == {"two_open_cases": None}


async def test_acceptance_that_waits_for_an_unmerge_opens_a_case_for_the_kept_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    other, case = await open_two_cases(scenario, superuser_connection)
    child_id, merged_id = case["child_id"], other["child_id"]
    await merge(scenario, child_id, merged_id)
    payload = {"merged_child_id": merged_id, "merged_child_version": 2, "reason": REASON}
    unmerged, accepted = await run_while_opening_locked(
        superuser_connection,
        child_id,
        scenario.supervisor_north.post(f"{child_path(child_id)}/unmerge", payload, etag='"2"'),
        await prepare_acceptance(scenario, child_id),
    )
    assert expect_json(unmerged)["case_ids"] == [case["id"]]
    assert expect_json(accepted)["case_id"] not in {case["id"], other["id"]}
    kept = expect_json(await scenario.supervisor_north.get(child_path(child_id)))
    assert kept["case_ids"] == [accepted.json()["case_id"], case["id"]]


async def test_link_and_merge_of_the_same_children_exclude_each_other(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    await close_case(superuser_connection, other)
    supervisor, child_id = scenario.supervisor_both, case["child_id"]
    link = {"linked_case_id": other["id"], "reason": "In one matter."}
    merged, linked = await run_while_opening_locked(
        superuser_connection,
        child_id,
        prepare_merge(supervisor, child_id, other["child_id"]),
        supervisor.post(f"/v1/cases/{case['id']}/links", link),
    )
    expect_json(merged)
    assert parse_faults(linked) == {("/linked_case_id", "same_child")}
    expect_json(await send_merge(supervisor, child_id, other["child_id"], "unmerge"))
    linked, merged = await run_while_opening_locked(
        superuser_connection,
        child_id,
        supervisor.post(f"/v1/cases/{case['id']}/links", link),
        send_merge(supervisor, child_id, other["child_id"]),
    )
    expect_json(linked, 201)
    assert parse_unmet_pointers(merged) == {"children_linked": None}


async def test_case_is_closed_before_or_after_a_merge(scenario: Scenario, superuser_connection: Any) -> None:
    exiting, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, exiting["id"])
    case = await scenario.open_case()
    await close_case(superuser_connection, case)
    worker, path = scenario.worker_north, f"/v1/cases/{exiting['id']}"
    closure = {"reason_code": "goals_met", "outcome": "Safe at home."}
    etag = (await worker.get(path)).headers["etag"]
    statuses = await run_while_case_locked(
        superuser_connection,
        exiting["id"],
        prepare_merge(scenario.supervisor_north, case["child_id"], exiting["child_id"]),
        worker.post(f"{path}/close", closure, etag=etag),
    )
    assert statuses == [200, 412]
    assert expect_json(await worker.get(path))["child_id"] == case["child_id"]


async def test_merge_and_concurrent_changes_of_records_never_deadlock(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_lock_children` locks the children before their cases.
    case, other = await open_two_cases(scenario, superuser_connection)
    child_id, merged_id, worker = case["child_id"], other["child_id"], scenario.worker_north
    people = f"/v1/cases/{other['id']}/people"
    for _ in range(ROUNDS):
        person = expect_json(await worker.post(people, PERSON_PAYLOAD), 201)
        child_etag = (await worker.get(child_path(merged_id))).headers["etag"]
        in_error = f"/v1/people/{person['id']}/enter-in-error"
        merged, added, marked, patched = await asyncio.gather(
            send_merge(scenario.supervisor_north, child_id, merged_id),
            worker.post(people, PERSON_PAYLOAD),
            worker.post(in_error, {"reason": "Another person."}, etag='"1"'),
            worker.patch(child_path(merged_id), {"nickname": "Seth"}, etag=child_etag),
        )
        assert merged.status_code in {200, 412}, merged.text
        expect_json(added, 201)
        expect_json(marked)
        assert patched.status_code in {200, 409, 412}, patched.text
        if merged.status_code == 200:
            await merge(scenario, child_id, merged_id, "unmerge")
        restored = expect_json(await worker.get(f"/v1/people/{added.json()['id']}"))
        assert restored["child_id"] == merged_id


@pytest.mark.parametrize("number", [0, 1])
async def test_merge_waits_for_the_consent_register_of_each_child(
    scenario: Scenario, superuser_connection: Any, number: int
) -> None:
    case, other = await open_two_cases(scenario, superuser_connection)
    child_ids = [case["child_id"], other["child_id"]]
    async with superuser_connection.transaction():
        await superuser_connection.execute("SELECT access.lock_consent_register($1)", child_ids[number])
        request = asyncio.ensure_future(prepare_merge(scenario.supervisor_north, *child_ids))
        await wait_for_lock_waiters(superuser_connection, 1)
    expect_json(await request)
