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

GOOD = "rain-lotus-bicycle"


def codes(password: str, *words: str) -> list[str]:
    return [fault.code for fault in check_password_strength(password, *words)]


async def test_hashes_are_argon2id_with_owasps_parameters_and_salted() -> None:
    first, second = await hash_password(GOOD), await hash_password(GOOD)
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


async def test_the_right_password_is_accepted_and_needs_no_new_hash() -> None:
    assert await verify_password(GOOD, await hash_password(GOOD)) == (True, None)


async def test_a_password_counts_exactly_as_sent() -> None:
    long = "ស" * 120 + "12345678"
    stored = await hash_password(long)
    for other in (long[:-1], long + " ", " " + long, long.replace("8", "9"), ""):
        assert await verify_password(other, stored) == (False, None)
    assert await verify_password(long, stored) == (True, None)
    assert await verify_password(GOOD.upper(), await hash_password(GOOD)) == (False, None)


@pytest.mark.parametrize("weaker", [{"memory_cost": 8192}, {"rounds": 1}, {"type": "I"}, {"parallelism": 4}])
async def test_a_hash_unlike_todays_is_renewed(weaker: dict[str, int | str]) -> None:
    today = {"type": "ID", "memory_cost": 19456, "rounds": 2, "parallelism": 1}
    stored = str(argon2.using(**(today | weaker)).hash(GOOD))
    right, renewed = await verify_password(GOOD, stored)
    assert right
    assert renewed is not None
    assert await verify_password(GOOD, renewed) == (True, None)
    assert await verify_password(GOOD + "!", stored) == (False, None)


@pytest.mark.parametrize("stored", ["", "garbage", "$argon2id$v=19$m=19456,t=2,p=1$", GOOD, "$2b$12$abc"])
async def test_a_damaged_hash_lets_nobody_in(stored: str) -> None:
    assert await verify_password(GOOD, stored) == (False, None)


@pytest.mark.parametrize("password", ["", "\ud800" * 12, "\0" * 12, "x" * 100_000])
async def test_no_input_makes_verifying_fail_differently(password: str) -> None:
    assert await verify_password(password, await hash_password(GOOD)) == (False, None)
    assert await verify_password(password, None) == (False, None)


async def test_an_unknown_person_costs_as_much_as_a_wrong_password() -> None:
    real = await hash_password(GOOD)
    assert _DUMMY_HASH.rpartition("p=1$")[:2] == real.rpartition("p=1$")[:2]
    assert len(_DUMMY_HASH) == len(real)
    known, unknown, overlong = [
        await fastest("wrong", real),
        await fastest("wrong", None),
        await fastest("x" * 129, real),
    ]
    assert unknown > known / 3
    assert overlong > known / 3


async def fastest(password: str, stored: str | None) -> float:
    times = []
    for _ in range(4):
        started = time.perf_counter()
        assert await verify_password(password, stored) == (False, None)
        times.append(time.perf_counter() - started)
    return min(times)


async def test_the_event_loop_stays_free_while_passwords_are_checked() -> None:
    work = asyncio.gather(*(hash_password(GOOD) for _ in range(4)))
    ticks = 0
    while not work.done():
        await asyncio.sleep(0.002)
        ticks += 1
    await work
    assert ticks >= 5


def test_the_library_warns_about_nothing() -> None:
    probe = "import app.access.passwords as p; assert p._hash_password('a').startswith('$argon2id$')"
    root = Path(__file__).parents[2]
    run = subprocess.run(  # our own interpreter, our own probe
        [sys.executable, "-W", "error", "-c", probe], cwd=root, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct horse battery staple",
        "Xk29!pQz81mL",
        "ស្រលាញ់កម្ពុជាណាស់",
        "            nothing but",
        "tr0ub4dor&3xyz",
        "é" * 4 + "ваьпюкто",
    ],
)
def test_long_passwords_of_any_kind_are_welcome(password: str) -> None:
    assert codes(password) == []


@pytest.mark.parametrize(
    ("length", "expected"), [(11, ["too_short"]), (12, []), (64, []), (128, []), (129, ["too_long"])]
)
def test_only_the_length_is_prescribed(length: int, expected: list[str]) -> None:
    assert codes(("vkqmwzjhxgtbpn" * 10)[:length]) == expected


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
def test_breached_passwords_are_refused_in_any_dress(password: str) -> None:
    assert codes(password) == ["breached"]


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
def test_patterns_are_refused_without_a_list(password: str) -> None:
    assert codes(password) == ["predictable"]


@pytest.mark.parametrize(
    ("password", "word", "expected"),
    [
        ("my-Dara.Sok-likes-rice", "dara.sok@example.org", ["personal"]),
        ("my-dara-likes-rice", "dara.sok@example.org", []),
        ("lotus-PISETH-river", "Piseth", ["personal"]),
        ("river-and-anchors", "an@example.org", []),
        ("example.org-is-fine", "dara.sok@example.org", []),
        (GOOD, "", []),
    ],
)
def test_a_password_must_not_contain_the_persons_address_or_name(
    password: str, word: str, expected: list[str]
) -> None:
    assert codes(password, word) == expected


def test_a_lone_surrogate_is_refused_before_it_can_be_hashed() -> None:
    assert codes("lotus-river-\ud800") == ["not_text"]


@given(st.text(max_size=200))
def test_faults_never_quote_the_password_and_never_fail(password: str) -> None:
    for fault in check_password_strength(password, "dara@example.org", pointer="/new_password"):
        assert fault.pointer == "/new_password"
        assert len(password) < 12 or password not in fault.detail


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789"), min_size=16, max_size=16))
def test_the_checks_take_bounded_time(password: str) -> None:
    assert set(codes(password)) <= {"predictable", "breached"}


def test_the_list_shipped_is_long_enough_and_each_line_is_refused() -> None:
    lines = (
        (Path(sys.modules["app.access.passwords"].__file__ or "").parent / "breached_passwords.txt")
        .read_text()
        .splitlines()
    )
    long = [line for line in lines if len(line) >= 12]
    assert len(long) >= 500
    assert len(lines) == len(set(lines))
    assert all(codes(line) == ["breached"] for line in long)


def test_an_operator_may_bring_a_longer_list(tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_bytes(b"short\r\nLotus-River-Mango\r\n\xff\xfe\n")
    assert [f.code for f in check_password_strength("lotus-river-mango", breached_file=more)] == ["breached"]
    assert check_password_strength("lotus-river-papaya", breached_file=more) == []
    assert len(load_breached_passwords(more)) == 1


def test_machine_secrets_have_256_bits_and_only_their_fingerprint_is_needed() -> None:
    made = [generate_client_secret() for _ in range(100)]
    assert len(set(made)) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in made)
    stored = hash_secret(made[0])
    assert len(stored) == 32
    assert verify_secret(made[0], stored)
    assert not any(verify_secret(other, stored) for other in [*made[1:], "", "\ud800", "ក"])
