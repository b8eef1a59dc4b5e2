"""Optimistic locking with If-Match, and concurrent changes of one record."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.support.locks import wait_for_lock_waiters
from tests.support.scenario import Scenario, acceptance_payload, id_of


async def test_each_change_requires_the_current_etag(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    child_path, referral = f"/v1/children/{case['child_id']}", await scenario.create_referral()
    person_id = (await scenario.manager.get(f"/v1/cases/{case['id']}/people")).json()["items"][0]["id"]
    consent_id = (await scenario.manager.get(f"/v1/cases/{case['id']}/consents")).json()["items"][0]["id"]
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", f"/v1/cases/{case['id']}", {"summary": "x"}),
        ("PATCH", child_path, {"nickname": "x"}),
        ("PATCH", f"/v1/people/{person_id}", {"note": "x"}),
        ("PATCH", f"/v1/referrals/{referral['id']}", {"urgency": "routine"}),
        ("POST", f"/v1/referrals/{referral['id']}/acknowledge", {"team_id": str(id_of("north"))}),
        ("POST", f"/v1/cases/{case['id']}/assign", {"lead_worker_id": str(id_of("worker_north"))}),
        ("POST", f"/v1/consents/{consent_id}/withdraw", {"reason": "She said no."}),
    ]
    for number, (method, path, payload) in enumerate(requests):
        for if_match in (None, "*", " * "):
            headers = {"if-match": if_match} if if_match else None
            response = await scenario.manager.request(method, path, json=payload, headers=headers)
            assert response.status_code == 428, (path, if_match)
        for if_match in _list_invalid_etags() if number == 0 else ('"2"', 'W/"1"', '"x"'):
            response = await scenario.manager.request(
                method, path, json=payload, headers={"if-match": if_match}
            )
            assert response.status_code == 412, (path, if_match)
    for table in ("cases", "children", "people", "consents"):
        version_sum_sql = f"SELECT sum(version) FROM {table}"  # noqa: S608 - a fixed list of tables
        assert await superuser_connection.fetchval(version_sum_sql) == 1, "no record was changed"
    for method, path, payload in requests:
        record_path = path if method == "PATCH" else path.rpartition("/")[0]
        etag = (await scenario.manager.get(record_path)).headers["etag"]
        response = await scenario.manager.request(method, path, json=payload, etag=etag)
        assert response.status_code == 200, (path, response.text)
        assert response.headers["etag"] == f'"{int(etag.strip(chr(34))) + 1}"'
        stale_response = await scenario.manager.request(method, path, json=payload, etag=etag)
        assert stale_response.status_code == 412, path


def _list_invalid_etags() -> list[Any]:
    invalid_etags = (
        '"0"',
        '"2"',
        'W/"1"',
        '"01"',
        '"-1"',
        '"+1"',
        "1",
        "'1'",
        '""',
        '"',
        "x",
        '"1", "2"',
        '"9999999999"',
        '" 1"',
        '"1e0"',
        '"1\t"',
    )
    return [*invalid_etags, '"²"'.encode("latin-1"), '"١"'.encode()]


async def _run_concurrently(*calls: Any) -> list[httpx.Response]:
    return list(await asyncio.gather(*calls))


async def test_concurrent_changes_of_one_version_leave_one_success(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path, etag = f"/v1/cases/{case['id']}", f'"{case["version"]}"'
    responses = await _run_concurrently(
        *(scenario.manager.patch(path, {"summary": f"Said {number}"}, etag=etag) for number in range(6))
    )
    assert Counter(response.status_code for response in responses) == {200: 1, 412: 5}
    (successful_response,) = [response for response in responses if response.status_code == 200]
    current = await scenario.manager.get(path)
    assert (current.json()["summary"], current.json()["version"]) == (
        successful_response.json()["summary"],
        case["version"] + 1,
    )


async def test_concurrent_acceptances_open_one_case(scenario: Scenario, superuser_connection: Any) -> None:
    path = await _create_acknowledged_referral(scenario)
    responses = await _run_concurrently(
        *(
            scenario.client_for(name).post(f"{path}/accept", acceptance_payload(), etag='"2"')
            for name in ("manager", "supervisor_north") * 3
        )
    )
    assert Counter(response.status_code for response in responses) == {200: 1, 412: 5}
    for table in ("cases", "children", "consents", "people"):
        assert await superuser_connection.fetchval(f"SELECT count(*) FROM {table}") == 1, table  # noqa: S608 - a fixed list of tables


async def _create_acknowledged_referral(scenario: Scenario, **changes: Any) -> str:
    referral = await scenario.create_referral(**changes)
    path = f"/v1/referrals/{referral['id']}"
    assert (await scenario.supervisor_north.act(path, "acknowledge")).status_code == 200
    for caller in (scenario.supervisor_north, scenario.manager):
        await caller.open_matches(path)
    return path


async def test_concurrently_opened_cases_are_numbered_without_gaps(
    scenario: Scenario, superuser_connection: Any
) -> None:
    """The numbers of requests that fail are used again."""
    paths = [await _create_acknowledged_referral(scenario) for _ in range(10)]
    await superuser_connection.execute("ALTER TABLE consents ADD CONSTRAINT none CHECK (method <> 'written')")
    failing_paths = [
        await _create_acknowledged_referral(scenario, consent=_written_consent_payload()) for _ in range(4)
    ]
    calls = [
        scenario.supervisor_north.post(f"{path}/accept", acceptance_payload(), etag='"2"') for path in paths
    ]
    calls[5:5] = [
        scenario.manager.post(f"{path}/accept", acceptance_payload(), etag='"2"') for path in failing_paths
    ]
    responses = await _run_concurrently(*calls)
    assert Counter(response.status_code for response in responses) == {200: 10, 500: 4}
    numbers = [row[0] for row in await superuser_connection.fetch("SELECT number FROM cases ORDER BY number")]
    year = numbers[0].split("-")[1]
    assert numbers == [f"FSC-{year}-{number:04}" for number in range(1, 11)]


def _written_consent_payload() -> dict[str, Any]:
    return {
        "given_by": ["child", "caregiver"], "method": "written", "on": "2026-11-10", "scope": ["services", "share_with_fsc"],
    }  # fmt: skip


async def test_concurrent_acceptances_for_a_known_child_share_one_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await superuser_connection.execute("UPDATE cases SET status = 'closed'")
    paths = [await _create_acknowledged_referral(scenario) for _ in range(3)]
    acceptance = acceptance_payload(child_id=case["child_id"])
    async with superuser_connection.transaction():  # blocks all requests at the same point
        await superuser_connection.execute("SELECT 1 FROM case_number_series FOR UPDATE")
        calls = [scenario.manager.post(f"{path}/accept", acceptance, etag='"2"') for path in paths]
        tasks = [asyncio.create_task(call) for call in calls]
        await wait_for_lock_waiters(superuser_connection, len(tasks))
    responses = await asyncio.gather(*tasks)
    # Catches: no `lock_case_opening` in accepting. Two requests failed because a unique key was taken.
    assert {response.status_code for response in responses} == {200}, (
        "one request opens the case, the others join it"
    )
    open_cases = await superuser_connection.fetch("SELECT id FROM cases WHERE status <> 'closed'")
    assert [{response.json()["case_id"] for response in responses}] == [
        {str(row["id"])} for row in open_cases
    ]


@pytest.mark.parametrize("name", ["supervisor_north", "worker_north"])
async def test_team_member_can_accept_a_referral_only_as_its_lead_worker(
    scenario: Scenario, superuser_connection: Any, name: str
) -> None:
    """A supervisor of one team has no supervisor rights in another team that they are a member of."""
    insert_member_sql = "INSERT INTO team_members (team_id, user_id, is_supervisor) VALUES ($1, $2, false)"
    await superuser_connection.execute(insert_member_sql, id_of("south"), id_of(name))
    path = await _create_acknowledged_referral(scenario)
    await superuser_connection.execute(
        "UPDATE referrals SET team_id = $1, handed_to_id = $2", id_of("south"), id_of(name)
    )
    for lead_worker, expected_status in (("worker_south", 409), (name, 200)):
        payload = {
            **acceptance_payload(),
            "team_id": str(id_of("south")),
            "lead_worker_id": str(id_of(lead_worker)),
        }
        response = await scenario.client_for(name).act(path, "accept", payload)
        assert response.status_code == expected_status, (lead_worker, response.text)


async def test_lead_who_becomes_a_co_worker_while_waiting_keeps_access(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_get_locked` without refresh_context. The context was computed while the caller led the case.
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": [str(id_of("worker_north"))]}
    etag = f'"{case["version"]}"'
    async with superuser_connection.transaction():
        await superuser_connection.execute("SELECT FROM cases WHERE id = $1 FOR UPDATE", case["id"])
        assign = asyncio.ensure_future(scenario.supervisor_north.post(f"{path}/assign", staff, etag=etag))
        await wait_for_lock_waiters(superuser_connection, 1)
        update = asyncio.ensure_future(scenario.worker_north.patch(path, {"summary": "New."}, etag=etag))
        await wait_for_lock_waiters(superuser_connection, 2)
    assert (await assign).status_code == 200
    assert (await update).status_code == 412, "the worker still sees the case, in a newer version"
