"""Helpers for tests of support sessions."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient


async def create_support_session(
    caller: AuthenticatedClient, case_path: str, **payload: Any
) -> dict[str, Any]:
    return expect_json(await caller.post(f"{case_path}/support-sessions", payload), 201)


def support_session_path(support_session: dict[str, Any]) -> str:
    return f"/v1/support-sessions/{support_session['id']}"
