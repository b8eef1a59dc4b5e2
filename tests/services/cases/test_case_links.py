"""Links between cases and break-glass grants: lists, filters, names and log entries."""

import asyncio
from typing import Any

from tests.support.list_pages import fetch_ids, fetch_items
from tests.support.locks import wait_for_lock_waiters
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.referrals import find_hidden_match
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload
from tests.support.sql_statements import record_statements

GRANTS = "/v1/audit/break-glass"


async def link_cases(scenario: Scenario, case: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    payload = {"linked_case_id": other["id"], "reason": "They are cousins."}
    return expect_json(await scenario.supervisor_both.post(f"/v1/cases/{case['id']}/links", payload), 201)


async def test_links_of_a_child_are_listed_from_both_cases(scenario: Scenario) -> None:
    # Catches: the condition on `linked_child_id` removed; only one of the two children declared in `shows`.
    case, *others = [
        await scenario.open_case(lead) for lead in ("worker_north", "worker_south", "worker_south")
    ]
    links = [await link_cases(scenario, case, other) for other in others]
    supervisor = scenario.supervisor_both
    by_id = {record["id"]: record for record in (case, *others)}
    for link, other in zip(links, others, strict=True):
        for name in ("case", "linked_case"):
            number = by_id[link[f"{name}_id"]]["number"]
            assert link[name] == {"id": link[f"{name}_id"], "number": number}
        assert link["linked_by"] == {"id": str(supervisor.id), "name": "Supervisor Both"}
        assert await fetch_items(supervisor, f"/v1/cases/{other['id']}/links") == [link]
    path = f"/v1/cases/{case['id']}/links"
    assert await fetch_items(supervisor, path, limit=1) == links[::-1]
    with record_statements(scenario) as statements:
        response = await supervisor.get(f"{path}?limit=1")
    assert len(statements) == 1, statements
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {case["child_id"], others[1]["child_id"]}
    expect_json(await scenario.client_for("supervisor_south").get(path), 404)


async def test_link_waits_for_the_acceptance_of_a_referral_for_one_of_its_children(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `lock_case_opening` removed. The worker then leads the cases of two linked children and sees neither.
    child = dict(referral_payload()["child"])
    known_case = await scenario.open_case("worker_north", child=child)
    await superuser_connection.execute("UPDATE cases SET status = 'closed' WHERE id = $1", known_case["id"])
    other_case = await scenario.open_case("worker_south")
    referral = await scenario.create_referral("supervisor_south", child=child)
    path = f"/v1/referrals/{referral['id']}"
    supervisor = scenario.supervisor_south
    expect_json(await supervisor.act(path, "acknowledge", {"team_id": str(id_of("south"))}))
    acceptance = acceptance_payload("worker_south", child_id=await find_hidden_match(supervisor, path))
    payload = {"linked_case_id": other_case["id"], "reason": "They are brothers."}
    async with superuser_connection.transaction():
        await superuser_connection.execute("SELECT FROM case_number_series FOR UPDATE")
        accept = asyncio.create_task(supervisor.act(path, "accept", acceptance))
        await wait_for_lock_waiters(superuser_connection, 1)
        link = asyncio.create_task(
            scenario.supervisor_both.post(f"/v1/cases/{known_case['id']}/links", payload)
        )
        await wait_for_lock_waiters(superuser_connection, 2)
    expect_json(await accept)
    (unmet,) = expect_json(await link, 409)["unmet"]
    assert unmet["code"] == "shared_worker"


async def test_break_glass_grants_are_filtered_and_named(scenario: Scenario) -> None:
    cases = [await scenario.open_case() for _ in range(2)]
    grants = []
    for caller, case in (
        (scenario.worker_south, cases[0]),
        (scenario.client_for("supervisor_south"), cases[0]),
        (scenario.worker_south, cases[1]),
    ):
        path = f"/v1/cases/{case['id']}/break-glass"
        grants.append(expect_json(await caller.post(path, BREAK_GLASS_PAYLOAD)))
    assert grants[0]["user"] == {"id": str(id_of("worker_south")), "name": "Worker South"}
    assert grants[0]["case"] == {"id": cases[0]["id"], "number": cases[0]["number"]}
    ids = [grant["id"] for grant in grants]
    for params, expected in (
        ({"limit": 1}, ids[::-1]),
        ({"case_id": cases[0]["id"]}, ids[1::-1]),
        ({"user_id": str(id_of("worker_south"))}, [ids[2], ids[0]]),
        ({"user_id": f"{id_of('supervisor_south')},{id_of('worker_north')}"}, [ids[1]]),
        ({"from": grants[1]["opened_at"], "to": grants[2]["opened_at"]}, [ids[1]]),
        ({"from": "2199-12-31T00:00:00Z"}, []),
    ):
        assert await fetch_ids(scenario.dpo, GRANTS, **params) == expected, params
    # A data protection officer sees the grants, but not the cases.
    assert {grant["case"] for grant in await fetch_items(scenario.dpo, GRANTS)} == {None}
    counted = expect_json(await scenario.dpo.get(f"{GRANTS}?limit=1&count=true"))
    assert (counted["total"], len(counted["items"])) == (3, 1)
    assert await fetch_ids(scenario.worker_north, GRANTS) == []
    with record_statements(scenario) as statements:
        response = await scenario.dpo.get(f"{GRANTS}?limit=1")
    assert len(statements) == 1, statements
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert entry["child_id"] == cases[1]["child_id"]
