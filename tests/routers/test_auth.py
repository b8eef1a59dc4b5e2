"""People sign in, refresh, sign out."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from passlib.hash import argon2

from tests.routers.browsers import COOKIE, PASSWORD, SCRIPT, Browser, browser, sql, with_password
from tests.world import World, id_of


@pytest.fixture
async def door(world: World) -> AsyncIterator[Browser]:
    found = await with_password(world)
    yield found
    await found.transport.aclose()


async def test_the_right_password_opens_what_the_roles_allow(door: Browser) -> None:
    answer = await door.sign_in()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "access_token": door.token,
        "token_type": "Bearer",
        "expires_in": 600,
        "mfa_required": False,
        "password_change_required": False,
    }
    me = (await door.get("/v1/me")).json()
    assert me["email"] == "worker_north@fsc.example"
    assert me["roles"] == ["social_worker"]
    assert [(t["team_name"], t["is_supervisor"]) for t in me["teams"]] == [("north", False)]
    assert "case.read" in me["permissions"]
    assert "user.manage" not in me["permissions"]


async def test_the_refresh_token_is_kept_where_no_script_reads_it(door: Browser) -> None:
    answer = await door.sign_in()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    secret = door.cookie.partition(".")[2]
    assert len(secret) >= 43
    assert secret not in str(await sql(door.world, "SELECT * FROM sessions"))


async def test_e_mail_is_compared_without_case(door: Browser) -> None:
    said = {"email": "Worker_North@FSC.example", "password": PASSWORD}
    assert (await door.post("/v1/auth/login", said)).status_code == 200


async def test_everything_wrong_is_answered_alike(door: Browser) -> None:
    await sql(door.world, "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_south"))
    answers = [
        await door.sign_in("worker_north", "not the password at all"),
        await door.sign_in("nobody", PASSWORD),
        await door.sign_in("worker_south", PASSWORD),
        await door.sign_in("worker_north", PASSWORD + " "),
        await door.sign_in("worker_north", PASSWORD.upper()),
    ]
    assert {a.status_code for a in answers} == {401}
    bodies = [{k: v for k, v in a.json().items() if k != "request_id"} for a in answers]
    assert all(body == bodies[0] for body in bodies)
    assert all("set-cookie" not in a.headers for a in answers)


async def test_guessing_is_slowed_down_here_and_nowhere_else(door: Browser) -> None:
    guesses = [(await door.sign_in(password=f"guess number {i} of many")).status_code for i in range(7)]
    assert guesses[:5] == [401] * 5
    assert 429 in guesses[5:]
    await sql(
        door.world,
        "UPDATE sign_in_attempts SET blocked_until = now() + interval '7 seconds' WHERE blocked_until IS NOT NULL",
    )
    refused = await door.sign_in()
    assert refused.status_code == 429
    assert 6 <= int(refused.headers["retry-after"]) <= 7
    assert (await door.sign_in("worker_south")).status_code == 200
    assert (await browser(door.world, "198.51.100.7").sign_in()).status_code == 200


async def test_unknown_accounts_are_slowed_down_like_known_ones(door: Browser) -> None:
    answers = [await door.sign_in("nobody", f"guess {i}") for i in range(6)]
    assert [a.status_code for a in answers] == [401] * 5 + [429]


async def test_the_wait_doubles_and_success_forgets_it(door: Browser) -> None:
    for attempt in range(8):
        await sql(door.world, "UPDATE sign_in_attempts SET blocked_until = NULL")
        assert (await door.sign_in(password=f"guess {attempt}")).status_code == 401
    waits = "SELECT extract(epoch FROM blocked_until - last_at)::int AS s FROM sign_in_attempts WHERE failures = 8"
    assert sorted(row["s"] for row in await sql(door.world, waits) if row["s"]) == [8]
    await sql(door.world, "UPDATE sign_in_attempts SET blocked_until = NULL")
    assert (await door.sign_in()).status_code == 200
    assert (await door.sign_in(password="one more guess")).status_code == 401
    assert (await door.sign_in()).status_code == 200


async def test_many_guesses_at_once_gain_nothing(door: Browser) -> None:
    answers = await asyncio.gather(*(door.sign_in(password=f"guess number {i}") for i in range(20)))
    assert sum(a.status_code == 401 for a in answers) <= 6
    assert {a.status_code for a in answers} == {401, 429}


async def test_spraying_many_accounts_from_one_network_is_slowed_down(door: Browser) -> None:
    await door.sign_in(password="one guess")
    await sql(door.world, "UPDATE sign_in_attempts SET failures = 60")
    assert [(await door.sign_in(f"person{i}", "the same guess")).status_code for i in range(2)] == [401, 429]


async def test_every_sign_in_and_every_failure_is_in_the_log(door: Browser) -> None:
    answers = {
        "right": await door.sign_in(),
        "wrong": await door.sign_in(password="something else entirely"),
        "nobody": await door.sign_in("nobody"),
    }
    told = {name: await door.world.log(a.headers["x-request-id"]) for name, a in answers.items()}
    for name, outcome in (("right", "allowed"), ("wrong", "unauthenticated"), ("nobody", "unauthenticated")):
        (entry,) = told[name]
        assert (entry["act"], entry["outcome"], entry["address"]) == (
            "account.sign_in",
            outcome,
            "192.0.2.10",
        )
    actors = {name: (entries[0]["actor"] or {}).get("id") for name, entries in told.items()}
    assert actors["right"] == actors["wrong"] == str(id_of("worker_north"))
    assert actors["nobody"] is None


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(door: Browser) -> None:
    await door.sign_in()
    first = door.cookie
    assert (await door.post("/v1/auth/refresh")).status_code == 200
    assert door.cookie != first
    assert (await door.get("/v1/me")).status_code == 200
    thief = Browser(door.world, door.transport, cookie=first)
    reused = await thief.post("/v1/auth/refresh")
    assert reused.status_code == 401
    assert (await door.world.log(reused.headers["x-request-id"]))[0]["act"] == "account.refresh_reuse"
    assert (await door.get("/v1/me")).status_code == 401
    assert (await door.post("/v1/auth/refresh")).status_code == 401


async def test_of_twenty_refreshes_at_once_one_wins(door: Browser) -> None:
    await door.sign_in()
    sent = {**SCRIPT, "cookie": f"{COOKIE}={door.cookie}"}
    answers = await asyncio.gather(
        *(door.transport.post("/v1/auth/refresh", headers=sent) for _ in range(20))
    )
    assert sorted(a.status_code for a in answers) == [200] + [401] * 19
    winner = next(a for a in answers if a.status_code == 200).json()["access_token"]
    door.token = winner
    assert (await door.get("/v1/me")).status_code == 401


async def test_a_session_that_is_over_gives_no_more_tokens(door: Browser) -> None:
    for end in ("idle_ends_at", "ends_at", "revoked_at"):
        await door.sign_in()
        over = f"UPDATE sessions SET {end} = now() - interval '1 second' WHERE refresh_digest IS NOT NULL"  # noqa: S608 - a column of ours
        await sql(door.world, over)
        assert (await door.post("/v1/auth/refresh")).status_code == 401


async def test_refreshing_never_moves_the_absolute_end(door: Browser) -> None:
    await door.sign_in()
    soon = "UPDATE sessions SET ends_at = now() + interval '30 seconds' WHERE refresh_digest IS NOT NULL"
    await sql(door.world, soon)
    for _ in range(3):
        answer = await door.post("/v1/auth/refresh")
        assert answer.status_code == 200
        assert answer.json()["expires_in"] <= 30
    ends = "SELECT ends_at >= idle_ends_at AS kept, ends_at < now() + interval '31 seconds' AS soon FROM sessions WHERE refresh_digest IS NOT NULL"
    assert [tuple(row) for row in await sql(door.world, ends)] == [(True, True)]


async def test_a_page_of_another_site_cannot_refresh_or_sign_out(door: Browser) -> None:
    await door.sign_in()
    for path in ("/v1/auth/refresh", "/v1/auth/logout"):
        answer = await door.transport.post(path, headers={"cookie": f"{COOKIE}={door.cookie}"})
        assert answer.status_code == 403
    assert (await door.post("/v1/auth/refresh")).status_code == 200


async def test_what_is_no_refresh_token_is_refused(door: Browser) -> None:
    for cookie in ("", "x", "x.y", "00000000-0000-4000-8000-000000000000.y", "." * 5000):
        door.cookie = cookie
        assert (await door.post("/v1/auth/refresh")).status_code == 401


async def test_signing_out_ends_the_access_token_at_once(door: Browser) -> None:
    await door.sign_in()
    kept = door.cookie
    answer = await door.post("/v1/auth/logout")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert (await door.world.log(answer.headers["x-request-id"]))[0]["act"] == "account.sign_out"
    assert (await door.get("/v1/me")).status_code == 401
    assert (await door.post("/v1/auth/refresh", cookie=f"{COOKIE}={kept}")).status_code == 401
    assert (await door.post("/v1/auth/logout")).status_code == 204


async def test_an_access_token_alone_signs_out(door: Browser) -> None:
    await door.sign_in()
    bearer = {"authorization": f"Bearer {door.token}"}
    assert (await door.transport.post("/v1/auth/logout", headers=bearer)).status_code == 204
    assert (await door.get("/v1/me")).status_code == 401
    forged = {"authorization": "Bearer not.a.token"}
    assert (await door.transport.post("/v1/auth/logout", headers=forged)).status_code == 401


async def test_signing_in_again_ends_the_sign_in_this_browser_held(door: Browser) -> None:
    await door.sign_in()
    first = door.token
    elsewhere = browser(door.world, "198.51.100.7")
    await elsewhere.sign_in()
    await door.sign_in()
    assert (await door.get("/v1/me")).status_code == 200
    assert (await elsewhere.get("/v1/me")).status_code == 200
    door.token = first
    assert (await door.get("/v1/me")).status_code == 401


async def test_a_hash_weaker_than_todays_is_renewed(door: Browser) -> None:
    weak = argon2.using(type="ID", memory_cost=1024, rounds=1, parallelism=1).hash(PASSWORD)
    await sql(door.world, "UPDATE users SET password_hash = $1", weak)
    assert (await door.sign_in()).status_code == 200
    stored = "SELECT password_hash FROM users WHERE id = $1"
    (row,) = await sql(door.world, stored, id_of("worker_north"))
    assert "m=19456" in row["password_hash"]
    assert (await door.sign_in()).status_code == 200
