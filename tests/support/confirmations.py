"""Pending changes in tests: find, confirm and activate."""

from typing import Any

from tests.support.browser import USER_PASSWORD, Browser, open_browser
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario


async def find_pending_change(reader: AuthenticatedClient, kind: str | None = None) -> dict[str, Any]:
    """Return the only pending change, or the only one of a kind."""
    query = f"&kind={kind}" if kind else ""
    (change,) = expect_json(await reader.get(f"/v1/pending-changes?status=pending{query}"))["items"]
    found: dict[str, Any] = change
    return found


async def confirm_pending_change(
    scenario: Scenario, kind: str | None = None, by: str = "dpo"
) -> dict[str, Any]:
    """Confirm the only pending change, or the only one of a kind. Return the response."""
    confirmer = scenario.client_for(by)
    change = await find_pending_change(confirmer, kind)
    confirmed: dict[str, Any] = expect_json(
        await confirmer.act(f"/v1/pending-changes/{change['id']}", "confirm")
    )
    return confirmed


async def sign_in_for_the_first_time(scenario: Scenario, email: str, password: str) -> Browser:
    """Sign in with an initial password, and choose `USER_PASSWORD`."""
    browser = open_browser(scenario)
    expect_json(await browser.post("/v1/auth/login", {"email": email, "password": password}))
    change = {"current_password": password, "new_password": USER_PASSWORD}
    response = await browser.post("/v1/me/password", change, authorization=f"Bearer {browser.token}")
    assert response.status_code == 204, response.text
    expect_json(await browser.post("/v1/auth/refresh"))
    return browser


async def activate_account(browser: Browser, code: str) -> int:
    """Enter an activation code and return the status of the response."""
    response = await browser.post("/v1/me/activate", {"code": code}, authorization=f"Bearer {browser.token}")
    return response.status_code
