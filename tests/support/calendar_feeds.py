"""Create and fetch calendar feeds."""

from typing import Any

import httpx

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario

FEEDS_PATH = "/v1/me/calendar-feeds"


async def fetch_feed(scenario: Scenario, feed: dict[str, Any]) -> httpx.Response:
    """Fetch a feed as calendar programs do: without an access token."""
    return await scenario.http.get(feed["url"])


async def create_feed(caller: AuthenticatedClient, **changes: Any) -> dict[str, Any]:
    return expect_json(await caller.post(FEEDS_PATH, {"name": "My phone", **changes}), 201)
