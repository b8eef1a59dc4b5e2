"""Passwords of people (argon2id) and secrets of machines (SHA-256 of 256 random bits).

Passwords are used exactly as sent (OWASP ASVS 6.2.8): nothing is trimmed, folded or cut; only the check for weak ones
looks at a folded copy. There are no composition rules and no expiry (NIST SP 800-63B).
"""

import asyncio
import hashlib
import hmac
import os
import re
import secrets
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from passlib.hash import argon2

from app.errors import Fault

MEMORY_KIB = 19_456
ROUNDS = 2
PARALLELISM = 1
"""OWASP's Password Storage Cheat Sheet, first choice; hashes made with less are renewed at the next sign-in."""
MIN_LENGTH = 12
MAX_LENGTH = 128
"""Characters."""
MIN_UNPREDICTABLE = 7
"""Characters that must remain when runs such as `1234`, `qwer` or `aaaa` count as one."""
MIN_FORBIDDEN = 4
"""Shorter forbidden words would forbid too much."""
RUN = 3
REPEATED_UNIT = 6
DRESSING = 8
"""Characters around a common word that do not make it a good password."""

_hasher = argon2.using(type="ID", memory_cost=MEMORY_KIB, rounds=ROUNDS, parallelism=PARALLELISM)
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")
"""Two at a time: a flood of sign-ins waits here, and takes neither the memory nor the event loop."""


def _nobodys_hash() -> str:
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={PARALLELISM}${salt}${digest}"


_NOBODY = _nobodys_hash()
"""A hash no password has, as costly to check as a real one."""

_BREACHED = Path(__file__).with_name("breached_passwords.txt")
_LOOK_ALIKES = str.maketrans("@4301!$57", "aaeoiisst")
_SERIES = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+",
    "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p",
    "azertyuiop", "qwertzuiop",
)  # fmt: skip


async def hash_password(password: str) -> str:
    """Return the argon2id hash of a password that `check_strength` found nothing wrong with."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _hash, password)


async def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Return whether the password is right, and a new hash to store where the stored one is weaker than today's.

    `stored` is None for an unknown person: then the answer is no, and takes as long. Never raises for what was sent.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool, _verify, password, stored)


def check_strength(
    password: str, *forbidden_words: str, pointer: str = "/password", breached_file: Path | None = None
) -> list[Fault]:
    """Return what is wrong with a new password: nothing, or faults that point at `pointer` and never quote it.

    `forbidden_words` are the person's e-mail address (its local part counts) and name. `breached_file` is an
    operator's longer list beside the one shipped (`FIRSTSTEP_BREACHED_PASSWORDS_FILE`).
    """
    return [
        Fault(pointer, code, detail) for code, detail in _weaknesses(password, forbidden_words, breached_file)
    ]


@cache
def breached_passwords(path: Path = _BREACHED) -> frozenset[str]:
    """Return the folded lines of a list, of those long enough to be chosen at all. Read once: call it at start."""
    with path.open(encoding="utf-8", errors="ignore") as lines:
        return frozenset(
            _folded(line.rstrip("\r\n")) for line in lines if len(line.rstrip("\r\n")) >= MIN_LENGTH
        )


def new_secret() -> str:
    """Return a machine's secret: 256 random bits, URL-safe. Shown once; only its fingerprint is kept."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> bytes:
    """Return what is stored of a random secret. Not for passwords: a fast hash protects only what cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def matches(secret: str, stored: bytes) -> bool:
    """Whether the secret has this fingerprint, in constant time."""
    return hmac.compare_digest(fingerprint(secret), stored)


def _hash(password: str) -> str:
    return str(_hasher.hash(password))


def _verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    if stored is None or len(password) > MAX_LENGTH:
        _is_right("", _NOBODY)
        return False, None
    if not _is_right(password, stored):
        return False, None
    return True, _hash(password) if _hasher.needs_update(stored) else None


def _is_right(password: str, stored: str) -> bool:
    try:
        return bool(_hasher.verify(password, stored))
    except (
        ValueError,
        TypeError,
    ):  # a lone surrogate in one, or damage in the other; the message would quote them
        return False


def _weaknesses(
    password: str, forbidden_words: tuple[str, ...], breached_file: Path | None
) -> Iterator[tuple[str, str]]:
    if len(password) < MIN_LENGTH:
        yield "too_short", f"Use at least {MIN_LENGTH} characters; several words are easy to remember."
        return
    if len(password) > MAX_LENGTH:
        yield "too_long", f"Use at most {MAX_LENGTH} characters."
        return
    if any("\ud800" <= character <= "\udfff" for character in password):
        yield "not_text", "This is not valid text."
    if _is_breached(password, breached_file):
        yield "breached", "This password is on lists of stolen or common passwords."
    elif _is_predictable(password):
        yield "predictable", "This password repeats itself, or follows the keyboard or the alphabet."
    if _contains_any(password, forbidden_words):
        yield "personal", "The password must not contain your e-mail address or name."


def _folded(password: str) -> str:
    return password.casefold().translate(_LOOK_ALIKES)


def _is_breached(password: str, breached_file: Path | None) -> bool:
    lists = (_BREACHED,) if breached_file is None else (_BREACHED, breached_file)
    return _is_dressed_up(password) or any(_folded(password) in breached_passwords(path) for path in lists)


def _is_dressed_up(password: str) -> bool:
    """Whether this is a common word between a few digits and signs (`Cambodia2024!`)."""
    word = re.sub(r"\A[\W\d_]+|[\W\d_]+\Z", "", password)
    return len(password) - len(word) <= DRESSING and _folded(word) in _common_words()


@cache
def _common_words() -> frozenset[str]:
    """Return the lines of the list shipped that are too short for a password of their own."""
    lines = _BREACHED.read_text(encoding="utf-8").split("\n")
    return frozenset(_folded(line) for line in lines if 0 < len(line) < MIN_LENGTH)


def _is_predictable(password: str) -> bool:
    text = password.casefold()
    repeats = any(_repeats(text, size) for size in range(1, REPEATED_UNIT + 1))
    return repeats or _unpredictable(text) < MIN_UNPREDICTABLE


def _repeats(text: str, size: int) -> bool:
    """Whether the text is one unit of `size` characters again and again (`abcabcabca`)."""
    return len(text) >= 2 * size and text[size:] == text[:-size]


def _unpredictable(text: str) -> int:
    """Count characters up to enough, each run on the keyboard, in the alphabet or of one character as one."""
    count = position = 0
    while position < len(text) and count < MIN_UNPREDICTABLE:
        length = _run_length(text[position:])
        position += length if length >= RUN else 1
        count += 1
    return count


def _run_length(text: str) -> int:
    same = len(text) - len(text.lstrip(text[0]))
    return max(
        same, *(_shared_length(text, series[i:]) for series in _series() for i in _places(text[0], series))
    )


@cache
def _series() -> tuple[str, ...]:
    return tuple(direction for series in _SERIES for direction in (series, series[::-1]))


def _places(character: str, series: str) -> list[int]:
    return [place for place, other in enumerate(series) if other == character] or [len(series)]


def _shared_length(text: str, other: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )


def _contains_any(password: str, words: tuple[str, ...]) -> bool:
    folded = password.casefold()
    locals_ = (word.partition("@")[0].casefold() for word in words)
    return any(word in folded for word in locals_ if len(word) >= MIN_FORBIDDEN)
