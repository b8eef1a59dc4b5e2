"""Read lists page by page."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient


async def fetch_items(caller: AuthenticatedClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return the items of all pages of a list. A page has the maximum size unless `limit` is given."""
    query = {"limit": 200, **params}
    page = expect_json(await caller.get(path, params=query))
    items: list[dict[str, Any]] = page["items"]
    while page["next_cursor"]:
        page = expect_json(await caller.get(path, params={**query, "cursor": page["next_cursor"]}))
        items += page["items"]
    return items


async def fetch_ids(caller: AuthenticatedClient, path: str, **params: Any) -> list[str]:
    """Return the ids of the items of all pages of a list."""
    return [item["id"] for item in await fetch_items(caller, path, **params)]


async def check_order(caller: AuthenticatedClient, path: str, sort: str, expected_ids: list[str]) -> None:
    """Check both directions of an order, in pages of different sizes, and that a cursor requires the same order."""
    for order, ids in ((sort, expected_ids), (f"-{sort}", expected_ids[::-1])):
        for limit in (1, 2, 200):
            assert await fetch_ids(caller, path, sort=order, limit=limit) == ids, (order, limit)
    page = expect_json(await caller.get(path, params={"sort": sort, "limit": 1}))
    other_order = {"sort": f"-{sort}", "cursor": page["next_cursor"]}
    expect_json(await caller.get(path, params=other_order), 422)
