import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib.hash import argon2

from app.access.password_strength import check_password_strength, load_breached_passwords
from app.access.passwords import (
    _DUMMY_HASH,
    generate_client_secret,
    hash_password,
    hash_secret,
    verify_password,
    verify_secret,
)

GOOD_PASSWORD = "rain-lotus-bicycle"


def list_weaknesses(password: str, *words: str) -> list[str]:
    return [fault.code for fault in check_password_strength(password, *words)]


async def test_hash_is_salted_argon2id_with_owasp_parameters() -> None:
    first, second = await hash_password(GOOD_PASSWORD), await hash_password(GOOD_PASSWORD)
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


async def test_correct_password_is_accepted_without_new_hash() -> None:
    assert await verify_password(GOOD_PASSWORD, await hash_password(GOOD_PASSWORD)) == (True, None)


async def test_password_is_verified_exactly_as_sent() -> None:
    long_password = "ស" * 120 + "12345678"
    stored_hash = await hash_password(long_password)
    for other in (
        long_password[:-1],
        long_password + " ",
        " " + long_password,
        long_password.replace("8", "9"),
        "",
    ):
        assert await verify_password(other, stored_hash) == (False, None)
    assert await verify_password(long_password, stored_hash) == (True, None)
    assert await verify_password(GOOD_PASSWORD.upper(), await hash_password(GOOD_PASSWORD)) == (False, None)


@pytest.mark.parametrize(
    "weaker_parameters", [{"memory_cost": 8192}, {"rounds": 1}, {"type": "I"}, {"parallelism": 4}]
)
async def test_hash_with_weaker_parameters_is_replaced(weaker_parameters: dict[str, int | str]) -> None:
    current_parameters = {"type": "ID", "memory_cost": 19456, "rounds": 2, "parallelism": 1}
    stored_hash = str(argon2.using(**(current_parameters | weaker_parameters)).hash(GOOD_PASSWORD))
    is_correct, new_hash = await verify_password(GOOD_PASSWORD, stored_hash)
    assert is_correct
    assert new_hash is not None
    assert await verify_password(GOOD_PASSWORD, new_hash) == (True, None)
    assert await verify_password(GOOD_PASSWORD + "!", stored_hash) == (False, None)


@pytest.mark.parametrize(
    "stored_hash", ["", "garbage", "$argon2id$v=19$m=19456,t=2,p=1$", GOOD_PASSWORD, "$2b$12$abc"]
)
async def test_damaged_hash_matches_no_password(stored_hash: str) -> None:
    assert await verify_password(GOOD_PASSWORD, stored_hash) == (False, None)


@pytest.mark.parametrize("password", ["", "\ud800" * 12, "\0" * 12, "x" * 100_000])
async def test_unusual_passwords_are_rejected_without_exception(password: str) -> None:
    assert await verify_password(password, await hash_password(GOOD_PASSWORD)) == (False, None)
    assert await verify_password(password, None) == (False, None)


async def test_unknown_user_takes_as_long_as_wrong_password() -> None:
    real_hash = await hash_password(GOOD_PASSWORD)
    assert _DUMMY_HASH.rpartition("p=1$")[:2] == real_hash.rpartition("p=1$")[:2]
    assert len(_DUMMY_HASH) == len(real_hash)
    known, unknown, overlong = [
        await measure_fastest_verification("wrong", real_hash),
        await measure_fastest_verification("wrong", None),
        await measure_fastest_verification("x" * 129, real_hash),
    ]
    assert unknown > known / 3
    assert overlong > known / 3


async def measure_fastest_verification(password: str, stored_hash: str | None) -> float:
    times = []
    for _ in range(4):
        started = time.perf_counter()
        assert await verify_password(password, stored_hash) == (False, None)
        times.append(time.perf_counter() - started)
    return min(times)


async def test_event_loop_is_not_blocked_by_hashing() -> None:
    hashing = asyncio.gather(*(hash_password(GOOD_PASSWORD) for _ in range(4)))
    ticks = 0
    while not hashing.done():
        await asyncio.sleep(0.002)
        ticks += 1
    await hashing
    assert ticks >= 5


