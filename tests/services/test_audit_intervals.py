"""The list of access entries examines a limited interval of the log for a page, if no index contains all filters."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.services import audit_query
from tests.support.list_pages import fetch_ids
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

PATH = "/v1/audit/accesses"
MIDDLE_QUERY = "SELECT opened_at FROM access_events ORDER BY id DESC OFFSET 8 LIMIT 1"
EVENT_IDS_QUERY = "SELECT id FROM access_events ORDER BY id DESC"


@pytest.fixture
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a page examine three requests or entries. The queries are compiled with this number."""

    def clear_caches() -> None:
        audit_query.build_interval_query.cache_clear()
        audit_query.build_page_query.cache_clear()

    clear_caches()
    monkeypatch.setattr(audit_query, "MAX_EXAMINED_ROWS", 3)
    yield monkeypatch
    clear_caches()


async def list_filters(scenario: Scenario, superuser: Any) -> list[dict[str, str]]:
    """Make requests with different outcomes, and return filters that use every index of the log."""
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    for _ in range(2):
        await scenario.manager.get("/v1/cases")
        for path in (f"/v1/cases/{north['id']}", f"/v1/referrals/{north['referral_id']}"):
            await scenario.worker_north.get(path)
            await scenario.worker_south.get(path)
    middle = (await superuser.fetchval(MIDDLE_QUERY)).isoformat().replace("+00:00", "Z")
    child, worker = {"child_id": north["child_id"]}, {"actor_id": str(id_of("worker_south"))}
    return [
        child,
        {**child, "act": "case.list"},
        {**child, **worker},
        {**child, "act": "case.list", "to": middle},
        {**child, "from": middle, "record_kind": "case"},
        {"case_id": north["id"]},
        {"record_id": north["referral_id"]},
        {"record_id": north["id"], "outcome": "not_found"},
        {"outcome": "not_found"},
        {"outcome": "not_found", **worker},
        {"outcome": "not_found", "act": "case.read"},
        {"outcome": "allowed", "act": "case.read"},
        {"outcome": "allowed", "from": middle},
        {"outcome": "started"},
        {**worker, "act": "case.read", "outcome": "allowed"},
        {"act": "case.read"},
        {"act": "case.list", "from": middle},
        {"to": middle},
        {"record_id": south["id"]},
    ]


@pytest.mark.parametrize("name", ["dpo", "supervisor_north"])
async def test_pages_with_short_intervals_contain_all_matching_entries(
    scenario: Scenario, superuser_connection: Any, short_intervals: pytest.MonkeyPatch, name: str
) -> None:
    # Catches: the cursor at the start of the interval has the number 9 or the id of the next event; no cursor there;
    # `interval_start` excluded from the page; `needs_interval` always false.
    caller = scenario.client_for(name)
    filters = await list_filters(scenario, superuser_connection)
    newest_id = str(await superuser_connection.fetchval(EVENT_IDS_QUERY + " LIMIT 1"))
    listed = [
        [
            entry_id
            for entry_id in await fetch_ids(caller, PATH, limit=3, **each)
            if entry_id[:36] <= newest_id
        ]
        for each in filters
    ]
    short_pages = [
        len(page["items"]) < 3 and page["next_cursor"] is not None
        for page in [expect_json(await caller.get(PATH, params={"limit": 3, **each})) for each in filters]
    ]
    short_intervals.setattr(audit_query, "MAX_EXAMINED_ROWS", 10_000)
    audit_query.build_interval_query.cache_clear()
    for each, ids in zip(filters, listed, strict=True):
        page = expect_json(await caller.get(PATH, params={"limit": 200, **each}))
        assert page["next_cursor"] is None, each
        assert ids == [item["id"] for item in page["items"] if item["id"][:36] <= newest_id], each
    assert sum(short_pages) >= 5, short_pages
    assert sum(map(bool, listed)) >= 10, listed


@pytest.mark.usefixtures("short_intervals")
async def test_pages_end_at_the_earliest_time(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: the condition on `since` in `build_interval_query` removed.
    await list_filters(scenario, superuser_connection)
    newest = await superuser_connection.fetchval(
        "SELECT max(opened_at) + interval '10 minutes' FROM access_events"
    )
    later = {"outcome": "started", "from": newest.isoformat().replace("+00:00", "Z")}
    assert expect_json(await scenario.dpo.get(PATH, params=later)) == {"items": [], "next_cursor": None}


async def test_earlier_event_is_returned_to_log_readers_only(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    await scenario.open_case()
    for name, is_reader in (
        ("dpo", True),
        ("supervisor_north", True),
        ("worker_north", False),
        ("manager", False),
        ("finance", False),
    ):
        async with open_transaction_as(api_connection, name, "access_log.read"):
            ids = [row[0] for row in await superuser_connection.fetch(EVENT_IDS_QUERY)]
            for event_id, distance, expected in (
                (None, 0, ids[0]),
                (None, 3, ids[3]),
                (ids[2], 1, ids[4]),
                (None, len(ids), None),
            ):
                found = await api_connection.fetchval(
                    "SELECT access.find_earlier_event($1, $2)", event_id, distance
                )
                assert found == (expected if is_reader else None), (name, distance)
