"""The caller's own account: password, sessions, second factor."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pyotp
import pytest

from app.config import Settings, get_settings
from tests.support.browser import USER_PASSWORD, Browser, open_browser, open_browser_with_passwords, run_sql
from tests.support.scenario import STAFF, Scenario, access_token_of, id_of

ANOTHER = "a slower river in december"
TOTP_PATH = "/v1/me/mfa/totp"
CONFIRM_PATH = f"{TOTP_PATH}/confirm"


@pytest.fixture
async def browser(scenario: Scenario) -> AsyncIterator[Browser]:
    opened_browser = await open_browser_with_passwords(scenario)
    yield opened_browser
    await opened_browser.http.aclose()


@pytest.fixture
def mfa_required(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FIRSTSTEP_REQUIRE_MFA", "true")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


async def call(browser: Browser, method: str, path: str, json: Any = None) -> httpx.Response:
    bearer = {"authorization": f"Bearer {browser.token}"}
    return await browser.http.request(method, path, json=json, headers=bearer)


async def enrol(browser: Browser, **proof: str) -> tuple[pyotp.TOTP, list[str]]:
    """Enrol a second factor with the code of the previous time step, so that the current code stays unused."""
    begun = await call(browser, "POST", TOTP_PATH, {"password": USER_PASSWORD, **proof})
    assert begun.status_code == 201, begun.text
    totp = pyotp.TOTP(begun.json()["secret"])
    await wait_for_steady_time_step()
    confirmed = await call(browser, "POST", CONFIRM_PATH, {"code": earlier(totp)})
    assert confirmed.status_code == 200, confirmed.text
    return totp, confirmed.json()["recovery_codes"]


async def wait_for_steady_time_step() -> None:
    """Wait until the current time step lasts at least five more seconds, so that codes do not expire during the test."""
    remaining = 30 - time.time() % 30
    if remaining < 5:
        await asyncio.sleep(remaining)


def earlier(totp: pyotp.TOTP) -> str:
    return totp.at(int(time.time()) - 30)


def fault(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["code"])


async def test_password_change_ends_all_other_sessions(browser: Browser) -> None:
    elsewhere = open_browser(browser.scenario, "198.51.100.7")
    await elsewhere.sign_in()
    await browser.sign_in()
    change = {"current_password": USER_PASSWORD, "new_password": ANOTHER}
    assert (await call(browser, "POST", "/v1/me/password", change)).status_code == 204
    assert (await browser.get("/v1/me")).status_code == 200
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await open_browser(browser.scenario).sign_in()).status_code == 401
    assert (await open_browser(browser.scenario).sign_in(password=ANOTHER)).status_code == 200


async def test_password_change_requires_current_and_strong_new_password(browser: Browser) -> None:
    await browser.sign_in()
    tries = {
        ("wrong one for sure", ANOTHER): "wrong",
        (USER_PASSWORD, "tiny one"): "too_short",
        (USER_PASSWORD, "password1234"): "breached",
        (USER_PASSWORD, "worker_north in the hills"): "personal",
        (USER_PASSWORD, USER_PASSWORD): "unchanged",
    }
    for (current, new), code in tries.items():
        change = {"current_password": current, "new_password": new}
        response = await call(browser, "POST", "/v1/me/password", change)
        assert (response.status_code, fault(response)) == (422, code)
        assert new not in response.text


async def test_password_guesses_are_limited_for_authenticated_callers(browser: Browser) -> None:
    await browser.sign_in()
    guess = {"current_password": "guess", "new_password": ANOTHER}
    responses = [(await call(browser, "POST", "/v1/me/password", guess)).status_code for _ in range(6)]
    assert responses == [422] * 5 + [429]
    assert (await open_browser(browser.scenario).sign_in()).status_code == 200


async def test_account_changes_require_recent_sign_in(browser: Browser) -> None:
    browser.token = access_token_of("worker_north", auth_time=1)
    responses = [
        await call(
            browser, "POST", "/v1/me/password", {"current_password": USER_PASSWORD, "new_password": ANOTHER}
        ),
        await call(browser, "POST", TOTP_PATH, {"password": USER_PASSWORD}),
        await call(browser, "DELETE", TOTP_PATH, {"password": USER_PASSWORD}),
    ]
    assert {a.json()["type"] for a in responses} == {"urn:firststep:problem:step-up-required"}


async def test_sessions_are_listed_and_can_be_ended(browser: Browser) -> None:
    elsewhere = open_browser(browser.scenario, "198.51.100.7")
    await elsewhere.sign_in()
    await browser.sign_in()
    page = (await call(browser, "GET", "/v1/me/sessions?limit=2")).json()
    assert [s["current"] for s in page["items"]] == [True, False]
    assert [s["address"] for s in page["items"]] == ["192.0.2.10", "198.51.100.7"]
    rest = await call(browser, "GET", f"/v1/me/sessions?limit=2&cursor={page['next_cursor']}")
    assert len(rest.json()["items"]) == 1
    other = page["items"][1]["id"]
    assert (await call(browser, "DELETE", f"/v1/me/sessions/{other}")).status_code == 204
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await call(browser, "DELETE", f"/v1/me/sessions/{other}")).status_code == 404
    foreign = id_of("session of worker_south")
    assert (await call(browser, "DELETE", f"/v1/me/sessions/{foreign}")).status_code == 404


async def test_all_own_sessions_can_be_ended(browser: Browser) -> None:
    elsewhere = open_browser(browser.scenario, "198.51.100.7")
    await elsewhere.sign_in()
    await browser.sign_in()
    other = browser.scenario.worker_south
    assert (await call(browser, "DELETE", "/v1/me/sessions")).status_code == 204
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await browser.post("/v1/auth/refresh")).status_code == 401
    assert (await other.get("/v1/me")).status_code == 200
    assert (await open_browser(browser.scenario).sign_in()).status_code == 200


async def test_enrolled_user_needs_an_unused_code(browser: Browser) -> None:
    await browser.sign_in()
    totp, recovery = await enrol(browser)
    assert (await browser.get("/v1/me")).json()["mfa_enrolled"] is True
    fresh = open_browser(browser.scenario)
    needed = await fresh.sign_in()
    assert (needed.status_code, fault(needed)) == (401, "otp_required")
    assert "errors" not in (await fresh.sign_in(password="not this one, no")).json()
    assert fault(await fresh.sign_in(otp="000000")) == "otp_wrong"
    code = totp.now()
    assert (await fresh.sign_in(otp=code)).status_code == 200
    assert fault(await open_browser(browser.scenario).sign_in(otp=code)) == "otp_wrong"
    assert (await open_browser(browser.scenario).sign_in(otp=recovery[0].upper())).status_code == 200
    assert fault(await open_browser(browser.scenario).sign_in(otp=recovery[0])) == "otp_wrong"
    assert (await open_browser(browser.scenario).sign_in(otp=recovery[1])).status_code == 200
    stored = str(await run_sql(browser.scenario, "SELECT totp_encrypted FROM users"))
    assert totp.secret not in stored


async def test_code_works_once_under_concurrency(browser: Browser) -> None:
    await browser.sign_in()
    totp, _ = await enrol(browser)
    code = totp.now()
    browsers = [open_browser(browser.scenario, f"192.0.2.{i}") for i in range(20, 26)]
    responses = await asyncio.gather(*(d.sign_in(otp=code) for d in browsers))
    assert sorted(a.status_code for a in responses) == [200] + [401] * 5


async def test_code_attempts_are_limited_across_addresses(browser: Browser) -> None:
    await browser.sign_in()
    await enrol(browser)
    guesses = [
        (await open_browser(browser.scenario, f"192.0.2.{i}").sign_in(otp="000000")).status_code
        for i in range(30, 42)
    ]
    assert guesses[:10] == [401] * 10
    assert 429 in guesses[10:]
    assert (await open_browser(browser.scenario, "198.51.100.9").sign_in()).status_code == 401
    assert (await open_browser(browser.scenario, "198.51.100.9").sign_in("worker_south")).status_code == 200


async def test_second_factor_needs_its_first_code_to_become_active(browser: Browser) -> None:
    await browser.sign_in()
    assert (await call(browser, "POST", CONFIRM_PATH, {"code": "123456"})).status_code == 409
    first = (await call(browser, "POST", TOTP_PATH, {"password": USER_PASSWORD})).json()
    assert first["provisioning_uri"].startswith("otpauth://totp/First%20Step:worker_north%40fsc.example")
    wrong = await call(browser, "POST", CONFIRM_PATH, {"code": "000000"})
    assert (wrong.status_code, fault(wrong)) == (422, "code_wrong")
    assert (await open_browser(browser.scenario).sign_in()).status_code == 200
    await enrol(browser)
    assert (await call(browser, "POST", CONFIRM_PATH, {"code": "123456"})).status_code == 409


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_stolen_access_token_does_not_change_the_second_factor(browser: Browser, method: str) -> None:
    """Before and after the enrolment, the token alone, the password alone and a code alone are refused."""
    await browser.sign_in()
    for proof, code in (
        (None, "missing"),
        ({"code": "123456"}, "missing"),
        ({"password": "not this one, no"}, "wrong"),
    ):
        refused = await call(browser, method, TOTP_PATH, proof)
        assert (refused.status_code, fault(refused)) == (422, code), proof
    totp, _ = await enrol(browser)
    stored = "SELECT totp_encrypted, totp_confirmed_at FROM users WHERE id = $1"
    before = await run_sql(browser.scenario, stored, id_of("worker_north"))
    for proof, code in (
        ({}, "missing"),
        ({"code": totp.now()}, "missing"),
        ({"password": USER_PASSWORD}, "otp_required"),
        ({"password": USER_PASSWORD, "code": "000000"}, "otp_wrong"),
        ({"password": "not this one, no", "code": totp.now()}, "wrong"),
    ):
        refused = await call(browser, method, TOTP_PATH, proof)
        assert (refused.status_code, fault(refused)) == (422, code), proof
    assert await run_sql(browser.scenario, stored, id_of("worker_north")) == before
    accepted = await call(browser, method, TOTP_PATH, {"password": USER_PASSWORD, "code": totp.now()})
    assert accepted.status_code == (201 if method == "POST" else 204)


async def test_proofs_of_the_second_factor_are_throttled(browser: Browser) -> None:
    await browser.sign_in()
    await enrol(browser)
    guess = {"password": USER_PASSWORD, "code": "000000"}
    responses = [(await call(browser, "DELETE", TOTP_PATH, guess)).status_code for _ in range(6)]
    assert responses[:5] == [422] * 5
    blocked = "UPDATE sign_in_attempts SET blocked_until = now() + interval '9 seconds' WHERE blocked_until IS NOT NULL"
    await run_sql(browser.scenario, blocked)
    for method, path in (("DELETE", TOTP_PATH), ("POST", TOTP_PATH)):
        assert (await call(browser, method, path, guess)).status_code == 429
    change = {"current_password": USER_PASSWORD, "new_password": ANOTHER, "code": "000000"}
    assert (await call(browser, "POST", "/v1/me/password", change)).status_code == 429


async def test_new_second_factor_replaces_the_old_one_when_it_is_confirmed(browser: Browser) -> None:
    await browser.sign_in()
    old, old_recovery_codes = await enrol(browser)
    elsewhere = open_browser(browser.scenario, "198.51.100.7")
    await elsewhere.sign_in(otp=old_recovery_codes[0])
    begun = await call(browser, "POST", TOTP_PATH, {"password": USER_PASSWORD, "code": old_recovery_codes[1]})
    new = pyotp.TOTP(begun.json()["secret"])
    await wait_for_steady_time_step()
    assert fault(await open_browser(browser.scenario).sign_in(otp=earlier(new))) == "otp_wrong"
    assert (await open_browser(browser.scenario).sign_in(otp=old.now())).status_code == 200
    assert (await elsewhere.get("/v1/me")).status_code == 200
    assert (await call(browser, "POST", CONFIRM_PATH, {"code": earlier(new)})).status_code == 200
    assert (await elsewhere.get("/v1/me")).status_code == 401
    assert (await browser.get("/v1/me")).status_code == 200
    for rejected in (old.at(int(time.time()) + 30), old_recovery_codes[2]):
        assert fault(await open_browser(browser.scenario).sign_in(otp=rejected)) == "otp_wrong"
    assert (await open_browser(browser.scenario).sign_in(otp=new.now())).status_code == 200


async def test_removal_of_the_second_factor_ends_every_session(browser: Browser) -> None:
    # Catches: the current session is kept: its tokens would be valid without the factor that they were issued for.
    await browser.sign_in()
    _, recovery_codes = await enrol(browser)
    elsewhere = open_browser(browser.scenario, "198.51.100.7")
    await elsewhere.sign_in(otp=recovery_codes[0])
    proof = {"password": USER_PASSWORD, "code": recovery_codes[1]}
    assert (await call(browser, "DELETE", TOTP_PATH, proof)).status_code == 204
    for ended in (browser, elsewhere):
        assert (await ended.get("/v1/me")).status_code == 401
        assert (await ended.post("/v1/auth/refresh")).status_code == 401
    assert (await browser.sign_in()).status_code == 200
    assert (await call(browser, "DELETE", TOTP_PATH, proof)).status_code == 404


async def test_password_change_needs_a_code_of_the_second_factor(browser: Browser) -> None:
    await browser.sign_in()
    totp, _ = await enrol(browser)
    change = {"current_password": USER_PASSWORD, "new_password": ANOTHER}
    for code, expected in ({}, "otp_required"), ({"code": "000000"}, "otp_wrong"):
        refused = await call(browser, "POST", "/v1/me/password", {**change, **code})
        assert (refused.status_code, fault(refused)) == (422, expected)
    weak = await call(
        browser, "POST", "/v1/me/password", {**change, "new_password": "tiny one", "code": totp.now()}
    )
    assert fault(weak) == "too_short"
    accepted = await call(browser, "POST", "/v1/me/password", {**change, "code": totp.now()})
    assert accepted.status_code == 204, "the rejected request did not use up the code"
    assert (
        fault(await open_browser(browser.scenario).sign_in(password=ANOTHER, otp=totp.now())) == "otp_wrong"
    )


@pytest.mark.usefixtures("mfa_required")
@pytest.mark.parametrize("name", STAFF)
async def test_user_of_every_role_must_enrol_before_anything_else(browser: Browser, name: str) -> None:
    assert (await browser.sign_in(name)).json()["mfa_required"] is True
    for path in ("/v1/me", "/v1/me/sessions", "/v1/cases", "/v1/referrals", "/v1/users", "/v1/funds"):
        rejected = await browser.get(path)
        assert rejected.json()["type"] == "urn:firststep:problem:step-up-required", path
    await enrol(browser)
    assert (await browser.post("/v1/auth/refresh")).json()["mfa_required"] is False
    me = (await browser.get("/v1/me")).json()
    assert (me["mfa_required"], me["mfa_enrolled"]) == (True, True)


def test_second_factor_is_required_in_production_and_optional_in_demonstration_mode() -> None:
    required = {
        (mode, required): Settings(mode=mode, require_mfa=required).is_mfa_required
        for mode in ("demo", "production")
        for required in (True, False)
    }
    assert required == {
        ("demo", True): True,
        ("demo", False): False,
        ("production", True): True,
        ("production", False): True,
    }
