"""Rebuild of the search tokens with another length, even while requests store and search tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from app.config import Settings
from app.server import doctor, search_tokens
from app.services.persons import person_details
from app.services.persons.name_matching import SEARCH_KEY_RULES
from tests.support.key_rotation import register_key_ring
from tests.support.locks import wait_for_lock_waiters
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, referral_payload

CHILD = {
    **referral_payload()["child"],
    "names": [{"script": "latin", "family": "Sok", "given": "Vichet"}],
}
TOKEN_LENGTHS_QUERY = """
    SELECT DISTINCT bits FROM name_tokens, generate_series(1, 30) AS bits WHERE token >> bits = 1 ORDER BY bits
"""
SEARCHED_LENGTHS_QUERY = "SELECT bits FROM name_token_lengths ORDER BY bits"


@pytest.fixture
async def settings(scenario: Scenario) -> Settings:
    settings = Settings(owner_database_url=scenario.urls.owner)
    await register_key_ring(settings)
    return settings


async def rebuild(settings: Settings, bits: int) -> int:
    """Rebuild all tokens, and return the number of children and referrals."""
    _, count = await search_tokens.rebuild_search_tokens(settings, bits, show_progress=False)
    return count


async def list_lengths(superuser: Any, query: str = TOKEN_LENGTHS_QUERY) -> list[int]:
    return [row["bits"] for row in await superuser.fetch(query)]


async def find_everything(scenario: Scenario, pending: dict[str, Any]) -> tuple[set[str], set[str], set[str]]:
    """Return the ids of the children and referrals that a search by name finds, and of the matches of a referral."""
    supervisor = scenario.supervisor_north
    found = [
        expect_json(await supervisor.get(path))["items"]
        for path in (
            "/v1/children?q=sok vichet",
            "/v1/referrals?q=sok vichet",
            f"/v1/referrals/{pending['id']}/matches",
        )
    ]
    children, referrals, matches = ({item["id"] for item in items} for items in found)
    return children, referrals, matches


@asynccontextmanager
async def paused_rebuild(
    settings: Settings, superuser: Any, table: str, row_id: str
) -> AsyncIterator[asyncio.Task[int]]:
    """Run a rebuild with 15 bits until it waits for a row. It continues after the block."""
    async with superuser.transaction():
        await superuser.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", UUID(row_id))
        task = asyncio.create_task(rebuild(settings, 15))
        await wait_for_lock_waiters(superuser, 1)
        yield task


async def test_searches_find_the_same_records_after_a_rebuild(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    case = await scenario.open_case(child=CHILD)
    uncle = {"role": "supporter", "relationship": "uncle", "names": [{"script": "latin", "given": "Dara"}]}
    person = {**uncle, "phone": {"number": "011 223 344", "owner": "self"}}
    expect_json(await scenario.worker_north.post(f"/v1/cases/{case['id']}/people", person), 201)
    pending = await scenario.create_referral(child=CHILD)
    before = await find_everything(scenario, pending)
    assert before == ({case["child_id"]}, {case["referral_id"], pending["id"]}, {case["child_id"]})
    for bits in (18, 12):
        assert await rebuild(settings, bits) == 3
        assert await list_lengths(superuser_connection) == [bits]
        assert await list_lengths(superuser_connection, SEARCHED_LENGTHS_QUERY) == [bits]
        assert await find_everything(scenario, pending) == before
        by_phone = expect_json(await scenario.worker_north.get("/v1/children?q=011 223 344"))
        assert [child["id"] for child in by_phone["items"]] == [case["child_id"]]
    assert await rebuild(settings, 12) == 0


async def test_tokens_of_older_rules_are_replaced_once(
    scenario: Scenario,
    superuser_connection: Any,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Catches: the version of the rules is not compared, and tokens of the current length are never deleted.
    case, pending = await scenario.open_case(child=CHILD), await scenario.create_referral(child=CHILD)
    before = await find_everything(scenario, pending)
    query = "SELECT owner_id, kind, child_id, token FROM name_tokens ORDER BY owner_id, token"
    tokens = await superuser_connection.fetch(query)
    await superuser_connection.execute("DELETE FROM name_tokens")
    await superuser_connection.executemany(
        "INSERT INTO name_tokens (owner_id, kind, child_id, token) VALUES ($1, $2, $3, $4 # 1)", tokens
    )
    assert await find_everything(scenario, pending) != before
    assert await rebuild(settings, 12) == 0
    assert (await doctor.check_search_tokens(superuser_connection)).level == "ok"

    for module in (search_tokens, doctor):
        monkeypatch.setattr(module, "SEARCH_KEY_RULES", SEARCH_KEY_RULES + 1)
    assert (await doctor.check_search_tokens(superuser_connection)).level == "warning"
    assert await rebuild(settings, 12) == 3
    assert (await doctor.check_search_tokens(superuser_connection)).level == "ok"
    assert await superuser_connection.fetch(query) == tokens
    assert await find_everything(scenario, pending) == before
    assert case["child_id"] in before[0]
    assert await rebuild(settings, 12) == 0


async def test_new_database_has_the_current_rules(superuser_connection: Any) -> None:
    assert await superuser_connection.fetchval("SELECT rules FROM name_token_lengths") == SEARCH_KEY_RULES


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_every_record_is_found_during_a_rebuild(
    scenario: Scenario,
    superuser_connection: Any,
    settings: Settings,
    position: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Catches: `access.shorten_tokens_to_search` uses the current length only.
    monkeypatch.setattr(search_tokens, "BATCH_SIZE", 1)
    cases = [await scenario.open_case(child=CHILD) for _ in range(3)]
    pending = await scenario.create_referral(child=CHILD)
    before = await find_everything(scenario, pending)
    child_ids = sorted(case["child_id"] for case in cases)
    async with paused_rebuild(settings, superuser_connection, "children", child_ids[position]) as task:
        assert await find_everything(scenario, pending) == before
        created = await scenario.create_referral(child=CHILD)
        children, referrals, matches = await find_everything(scenario, pending)
        assert (children, referrals) == (before[0], before[1] | {created["id"]})
        assert matches == before[2] | {created["id"]}
    await task
    assert await list_lengths(superuser_connection) == [15]
    assert await find_everything(scenario, pending) == (children, referrals, matches)


async def test_tokens_of_open_transactions_are_rebuilt(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    # Catches: `_set_current_length` does not lock the table.
    referral = await scenario.create_referral(child=CHILD)
    tokens = person_details.hash_search_keys({"a key"}, "referral")
    async with superuser_connection.transaction():
        await superuser_connection.execute(
            person_details.INSERT_TOKENS_SQL, UUID(referral["id"]), "referral", None, tokens
        )
        task = asyncio.create_task(rebuild(settings, 15))
        await wait_for_lock_waiters(superuser_connection, 1)
    await task
    assert await list_lengths(superuser_connection) == [15]


async def test_request_that_waits_for_the_change_of_length_stores_the_new_length(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await scenario.create_referral()  # so that the connection has prepared the statement
    async with superuser_connection.transaction():
        await superuser_connection.execute("DELETE FROM name_tokens")
        await superuser_connection.execute(search_tokens.LOCK_TOKENS_SQL)
        await superuser_connection.execute(search_tokens.UNSET_LENGTH_SQL)
        await superuser_connection.execute(search_tokens.SET_LENGTH_SQL, 15)
        task = asyncio.create_task(scenario.create_referral())
        await wait_for_lock_waiters(superuser_connection, 1)
    await task
    assert await list_lengths(superuser_connection) == [15]


async def test_interrupted_rebuild_is_completed_by_the_next_call(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    case = await scenario.open_case(child=CHILD)
    pending = await scenario.create_referral(child=CHILD)
    before = await find_everything(scenario, pending)
    async with paused_rebuild(settings, superuser_connection, "referrals", case["referral_id"]) as task:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await list_lengths(superuser_connection) == [12, 15]
    assert await find_everything(scenario, pending) == before
    assert await rebuild(settings, 15) == 3
    assert await list_lengths(superuser_connection, SEARCHED_LENGTHS_QUERY) == [15]
    assert await find_everything(scenario, pending) == before


async def test_rebuild_is_recorded_for_every_child_and_referral(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    case, pending = await scenario.open_case(), await scenario.create_referral()
    await rebuild(settings, 13)
    query = """
        SELECT n.child_id::text, n.record_id::text FROM access_entries n JOIN access_events e ON e.id = n.event_id
         WHERE e.act = 'search_tokens.rebuild' AND n.record_id IS NOT NULL
    """
    assert {tuple(row) for row in await superuser_connection.fetch(query)} == {
        (case["child_id"], case["child_id"]),
        (case["child_id"], case["referral_id"]),
        (None, pending["id"]),
    }
