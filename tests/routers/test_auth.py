"""Sign-in, token refresh and sign-out of people."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from passlib.hash import argon2

from tests.support.browser import (
    REFRESH_COOKIE,
    USER_PASSWORD,
    Browser,
    open_browser,
    open_browser_with_passwords,
    run_sql,
)
from tests.support.scenario import Scenario, id_of


@pytest.fixture
async def browser(scenario: Scenario) -> AsyncIterator[Browser]:
    opened_browser = await open_browser_with_passwords(scenario)
    yield opened_browser
    await opened_browser.http.aclose()


async def test_sign_in_returns_a_token_with_the_permissions_of_the_roles(browser: Browser) -> None:
    response = await browser.sign_in()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "access_token": browser.token,
        "token_type": "Bearer",
        "expires_in": 600,
        "mfa_required": False,
        "password_change_required": False,
        "activation_required": False,
    }
    me = (await browser.get("/v1/me")).json()
    assert me["email"] == "worker_north@fsc.example"
    assert me["roles"] == ["social_worker"]
    assert [(t["team_name"], t["is_supervisor"]) for t in me["teams"]] == [("north", False)]
    assert "case.read" in me["permissions"]
    assert "user.manage" not in me["permissions"]


async def test_refresh_token_is_in_an_http_only_cookie(browser: Browser) -> None:
    response = await browser.sign_in()
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{REFRESH_COOKIE}=")
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    secret = browser.cookie.partition(".")[2]
    assert len(secret) >= 43
    assert secret not in str(await run_sql(browser.scenario, "SELECT * FROM sessions"))


async def test_email_is_case_insensitive(browser: Browser) -> None:
    credentials = {"email": "Worker_North@FSC.example", "password": USER_PASSWORD}
    assert (await browser.post("/v1/auth/login", credentials)).status_code == 200


async def test_failed_sign_ins_have_identical_responses(browser: Browser) -> None:
    await run_sql(browser.scenario, "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_south"))
    responses = [
        await browser.sign_in("worker_north", "not the password at all"),
        await browser.sign_in("unknown", USER_PASSWORD),
        await browser.sign_in("worker_south", USER_PASSWORD),
        await browser.sign_in("worker_north", USER_PASSWORD + " "),
        await browser.sign_in("worker_north", USER_PASSWORD.upper()),
    ]
    assert {a.status_code for a in responses} == {401}
    bodies = [{k: v for k, v in a.json().items() if k != "request_id"} for a in responses]
    assert all(body == bodies[0] for body in bodies)
    assert all("set-cookie" not in a.headers for a in responses)


async def test_password_guesses_are_slowed_down_per_account_and_network(browser: Browser) -> None:
    guesses = [(await browser.sign_in(password=f"guess number {i} of many")).status_code for i in range(7)]
    assert guesses[:5] == [401] * 5
    assert 429 in guesses[5:]
    await run_sql(
        browser.scenario,
        "UPDATE sign_in_attempts SET blocked_until = now() + interval '7 seconds' WHERE blocked_until IS NOT NULL",
    )
    rejected = await browser.sign_in()
    assert rejected.status_code == 429
    assert 6 <= int(rejected.headers["retry-after"]) <= 7
    assert (await browser.sign_in("worker_south")).status_code == 200
    assert (await open_browser(browser.scenario, "198.51.100.7").sign_in()).status_code == 200


async def test_unknown_account_is_slowed_down_like_a_known_one(browser: Browser) -> None:
    responses = [await browser.sign_in("unknown", f"guess {i}") for i in range(6)]
    assert [a.status_code for a in responses] == [401] * 5 + [429]


async def test_delay_doubles_and_is_reset_by_success(browser: Browser) -> None:
    for attempt in range(8):
        await run_sql(browser.scenario, "UPDATE sign_in_attempts SET blocked_until = NULL")
        assert (await browser.sign_in(password=f"guess {attempt}")).status_code == 401
    waits = "SELECT extract(epoch FROM blocked_until - last_at)::int AS s FROM sign_in_attempts WHERE failures = 8"
    assert sorted(row["s"] for row in await run_sql(browser.scenario, waits) if row["s"]) == [8]
    await run_sql(browser.scenario, "UPDATE sign_in_attempts SET blocked_until = NULL")
    assert (await browser.sign_in()).status_code == 200
    assert (await browser.sign_in(password="one more guess")).status_code == 401
    assert (await browser.sign_in()).status_code == 200


async def test_concurrent_guesses_are_limited(browser: Browser) -> None:
    responses = await asyncio.gather(*(browser.sign_in(password=f"guess number {i}") for i in range(20)))
    assert sum(a.status_code == 401 for a in responses) <= 6
    assert {a.status_code for a in responses} == {401, 429}


async def test_guesses_for_many_accounts_from_one_network_are_slowed_down(browser: Browser) -> None:
    await browser.sign_in(password="one guess")
    await run_sql(browser.scenario, "UPDATE sign_in_attempts SET failures = 60")
    assert [(await browser.sign_in(f"person{i}", "the same guess")).status_code for i in range(2)] == [
        401,
        429,
    ]


async def test_sign_ins_and_failures_are_logged(browser: Browser) -> None:
    responses = {
        "right": await browser.sign_in(),
        "wrong": await browser.sign_in(password="something else entirely"),
        "unknown": await browser.sign_in("unknown"),
    }
    entries_by_name = {
        name: await browser.scenario.list_access_entries(a.headers["x-request-id"])
        for name, a in responses.items()
    }
    for name, outcome in (("right", "allowed"), ("wrong", "unauthenticated"), ("unknown", "unauthenticated")):
        (entry,) = entries_by_name[name]
        assert (entry["act"], entry["outcome"], entry["address"]) == (
            "account.sign_in",
            outcome,
            "192.0.2.10",
        )
    actors = {name: (entries[0]["actor"] or {}).get("id") for name, entries in entries_by_name.items()}
    assert actors["right"] == actors["wrong"] == str(id_of("worker_north"))
    assert actors["unknown"] is None


async def test_ended_session_cannot_be_refreshed(browser: Browser) -> None:
    for end in ("idle_ends_at", "ends_at", "revoked_at"):
        await browser.sign_in()
        over = f"UPDATE sessions SET {end} = now() - interval '1 second' WHERE refresh_digest IS NOT NULL"  # noqa: S608 - a constant column name
        await run_sql(browser.scenario, over)
        assert (await browser.post("/v1/auth/refresh")).status_code == 401


async def test_refresh_does_not_extend_the_absolute_end(browser: Browser) -> None:
    await browser.sign_in()
    soon = "UPDATE sessions SET ends_at = now() + interval '30 seconds' WHERE refresh_digest IS NOT NULL"
    await run_sql(browser.scenario, soon)
    for _ in range(3):
        response = await browser.post("/v1/auth/refresh")
        assert response.status_code == 200
        assert response.json()["expires_in"] <= 30
    ends = "SELECT ends_at >= idle_ends_at AS kept, ends_at < now() + interval '31 seconds' AS soon FROM sessions WHERE refresh_digest IS NOT NULL"
    assert [tuple(row) for row in await run_sql(browser.scenario, ends)] == [(True, True)]


async def test_refresh_and_sign_out_require_x_requested_with(browser: Browser) -> None:
    await browser.sign_in()
    for path in ("/v1/auth/refresh", "/v1/auth/logout"):
        response = await browser.http.post(path, headers={"cookie": f"{REFRESH_COOKIE}={browser.cookie}"})
        assert response.status_code == 403
    assert (await browser.post("/v1/auth/refresh")).status_code == 200


async def test_malformed_refresh_token_is_rejected(browser: Browser) -> None:
    for cookie in ("", "x", "x.y", "00000000-0000-4000-8000-000000000000.y", "." * 5000):
        browser.cookie = cookie
        assert (await browser.post("/v1/auth/refresh")).status_code == 401


async def test_sign_out_revokes_the_access_token_immediately(browser: Browser) -> None:
    await browser.sign_in()
    cookie = browser.cookie
    response = await browser.post("/v1/auth/logout")
    assert response.status_code == 204
    assert "max-age=0" in response.headers["set-cookie"].lower()
    assert (await browser.scenario.list_access_entries(response.headers["x-request-id"]))[0][
        "act"
    ] == "account.sign_out"
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await browser.post("/v1/auth/refresh", cookie=f"{REFRESH_COOKIE}={cookie}")).status_code == 401
    assert (await browser.post("/v1/auth/logout")).status_code == 204


async def test_sign_out_works_with_access_token_alone(browser: Browser) -> None:
    await browser.sign_in()
    bearer = {"authorization": f"Bearer {browser.token}"}
    assert (await browser.http.post("/v1/auth/logout", headers=bearer)).status_code == 204
    assert (await browser.get("/v1/me")).status_code == 401
    forged = {"authorization": "Bearer not.a.token"}
    assert (await browser.http.post("/v1/auth/logout", headers=forged)).status_code == 401


async def test_new_sign_in_ends_the_previous_session_of_the_browser(browser: Browser) -> None:
    await browser.sign_in()
    first = browser.token
    elsewhere = open_browser(browser.scenario, "198.51.100.7")
    await elsewhere.sign_in()
    await browser.sign_in()
    assert (await browser.get("/v1/me")).status_code == 200
    assert (await elsewhere.get("/v1/me")).status_code == 200
    browser.token = first
    assert (await browser.get("/v1/me")).status_code == 401


async def test_weak_password_hash_is_upgraded_at_sign_in(browser: Browser) -> None:
    weak = argon2.using(type="ID", memory_cost=1024, rounds=1, parallelism=1).hash(USER_PASSWORD)
    await run_sql(browser.scenario, "UPDATE users SET password_hash = $1", weak)
    assert (await browser.sign_in()).status_code == 200
    stored = "SELECT password_hash FROM users WHERE id = $1"
    (row,) = await run_sql(browser.scenario, stored, id_of("worker_north"))
    assert "m=19456" in row["password_hash"]
    assert (await browser.sign_in()).status_code == 200