def test_hashing_raises_no_warnings() -> None:
    script = "import app.access.passwords as p; assert p._hash_password('a').startswith('$argon2id$')"
    root = Path(__file__).parents[2]
    process = subprocess.run(  # the same interpreter with a fixed script
        [sys.executable, "-W", "error", "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize(
    "password",
    [
        GOOD_PASSWORD,
        "correct horse battery staple",
        "Xk29!pQz81mL",
        "ស្រលាញ់កម្ពុជាណាស់",
        "            nothing but",
        "tr0ub4dor&3xyz",
        "é" * 4 + "ваьпюкто",
    ],
)
def test_long_password_of_any_characters_is_accepted(password: str) -> None:
    assert list_weaknesses(password) == []


@pytest.mark.parametrize(
    ("length", "expected"), [(11, ["too_short"]), (12, []), (64, []), (128, []), (129, ["too_long"])]
)
def test_password_length_is_limited(length: int, expected: list[str]) -> None:
    assert list_weaknesses(("vkqmwzjhxgtbpn" * 10)[:length]) == expected


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "PASSWORD1234",
        "P@ssw0rd2024!",
        "1qaz2wsx3edc",
        "correcthorsebatterystaple",
        "Cambodia2024!",
        "iloveyou!!!!",
        "--welcome--123",
    ],
)
def test_variation_of_breached_password_is_rejected(password: str) -> None:
    assert list_weaknesses(password) == ["breached"]


@pytest.mark.parametrize(
    "password",
    [
        "abcdeabcdeab",
        "zzzzzzzzzzzzzzz",
        "Sokha1234567",
        "poiuytrewqasdf",
        "3456789012x34",
        "hgfedcbazyxw",
        "aaaaabbbbbccccc",
        "sovannsovannsovann",
    ],
)
def test_predictable_password_is_rejected(password: str) -> None:
    assert list_weaknesses(password) == ["predictable"]


@pytest.mark.parametrize(
    ("password", "word", "expected"),
    [
        ("my-Dara.Sok-likes-rice", "dara.sok@example.org", ["personal"]),
        ("my-dara-likes-rice", "dara.sok@example.org", []),
        ("lotus-PISETH-river", "Piseth", ["personal"]),
        ("river-and-anchors", "an@example.org", []),
        ("example.org-is-fine", "dara.sok@example.org", []),
        (GOOD_PASSWORD, "", []),
    ],
)
def test_password_containing_address_or_name_is_rejected(
    password: str, word: str, expected: list[str]
) -> None:
    assert list_weaknesses(password, word) == expected


def test_lone_surrogate_is_rejected() -> None:
    assert list_weaknesses("lotus-river-\ud800") == ["not_text"]


@given(st.text(max_size=200))
def test_faults_do_not_quote_the_password(password: str) -> None:
    for fault in check_password_strength(password, "dara@example.org", pointer="/new_password"):
        assert fault.pointer == "/new_password"
        assert len(password) < 12 or password not in fault.detail


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789"), min_size=16, max_size=16))
def test_strength_check_takes_bounded_time(password: str) -> None:
    assert set(list_weaknesses(password)) <= {"predictable", "breached"}


def test_every_entry_of_built_in_list_is_rejected() -> None:
    lines = (
        (Path(sys.modules["app.access.passwords"].__file__ or "").parent / "breached_passwords.txt")
        .read_text()
        .splitlines()
    )
    long_lines = [line for line in lines if len(line) >= 12]
    assert len(long_lines) >= 500
    assert len(lines) == len(set(lines))
    assert all(list_weaknesses(line) == ["breached"] for line in long_lines)


def test_additional_list_of_operator_is_used(tmp_path: Path) -> None:
    additional_list = tmp_path / "more.txt"
    additional_list.write_bytes(b"short\r\nLotus-River-Mango\r\n\xff\xfe\n")
    assert [f.code for f in check_password_strength("lotus-river-mango", breached_file=additional_list)] == [
        "breached"
    ]
    assert check_password_strength("lotus-river-papaya", breached_file=additional_list) == []
    assert len(load_breached_passwords(additional_list)) == 1


def test_client_secret_has_256_bits_and_is_verified_by_its_hash() -> None:
    client_secrets = [generate_client_secret() for _ in range(100)]
    assert len(set(client_secrets)) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in client_secrets)
    stored_hash = hash_secret(client_secrets[0])
    assert len(stored_hash) == 32
    assert verify_secret(client_secrets[0], stored_hash)
    assert not any(verify_secret(other, stored_hash) for other in [*client_secrets[1:], "", "\ud800", "ក"])
