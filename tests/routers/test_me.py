"""One's own account: password, sessions, second factor."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pyotp
import pytest

from app.config import get_settings
from tests.routers.browsers import PASSWORD, Browser, browser, sql, with_password
from tests.world import World, id_of, token_of

ANOTHER = "a slower river in december"


@pytest.fixture
async def door(world: World) -> AsyncIterator[Browser]:
    found = await with_password(world)
    yield found
    await found.transport.aclose()


@pytest.fixture
def mfa_required(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FIRSTSTEP_REQUIRE_MFA", "true")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


async def call(door: Browser, method: str, path: str, json: Any = None) -> httpx.Response:
    bearer = {"authorization": f"Bearer {door.token}"}
    return await door.transport.request(method, path, json=json, headers=bearer)


async def enrol(door: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """Set a second factor up, with the code of the step before: the present one stays unused."""
    begun = await call(door, "POST", "/v1/me/mfa/totp")
    assert begun.status_code == 201, begun.text
    totp = pyotp.TOTP(begun.json()["secret"])
    confirmed = await call(door, "POST", "/v1/me/mfa/totp/confirm", {"code": earlier(totp)})
    assert confirmed.status_code == 200, confirmed.text
    return totp, confirmed.json()["recovery_codes"]


def earlier(totp: pyotp.TOTP) -> str:
    return totp.at(int(time.time()) - 30)


def fault(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


async def test_a_changed_password_ends_every_other_sign_in(door: Browser) -> None:
    elsewhere = browser(door.world, "198.51.100.7")
    await elsewhere.sign_in()
    await door.sign_in()
    change = {"current_password": PASSWORD, "new_password": ANOTHER}
    assert (await call(door, "POST", "/v1/me/password", change)).status_code == 204
    assert (await door.get("/v1/me")).status_code == 200
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await browser(door.world).sign_in()).status_code == 401
    assert (await browser(door.world).sign_in(password=ANOTHER)).status_code == 200


async def test_a_password_is_changed_by_who_knows_it_and_to_a_good_one(door: Browser) -> None:
    await door.sign_in()
    tries = {
        ("wrong one for sure", ANOTHER): "wrong",
        (PASSWORD, "tiny one"): "too_short",
        (PASSWORD, "password1234"): "breached",
        (PASSWORD, "worker_north in the hills"): "personal",
        (PASSWORD, PASSWORD): "unchanged",
    }
    for (current, new), code in tries.items():
        change = {"current_password": current, "new_password": new}
        answer = await call(door, "POST", "/v1/me/password", change)
        assert (answer.status_code, fault(answer)) == (422, code)
        assert new not in answer.text


async def test_a_stolen_token_does_not_help_to_guess_the_password(door: Browser) -> None:
    await door.sign_in()
    guess = {"current_password": "guess", "new_password": ANOTHER}
    answers = [(await call(door, "POST", "/v1/me/password", guess)).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert (await browser(door.world).sign_in()).status_code == 200


async def test_changes_of_the_account_ask_for_a_recent_sign_in(door: Browser) -> None:
    door.token = token_of("worker_north", auth_time=1)
    asked = [
        await call(door, "POST", "/v1/me/password", {"current_password": PASSWORD, "new_password": ANOTHER}),
        await call(door, "POST", "/v1/me/mfa/totp"),
        await call(door, "DELETE", "/v1/me/mfa/totp", {"password": PASSWORD}),
    ]
    assert {a.json()["type"] for a in asked} == {"urn:firststep:problem:step-up-required"}


async def test_sign_ins_are_listed_and_ended_one_by_one(door: Browser) -> None:
    elsewhere = browser(door.world, "198.51.100.7")
    await elsewhere.sign_in()
    await door.sign_in()
    listed = (await call(door, "GET", "/v1/me/sessions?limit=2")).json()
    assert [s["current"] for s in listed["items"]] == [True, False]
    assert [s["address"] for s in listed["items"]] == ["192.0.2.10", "198.51.100.7"]
    rest = await call(door, "GET", f"/v1/me/sessions?limit=2&cursor={listed['next_cursor']}")
    assert len(rest.json()["items"]) == 1
    other = listed["items"][1]["id"]
    assert (await call(door, "DELETE", f"/v1/me/sessions/{other}")).status_code == 204
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await call(door, "DELETE", f"/v1/me/sessions/{other}")).status_code == 404
    foreign = id_of("session of worker_south")
    assert (await call(door, "DELETE", f"/v1/me/sessions/{foreign}")).status_code == 404


async def test_who_fears_for_their_account_is_signed_out_everywhere(door: Browser) -> None:
    elsewhere = browser(door.world, "198.51.100.7")
    await elsewhere.sign_in()
    await door.sign_in()
    other = door.world.worker_south
    assert (await call(door, "DELETE", "/v1/me/sessions")).status_code == 204
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await door.get("/v1/me")).status_code == 401
    assert (await door.post("/v1/auth/refresh")).status_code == 401
    assert (await other.get("/v1/me")).status_code == 200
    assert (await browser(door.world).sign_in()).status_code == 200


async def test_once_set_up_the_code_is_asked_for_and_works_once(door: Browser) -> None:
    await door.sign_in()
    totp, recovery = await enrol(door)
    assert (await door.get("/v1/me")).json()["mfa_enrolled"] is True
    fresh = browser(door.world)
    needed = await fresh.sign_in()
    assert (needed.status_code, fault(needed)) == (401, "otp_required")
    assert "errors" not in (await fresh.sign_in(password="not this one, no")).json()
    assert fault(await fresh.sign_in(otp="000000")) == "otp_wrong"
    code = totp.now()
    assert (await fresh.sign_in(otp=code)).status_code == 200
    assert fault(await browser(door.world).sign_in(otp=code)) == "otp_wrong"
    assert (await browser(door.world).sign_in(otp=recovery[0].upper())).status_code == 200
    assert fault(await browser(door.world).sign_in(otp=recovery[0])) == "otp_wrong"
    assert (await browser(door.world).sign_in(otp=recovery[1])).status_code == 200
    stored = str(await sql(door.world, "SELECT totp_encrypted FROM users"))
    assert totp.secret not in stored


async def test_of_one_code_used_many_times_at_once_one_works(door: Browser) -> None:
    await door.sign_in()
    totp, _ = await enrol(door)
    code = totp.now()
    doors = [browser(door.world, f"192.0.2.{i}") for i in range(20, 26)]
    answers = await asyncio.gather(*(d.sign_in(otp=code) for d in doors))
    assert sorted(a.status_code for a in answers) == [200] + [401] * 5


async def test_codes_are_limited_from_everywhere_together(door: Browser) -> None:
    await door.sign_in()
    await enrol(door)
    guesses = [
        (await browser(door.world, f"192.0.2.{i}").sign_in(otp="000000")).status_code for i in range(30, 42)
    ]
    assert guesses[:10] == [401] * 10
    assert 429 in guesses[10:]
    assert (await browser(door.world, "198.51.100.9").sign_in()).status_code == 401
    assert (await browser(door.world, "198.51.100.9").sign_in("worker_south")).status_code == 200


async def test_a_second_factor_is_confirmed_by_its_code_and_removed_by_proof(door: Browser) -> None:
    await door.sign_in()
    assert (await call(door, "POST", "/v1/me/mfa/totp/confirm", {"code": "123456"})).status_code == 409
    first = (await call(door, "POST", "/v1/me/mfa/totp")).json()
    assert first["provisioning_uri"].startswith("otpauth://totp/First%20Step:worker_north%40fsc.example")
    wrong = await call(door, "POST", "/v1/me/mfa/totp/confirm", {"code": "000000"})
    assert (wrong.status_code, fault(wrong)) == (422, "code_wrong")
    await enrol(door)
    assert (await call(door, "POST", "/v1/me/mfa/totp")).status_code == 409
    bad = await call(door, "DELETE", "/v1/me/mfa/totp", {"password": "not this one, no"})
    assert (bad.status_code, fault(bad)) == (422, "proof_wrong")
    assert (await call(door, "DELETE", "/v1/me/mfa/totp", {})).status_code == 422
    assert (await call(door, "DELETE", "/v1/me/mfa/totp")).status_code == 422
    assert (await call(door, "DELETE", "/v1/me/mfa/totp", {"password": PASSWORD})).status_code == 204
    assert (await call(door, "DELETE", "/v1/me/mfa/totp", {"password": PASSWORD})).status_code == 404
    assert (await browser(door.world).sign_in()).status_code == 200


@pytest.mark.usefixtures("mfa_required")
async def test_who_must_enrol_can_do_nothing_else_until_then(door: Browser) -> None:
    assert (await door.sign_in()).json()["mfa_required"] is True
    for path in ("/v1/me", "/v1/me/sessions", "/v1/cases", "/v1/referrals"):
        refused = await door.get(path)
        assert refused.json()["type"] == "urn:firststep:problem:step-up-required", path
    await enrol(door)
    assert (await door.post("/v1/auth/refresh")).json()["mfa_required"] is False
    assert (await door.get("/v1/me")).status_code == 200
    assert (await browser(door.world).sign_in("finance")).json()["mfa_required"] is False
