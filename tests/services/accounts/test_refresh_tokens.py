"""Refresh tokens: lost responses, several tabs, reuse, and invented tokens."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.browser import (
    REFRESH_COOKIE,
    USER_PASSWORD,
    Browser,
    open_browser,
    open_browser_with_passwords,
    run_sql,
)
from tests.support.scenario import Scenario, id_of

JUNK_SECRET = "A" * 43
JUNK_FAMILY = "A" * 22


@pytest.fixture
async def browser(scenario: Scenario) -> AsyncIterator[Browser]:
    opened_browser = await open_browser_with_passwords(scenario)
    await opened_browser.sign_in()
    yield opened_browser
    await opened_browser.http.aclose()


async def send_token(browser: Browser, cookie: str, path: str = "/v1/auth/refresh") -> httpx.Response:
    """Send a refresh token as another browser would."""
    return await Browser(browser.scenario, browser.http, cookie=cookie).post(path)


def cookie_of(response: httpx.Response) -> str:
    return response.headers["set-cookie"].partition("=")[2].partition(";")[0]


async def make_refresh_older(browser: Browser, seconds: int) -> None:
    older = "UPDATE sessions SET refreshed_at = refreshed_at - make_interval(secs => $1)"
    await run_sql(browser.scenario, older, seconds)


async def acts_of(browser: Browser, response: httpx.Response) -> list[tuple[str, str, str | None]]:
    """Return act, outcome and actor of the log entries of a response."""
    entries = await browser.scenario.list_access_entries(response.headers["x-request-id"])
    return [(entry["act"], entry["outcome"], (entry["actor"] or {}).get("id")) for entry in entries]


async def assert_session_ended(browser: Browser) -> None:
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await browser.post("/v1/auth/refresh")).status_code == 401


async def test_lost_response_to_a_refresh_can_be_requested_again(browser: Browser) -> None:
    # Catches: the successor is random: the repeated refresh returns a token that the next refresh rejects.
    first = browser.cookie
    lost = await send_token(browser, first)
    repeated = await send_token(browser, first)
    assert (lost.status_code, repeated.status_code) == (200, 200)
    assert cookie_of(repeated) == cookie_of(lost) != first
    browser.cookie, browser.token = cookie_of(repeated), repeated.json()["access_token"]
    for _ in range(3):
        assert (await browser.get("/v1/me")).status_code == 200
        assert (await browser.post("/v1/auth/refresh")).status_code == 200


async def test_repeated_refresh_does_not_prolong_the_session(browser: Browser) -> None:
    first = browser.cookie
    await send_token(browser, first)
    await run_sql(browser.scenario, "UPDATE sessions SET idle_ends_at = now() + interval '9 seconds'")
    assert (await send_token(browser, first)).status_code == 200
    (row,) = await run_sql(
        browser.scenario,
        "SELECT count(*) FROM sessions WHERE family_digest IS NOT NULL AND idle_ends_at > now() + interval '9 seconds'",
    )
    assert row["count"] == 0


async def test_replaced_token_ends_the_session_after_30_seconds(browser: Browser) -> None:
    first = browser.cookie
    await browser.post("/v1/auth/refresh")
    await make_refresh_older(browser, 29)
    assert (await send_token(browser, first)).status_code == 200
    await make_refresh_older(browser, 2)
    reused = await send_token(browser, first)
    assert reused.status_code == 401
    worker = str(id_of("worker_north"))
    assert await acts_of(browser, reused) == [("account.refresh_reuse", "unauthenticated", worker)]
    await assert_session_ended(browser)


async def test_token_before_the_replaced_one_ends_the_session_at_once(browser: Browser) -> None:
    first = browser.cookie
    await browser.post("/v1/auth/refresh")
    await browser.post("/v1/auth/refresh")
    assert (await send_token(browser, first)).status_code == 401
    await assert_session_ended(browser)


async def test_concurrent_refreshes_of_several_tabs_keep_the_session(browser: Browser) -> None:
    # Catches: without the row lock in access.refresh_session: two requests replace the token, and one successor is
    # lost.
    for _ in range(5):
        responses = await asyncio.gather(*(send_token(browser, browser.cookie) for _ in range(20)))
        assert {response.status_code for response in responses} == {200}
        assert len({cookie_of(response) for response in responses}) == 1
        browser.cookie = cookie_of(responses[-1])
        tokens = {response.json()["access_token"] for response in responses}
        for browser.token in tokens:
            assert (await browser.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/auth/refresh", "/v1/auth/logout"])
async def test_invented_token_neither_ends_nor_reveals_a_session(browser: Browser, path: str) -> None:
    # Catches: every unknown secret revokes the session with the id.
    session_id = browser.cookie.partition(".")[0]
    known = await send_token(browser, f"{session_id}.{JUNK_FAMILY}.{JUNK_SECRET}", path)
    unknown = await send_token(browser, f"{id_of('nothing')}.{JUNK_FAMILY}.{JUNK_SECRET}", path)
    client_session = await send_token(
        browser, f"{id_of('session of partner_one')}.{JUNK_FAMILY}.{JUNK_SECRET}", path
    )
    answers = [
        (
            response.status_code,
            response.text.replace(response.headers["x-request-id"], ""),
            sorted(response.headers),
        )
        for response in (known, unknown, client_session)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert await acts_of(browser, known) == await acts_of(browser, unknown)
    assert (await browser.get("/v1/me")).status_code == 200
    assert (await browser.post("/v1/auth/refresh")).status_code == 200


async def test_junk_secret_of_the_own_family_ends_the_session(browser: Browser) -> None:
    """The family of a token is secret too. A caller that knows it had a token of the session."""
    session_id, family, _ = browser.cookie.split(".")
    assert (await send_token(browser, f"{session_id}.{family}.{JUNK_SECRET}")).status_code == 401
    await assert_session_ended(browser)


async def test_sign_out_accepts_a_replaced_token(browser: Browser) -> None:
    first = browser.cookie
    await browser.post("/v1/auth/refresh")
    signed_out = await send_token(browser, first, "/v1/auth/logout")
    assert signed_out.status_code == 204
    assert [act for act, _, _ in await acts_of(browser, signed_out)] == ["account.sign_out"]
    await assert_session_ended(browser)


async def test_sign_out_with_an_old_token_ends_the_session_as_reuse(browser: Browser) -> None:
    first = browser.cookie
    await browser.post("/v1/auth/refresh")
    await make_refresh_older(browser, 31)
    signed_out = await send_token(browser, first, "/v1/auth/logout")
    assert (signed_out.status_code, signed_out.headers["set-cookie"].partition(";")[0]) == (
        204,
        f'{REFRESH_COOKIE}=""',
    )
    assert [act for act, _, _ in await acts_of(browser, signed_out)] == ["account.refresh_reuse"]
    await assert_session_ended(browser)


async def test_replaced_token_does_not_revive_an_ended_session(browser: Browser) -> None:
    first = browser.cookie
    await browser.post("/v1/auth/refresh")
    await browser.post("/v1/auth/logout", authorization=f"Bearer {browser.token}")
    assert (await send_token(browser, first)).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"password": "a slower river in december"},
    ],
)
async def test_deactivation_and_new_password_end_sessions_for_refreshes(
    browser: Browser, change: dict[str, object]
) -> None:
    first = browser.cookie
    await browser.post("/v1/auth/refresh")
    admin, elsewhere = browser.scenario.admin, open_browser(browser.scenario, "198.51.100.7")
    if "password" in change:
        await elsewhere.sign_in()
        payload = {"current_password": USER_PASSWORD, "new_password": change["password"]}
        bearer = {"authorization": f"Bearer {elsewhere.token}"}
        response = await elsewhere.http.post("/v1/me/password", json=payload, headers=bearer)
    else:
        path = f"/v1/users/{id_of('worker_north')}"
        etag = (await admin.get(path)).headers["etag"]
        response = await admin.patch(path, change, etag=etag)
    assert response.is_success, response.text
    assert (await send_token(browser, first)).status_code == 401
    await assert_session_ended(browser)
