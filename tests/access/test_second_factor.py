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
CURRENT_STEP = 60_000_000


def generate_code(step: int, secret: str = RFC_SECRET) -> str:
    return pyotp.TOTP(secret).generate_otp(step)


@pytest.mark.parametrize(("now", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_of_rfc_6238_are_accepted(now: int, code: str) -> None:
    assert match_totp_step(RFC_SECRET, code, after_step=None, now=now) == now // 30


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [(-2, None), (-1, CURRENT_STEP - 1), (0, CURRENT_STEP), (1, CURRENT_STEP + 1), (2, None)],
)
def test_code_is_accepted_one_step_before_and_after(offset: int, accepted: int | None) -> None:
    assert (
        match_totp_step(RFC_SECRET, generate_code(CURRENT_STEP + offset), after_step=None, now=NOW)
        == accepted
    )


def test_code_is_accepted_once() -> None:
    step = match_totp_step(RFC_SECRET, generate_code(CURRENT_STEP), after_step=CURRENT_STEP - 1, now=NOW)
    assert step == CURRENT_STEP
    assert match_totp_step(RFC_SECRET, generate_code(CURRENT_STEP), after_step=step, now=NOW + 29) is None
    assert match_totp_step(RFC_SECRET, generate_code(CURRENT_STEP - 1), after_step=step, now=NOW) is None
    assert (
        match_totp_step(RFC_SECRET, generate_code(CURRENT_STEP + 1), after_step=step, now=NOW + 30)
        == CURRENT_STEP + 1
    )


def test_code_of_another_secret_is_rejected() -> None:
    secret = next(
        s
        for s in iter(generate_totp_secret, "")
        if generate_code(CURRENT_STEP, s) != generate_code(CURRENT_STEP)
    )
    assert match_totp_step(secret, generate_code(CURRENT_STEP), after_step=CURRENT_STEP - 1, now=NOW) is None


def test_code_with_spaces_dashes_or_digits_of_another_script_is_accepted() -> None:
    code = generate_code(CURRENT_STEP)
    khmer = code.translate({48 + digit: 0x17E0 + digit for digit in range(10)})
    for typed in (f"{code[:3]} {code[3:]}", f" {code[:3]}-{code[3:]}\n", khmer, f"{code}\u200b"):
        assert match_totp_step(RFC_SECRET, typed, after_step=None, now=NOW) == CURRENT_STEP, typed


@pytest.mark.parametrize("code", ["", "12345", "1234567", "-12345", "12345a", "287.82", "\ud800" * 6])
def test_code_that_is_not_six_digits_is_rejected(code: str) -> None:
    assert match_totp_step(RFC_SECRET, code, after_step=None, now=59) is None


def test_code_of_time_step_zero_is_accepted_if_no_code_was_used_before() -> None:
    assert match_totp_step(RFC_SECRET, generate_code(0), after_step=None, now=0) == 0


@given(st.integers(0, 999_999))
def test_only_the_three_current_codes_are_accepted(guess: int) -> None:
    code = f"{guess:06}"
    current_codes = {generate_code(CURRENT_STEP + offset) for offset in (-1, 0, 1)}
    assert (match_totp_step(RFC_SECRET, code, after_step=None, now=NOW) is not None) == (
        code in current_codes
    )


def test_secrets_have_160_bits_and_are_unique() -> None:
    generated = {generate_totp_secret() for _ in range(100)}
    assert len(generated) == 100
    assert all(re.fullmatch(r"[A-Z2-7]{32}", secret) for secret in generated)


def test_provisioning_uri_contains_issuer_and_account() -> None:
    uri = build_provisioning_uri("sok@example.org", RFC_SECRET)
    parsed = pyotp.parse_uri(uri)
    assert (parsed.issuer, parsed.name, parsed.secret) == ("First Step", "sok@example.org", RFC_SECRET)


def test_ten_long_recovery_codes_are_generated() -> None:
    codes = generate_recovery_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([0-9a-hj-km-np-tv-z]{4}-){5}[0-9a-hj-km-np-tv-z]{4}", code) for code in codes)


def test_recovery_code_matches_regardless_of_notation() -> None:
    codes = generate_recovery_codes()
    stored_hashes = [hash_recovery_code(code) for code in codes]
    typed = codes[7].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    assert find_recovery_code_hash(typed, stored_hashes) == stored_hashes[7]
    assert find_recovery_code_hash(codes[7], stored_hashes[:7]) is None


@pytest.mark.parametrize("code", ["", "-", "0000-0000-0000-0000-0000-0000", "\ud800", "x" * 10_000])
def test_text_that_is_not_a_recovery_code_does_not_match(code: str) -> None:
    assert (
        find_recovery_code_hash(code, [hash_recovery_code(other) for other in generate_recovery_codes()])
        is None
    )


def test_stored_hash_does_not_contain_the_code() -> None:
    (code, *_) = generate_recovery_codes()
    assert len(hash_recovery_code(code)) == 32
    assert code.encode() not in hash_recovery_code(code)
