"""The list of outreach activities: filters, search, orders, pages and the number of statements."""

import uuid
from typing import Any

import pytest

from tests.support.list_pages import check_order, fetch_ids
from tests.support.outreach import ACTIVITIES, create_activity
from tests.support.responses import expect_json, parse_faults, patch_latest
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

FOUND: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "kind": ({"kind": "coaching"}, {}, "kind=coaching,meeting"),
    "topic": ({"topic": "trauma"}, {}, "topic=trauma"),
    "programme": ({"programme": "capacity_building"}, {}, "programme=capacity_building,direct_support"),
    "audience": (
        {"participants": [{"audience": "children", "persons": 1}, {"audience": "parents", "persons": 1}]},
        {},
        "audience=parents,researchers",
    ),
    "place": ({"place_code": "17100901"}, {"place_code": "1711"}, "place_code=1710"),
    "province": ({"place_code": "171009"}, {"place_code": "0102"}, "place_code=17"),
    "same place": ({"place_code": "1710"}, {"place_code": "17"}, "place_code=1710"),
    "place of online activity": ({"place_code": "12"}, {"place_code": None, "is_online": True}, "place_code=12"),
    "facilitator": (
        {"facilitator_ids": [str(id_of("worker_south")), str(id_of("worker_north"))]},
        {"facilitator_ids": [str(id_of("worker_north"))]},
        f"facilitator_id={id_of('worker_south')}",
    ),
    "partner agency": (
        {"partner_ids": [str(id_of("Safe Steps"))]},
        {"partner_ids": [str(id_of("Helping Hands"))]},
        f"partner_id={id_of('Safe Steps')}",
    ),
    "from": ({"starts_on": "2026-03-10", "ends_on": "2026-03-12"}, {"starts_on": "2026-03-11"}, "from=2026-03-12"),
    "from, one day": ({"starts_on": "2026-03-12"}, {"starts_on": "2026-03-11"}, "from=2026-03-12"),
    "to": ({"starts_on": "2026-03-12", "ends_on": "2026-03-20"}, {"starts_on": "2026-03-13"}, "to=2026-03-12"),
    "title": ({"title": "Online SAFETY"}, {}, "q=safety"),
    "venue": ({"venue": "Wat Bo School"}, {}, "q=wat%20bo"),
    "partner": ({"partner_names": ["School A", "Angkor Hospital"]}, {}, "q=angkor"),
    "facilitating agency": ({"facilitator_agencies": ["Helping Hands"]}, {}, "q=helping%20hands"),
    "Khmer": ({"title": "សុវត្ថិភាពរាងកាយ ថ្នាក់ទី៥"}, {}, "q=ថ្នាក់ទី5"),
    "search and filter": ({"title": "Camp", "kind": "training"}, {"title": "Camp"}, "q=camp&kind=training"),
}  # fmt: skip
"""Fields of an activity that a filter finds, fields of another one that it does not find, and the filter."""


@pytest.mark.parametrize("name", FOUND)
async def test_filter_finds_matching_activities_only(scenario: Scenario, name: str) -> None:
    # Catches: `starts_on` instead of the last day in `since`; equality instead of `starts_with` for places.
    found, other, query = FOUND[name]
    activity = await create_activity(scenario, **{"title": "Title", **found})
    await create_activity(scenario, **{"title": "Title", **other})
    page = expect_json(await scenario.finance.get(f"{ACTIVITIES}?{query}&count=true"))
    assert [item["id"] for item in page["items"]] == [activity["id"]]
    assert page["items"] == [activity]
    assert (page["total"], page["total_is_capped"]) == (1, False)


async def test_search_without_visible_characters_finds_nothing(scenario: Scenario) -> None:
    await create_activity(scenario)
    assert await fetch_ids(scenario.finance, ACTIVITIES, q="\u200b\u200b") == []
    assert await fetch_ids(scenario.finance, ACTIVITIES, q="grade") != []


async def test_matches_at_the_beginning_come_first(scenario: Scenario) -> None:
    later = await create_activity(scenario, title="A camp")
    first = await create_activity(scenario, title="Camp", starts_on="2025-01-01")
    for limit in (1, 2):
        assert await fetch_ids(scenario.finance, ACTIVITIES, q="camp", limit=limit) == [
            first["id"],
            later["id"],
        ]


async def test_list_has_the_documented_orders(scenario: Scenario) -> None:
    # Catches: `updated_at` not set by a correction.
    middle = await create_activity(scenario, starts_on="2026-02-01")
    first = await create_activity(scenario, starts_on="2026-01-01")
    last = await create_activity(scenario, starts_on="2026-03-01")
    ids = [activity["id"] for activity in (first, middle, last)]
    await check_order(scenario.admin, ACTIVITIES, "starts_on", ids)
    await check_order(scenario.admin, ACTIVITIES, "created_at", [middle["id"], first["id"], last["id"]])
    await patch_latest(scenario.manager, f"{ACTIVITIES}/{first['id']}", {"sessions": 2})
    await check_order(scenario.admin, ACTIVITIES, "updated_at", [middle["id"], last["id"], first["id"]])
    assert await fetch_ids(scenario.admin, ACTIVITIES) == ids[::-1]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("kind=party", ("query:kind", "literal_error")),
        ("place_code=171", ("query:place_code", "string_pattern_mismatch")),
        ("facilitator_id=me", ("query:facilitator_id", "uuid_parsing")),
        ("from=10.3.2026", ("query:from", "date_parsing")),
        ("q=camp&sort=starts_on", ("query:sort", "sort_with_q")),
        ("sort=persons", ("query:sort", "literal_error")),
        ("team_id=1", ("query:team_id", "parameter_unknown")),
    ],
)
async def test_invalid_filter_is_rejected(scenario: Scenario, query: str, fault: tuple[str, str]) -> None:
    assert parse_faults(await scenario.finance.get(f"{ACTIVITIES}?{query}")) == {fault}


async def test_unknown_place_and_facilitator_find_nothing(scenario: Scenario) -> None:
    await create_activity(scenario)
    for query in ({"place_code": "99"}, {"facilitator_id": str(uuid.uuid4())}):
        assert await fetch_ids(scenario.finance, ACTIVITIES, **query) == []


async def test_list_uses_the_same_number_of_statements_for_any_number_of_rows(scenario: Scenario) -> None:
    # Catches: participants fetched for each activity.
    counts = []
    for _ in range(2):
        for _ in range(3):
            await create_activity(scenario, facilitator_ids=[str(id_of("worker_north"))])
        with record_statements(scenario) as statements:
            page = expect_json(await scenario.manager.get(ACTIVITIES))
        counts.append((len(page["items"]), len(statements)))
    assert counts == [(3, 1), (6, 1)]
