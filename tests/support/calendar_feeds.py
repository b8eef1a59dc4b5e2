"""Calendar feeds: create one, fetch it, parse its events."""

from typing import Any

import httpx

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario

FEEDS_PATH = "/v1/me/calendar-feeds"


async def fetch_feed(scenario: Scenario, feed: dict[str, Any]) -> httpx.Response:
    """As a calendar does it: by the address alone."""
    return await scenario.http.get(feed["url"])


async def create_feed(caller: AuthenticatedClient, **changes: Any) -> dict[str, Any]:
    return expect_json(await caller.post(FEEDS_PATH, {"name": "My phone", **changes}), 201)
