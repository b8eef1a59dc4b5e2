"""Read the agenda of a caller."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient


async def list_agenda(caller: AuthenticatedClient, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect_json(
        await caller.get("/v1/me/agenda", params={"limit": 200, **filters})
    )["items"]
    return items


async def list_whole_agenda(caller: AuthenticatedClient) -> list[dict[str, Any]] | None:
    """Return all pages of the agenda, or None if the caller cannot sign in."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        response = await caller.get("/v1/me/agenda", params=params)
        if response.status_code == 401:
            return None
        page = expect_json(response)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
