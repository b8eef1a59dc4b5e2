import re

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.second_factor import (
    build_provisioning_uri,
    find_recovery_code_hash,
    generate_recovery_codes,
    generate_totp_secret,
    hash_recovery_code,
    match_totp_step,
)

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NOW = 1_800_000_000.0
STEP = 60_000_000


def code_of(step: int, secret: str = RFC_SECRET) -> str:
    return pyotp.TOTP(secret).generate_otp(step)


@pytest.mark.parametrize(("now", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(now: int, code: str) -> None:
    assert match_totp_step(RFC_SECRET, code, after_step=None, now=now) == now // 30


@pytest.mark.parametrize(
    ("offset", "accepted"), [(-2, None), (-1, STEP - 1), (0, STEP), (1, STEP + 1), (2, None)]
)
def test_one_step_before_and_after_still_counts(offset: int, accepted: int | None) -> None:
    assert match_totp_step(RFC_SECRET, code_of(STEP + offset), after_step=None, now=NOW) == accepted


def test_a_code_works_once() -> None:
    step = match_totp_step(RFC_SECRET, code_of(STEP), after_step=STEP - 1, now=NOW)
    assert step == STEP
    assert match_totp_step(RFC_SECRET, code_of(STEP), after_step=step, now=NOW + 29) is None
    assert match_totp_step(RFC_SECRET, code_of(STEP - 1), after_step=step, now=NOW) is None
    assert match_totp_step(RFC_SECRET, code_of(STEP + 1), after_step=step, now=NOW + 30) == STEP + 1


def test_another_secrets_code_is_refused() -> None:
    secret = next(s for s in iter(generate_totp_secret, "") if code_of(STEP, s) != code_of(STEP))
    assert match_totp_step(secret, code_of(STEP), after_step=STEP - 1, now=NOW) is None


def test_a_code_may_be_typed_in_two_halves() -> None:
    code = code_of(STEP)
    assert match_totp_step(RFC_SECRET, f"{code[:3]} {code[3:]}", after_step=None, now=NOW) == STEP


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "-12345", "12345a", "២៨៧០៨២", "２８７０８２", "287\n082", "\ud800" * 6]
)
def test_what_is_not_six_digits_is_refused(code: str) -> None:
    assert match_totp_step(RFC_SECRET, code, after_step=None, now=59) is None


def test_the_first_seconds_of_1970_have_no_step_before_them() -> None:
    assert match_totp_step(RFC_SECRET, code_of(0), after_step=None, now=0) == 0


@given(st.integers(0, 999_999))
def test_a_guess_is_right_only_for_the_three_present_codes(guess: int) -> None:
    code = f"{guess:06}"
    present = {code_of(STEP + offset) for offset in (-1, 0, 1)}
    assert (match_totp_step(RFC_SECRET, code, after_step=None, now=NOW) is not None) == (code in present)


def test_secrets_have_160_bits_and_never_repeat() -> None:
    made = {generate_totp_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Z2-7]{32}", secret) for secret in made)


def test_the_uri_names_issuer_and_account() -> None:
    uri = build_provisioning_uri("sok@example.org", RFC_SECRET)
    parsed = pyotp.parse_uri(uri)
    assert (parsed.issuer, parsed.name, parsed.secret) == ("First Step", "sok@example.org", RFC_SECRET)


def test_ten_recovery_codes_are_made_too_long_to_guess() -> None:
    codes = generate_recovery_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([0-9a-hj-km-np-tv-z]{4}-){5}[0-9a-hj-km-np-tv-z]{4}", code) for code in codes)


def test_a_recovery_code_is_found_however_it_was_typed() -> None:
    codes = generate_recovery_codes()
    stored = [hash_recovery_code(code) for code in codes]
    typed = codes[7].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    assert find_recovery_code_hash(typed, stored) == stored[7]
    assert find_recovery_code_hash(codes[7], stored[:7]) is None


@pytest.mark.parametrize("code", ["", "-", "0000-0000-0000-0000-0000-0000", "\ud800", "x" * 10_000])
def test_what_is_no_recovery_code_is_not_found(code: str) -> None:
    assert (
        find_recovery_code_hash(code, [hash_recovery_code(made) for made in generate_recovery_codes()])
        is None
    )


def test_what_is_stored_does_not_show_the_code() -> None:
    (code, *_) = generate_recovery_codes()
    assert len(hash_recovery_code(code)) == 32
    assert code.encode() not in hash_recovery_code(code)
