"""Nobody overwrites what they have not seen: If-Match, and what happens when several act at once."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.support.locks import wait_for_lock_waiters
from tests.support.scenario import Scenario, acceptance_payload, id_of


async def test_a_change_names_the_version_that_was_seen(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    child, told = f"/v1/children/{case['child_id']}", await scenario.create_referral()
    person = (await scenario.manager.get(f"/v1/cases/{case['id']}/people")).json()["items"][0]["id"]
    consent = (await scenario.manager.get(f"/v1/cases/{case['id']}/consents")).json()["items"][0]["id"]
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", f"/v1/cases/{case['id']}", {"summary": "x"}),
        ("PATCH", child, {"nickname": "x"}),
        ("PATCH", f"/v1/people/{person}", {"note": "x"}),
        ("PATCH", f"/v1/referrals/{told['id']}", {"urgency": "routine"}),
        ("POST", f"/v1/referrals/{told['id']}/acknowledge", {"team_id": str(id_of("north"))}),
        ("POST", f"/v1/cases/{case['id']}/assign", {"lead_worker_id": str(id_of("worker_north"))}),
        ("POST", f"/v1/consents/{consent}/withdraw", {"reason": "She said no."}),
    ]
    for number, (method, path, body) in enumerate(changes):
        for sent in (None, "*", " * "):
            headers = {"if-match": sent} if sent else None
            answer = await scenario.manager.request(method, path, json=body, headers=headers)
            assert answer.status_code == 428, (path, sent)
        for sent in _never_given() if number == 0 else ('"2"', 'W/"1"', '"x"'):
            answer = await scenario.manager.request(method, path, json=body, headers={"if-match": sent})
            assert answer.status_code == 412, (path, sent)
    for table in ("cases", "children", "people", "consents"):
        version = f"SELECT sum(version) FROM {table}"  # noqa: S608 - named above
        assert await superuser_connection.fetchval(version) == 1, "nothing was changed"
    for method, path, body in changes:
        record = path if method == "PATCH" else path.rpartition("/")[0]
        seen = (await scenario.manager.get(record)).headers["etag"]
        answer = await scenario.manager.request(method, path, json=body, etag=seen)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["etag"] == f'"{int(seen.strip(chr(34))) + 1}"'
        stale = await scenario.manager.request(method, path, json=body, etag=seen)
        assert stale.status_code == 412, path


def _never_given() -> list[Any]:
    weird = (
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
    return [*weird, '"²"'.encode("latin-1"), '"١"'.encode()]


async def _at_once(*calls: Any) -> list[httpx.Response]:
    return list(await asyncio.gather(*calls))


async def test_of_several_changes_of_one_version_exactly_one_wins(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path, seen = f"/v1/cases/{case['id']}", f'"{case["version"]}"'
    answers = await _at_once(
        *(scenario.manager.patch(path, {"summary": f"Said {n}"}, etag=seen) for n in range(6))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 5}
    (won,) = [answer for answer in answers if answer.status_code == 200]
    now = await scenario.manager.get(path)
    assert (now.json()["summary"], now.json()["version"]) == (won.json()["summary"], case["version"] + 1)


async def test_a_referral_accepted_twice_at_once_is_one_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    path = await _acknowledged(scenario)
    answers = await _at_once(
        *(
            scenario.client_for(name).post(f"{path}/accept", acceptance_payload(), etag='"2"')
            for name in ("manager", "supervisor_north") * 3
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 5}
    for table in ("cases", "children", "consents", "people"):
        assert await superuser_connection.fetchval(f"SELECT count(*) FROM {table}") == 1, table  # noqa: S608 - named above


async def _acknowledged(scenario: Scenario, **changes: Any) -> str:
    told = await scenario.create_referral(**changes)
    path = f"/v1/referrals/{told['id']}"
    assert (await scenario.supervisor_north.act(path, "acknowledge")).status_code == 200
    return path


async def test_cases_opened_at_once_are_numbered_without_gaps_or_doubles(
    scenario: Scenario, superuser_connection: Any
) -> None:
    """Also where some of them fail after they drew a number."""
    paths = [await _acknowledged(scenario) for _ in range(10)]
    await superuser_connection.execute("ALTER TABLE consents ADD CONSTRAINT none CHECK (method <> 'written')")
    failing = [await _acknowledged(scenario, consent=_in_writing()) for _ in range(4)]
    calls = [
        scenario.supervisor_north.post(f"{path}/accept", acceptance_payload(), etag='"2"') for path in paths
    ]
    calls[5:5] = [
        scenario.manager.post(f"{path}/accept", acceptance_payload(), etag='"2"') for path in failing
    ]
    answers = await _at_once(*calls)
    assert Counter(answer.status_code for answer in answers) == {200: 10, 500: 4}
    numbers = [row[0] for row in await superuser_connection.fetch("SELECT number FROM cases ORDER BY number")]
    year = numbers[0].split("-")[1]
    assert numbers == [f"FSC-{year}-{n:04}" for n in range(1, 11)]


def _in_writing() -> dict[str, Any]:
    return {"given_by": ["child"], "method": "written", "on": "2026-11-10", "scope": ["services"]}


async def test_a_known_child_gets_one_open_case_even_when_two_are_accepted_at_once(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await superuser_connection.execute("UPDATE cases SET status = 'closed'")
    paths = [await _acknowledged(scenario) for _ in range(3)]
    known = acceptance_payload(child_id=case["child_id"])
    async with superuser_connection.transaction():  # all of them get as far as they can, then go on at once
        await superuser_connection.execute("SELECT 1 FROM case_number_series FOR UPDATE")
        calls = [scenario.manager.post(f"{path}/accept", known, etag='"2"') for path in paths]
        accepting = [asyncio.create_task(call) for call in calls]
        await wait_for_lock_waiters(superuser_connection, len(accepting))
    answers = await asyncio.gather(*accepting)
    # Planted: no `take_turn` in accepting: two were told that a key is taken.
    assert {answer.status_code for answer in answers} == {200}, "one opens the case, the others join it"
    opened = await superuser_connection.fetch("SELECT id FROM cases WHERE status <> 'closed'")
    assert [{answer.json()["case_id"] for answer in answers}] == [{str(row["id"])} for row in opened]


@pytest.mark.parametrize("name", ["supervisor_north", "worker_north"])
async def test_who_only_belongs_to_a_team_may_accept_what_they_then_lead(
    scenario: Scenario, superuser_connection: Any, name: str
) -> None:
    """A supervisor of one team who is a plain member of another leads nobody there."""
    member = "INSERT INTO team_members (team_id, user_id, is_supervisor) VALUES ($1, $2, false)"
    await superuser_connection.execute(member, id_of("south"), id_of(name))
    path = await _acknowledged(scenario)
    await superuser_connection.execute(
        "UPDATE referrals SET team_id = $1, handed_to_id = $2", id_of("south"), id_of(name)
    )
    for lead, expected in (("worker_south", 409), (name, 200)):
        body = {**acceptance_payload(), "team_id": str(id_of("south")), "lead_worker_id": str(id_of(lead))}
        answer = await scenario.client_for(name).act(path, "accept", body)
        assert answer.status_code == expected, (lead, answer.text)
