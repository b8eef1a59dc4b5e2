"""Support sessions: paths and helpers."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient


async def create_support_session(caller: AuthenticatedClient, path: str, **told: Any) -> dict[str, Any]:
    return expect_json(await caller.post(f"{path}/support-sessions", told), 201)


def support_session_path(contact: dict[str, Any]) -> str:
    return f"/v1/support-sessions/{contact['id']}"
