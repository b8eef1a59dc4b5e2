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

ARGON2_MEMORY_KIB = 19_456
ARGON2_ROUNDS = 2
ARGON2_PARALLELISM = 1
"""OWASP's Password Storage Cheat Sheet, first choice; hashes made with less are renewed at the next sign-in."""
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 128
"""Characters."""
MIN_UNPREDICTABLE_CHARACTERS = 7
"""Characters that must remain when runs such as `1234`, `qwer` or `aaaa` count as one."""
MIN_FORBIDDEN_WORD_LENGTH = 4
"""Shorter forbidden words would forbid too much."""
MIN_RUN_LENGTH = 3
MAX_REPEATED_UNIT_LENGTH = 6
MAX_PADDING_LENGTH = 8
"""Characters around a common word that do not make it a good password."""

_hasher = argon2.using(
    type="ID", memory_cost=ARGON2_MEMORY_KIB, rounds=ARGON2_ROUNDS, parallelism=ARGON2_PARALLELISM
)
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")
"""Two at a time: a flood of sign-ins waits here, and takes neither the memory nor the event loop."""


def _make_dummy_hash() -> str:
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_ROUNDS},p={ARGON2_PARALLELISM}${salt}${digest}"


_DUMMY_HASH = _make_dummy_hash()
"""A hash no password has, as costly to check as a real one."""

_BREACHED_PASSWORDS_FILE = Path(__file__).with_name("breached_passwords.txt")
_LOOK_ALIKES = str.maketrans("@4301!$57", "aaeoiisst")
_PREDICTABLE_SEQUENCES = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+",
    "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p",
    "azertyuiop", "qwertzuiop",
)  # fmt: skip


async def hash_password(password: str) -> str:
    """Return the argon2id hash of a password that `check_strength` found nothing wrong with."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _hash_password, password)


async def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Return whether the password is right, and a new hash to store where the stored one is weaker than today's.

    `stored` is None for an unknown person: then the answer is no, and takes as long. Never raises for what was sent.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool, _verify_password, password, stored)


def check_password_strength(
    password: str, *forbidden_words: str, pointer: str = "/password", breached_file: Path | None = None
) -> list[Fault]:
    """Return what is wrong with a new password: nothing, or faults that point at `pointer` and never quote it.

    `forbidden_words` are the person's e-mail address (its local part counts) and name. `breached_file` is an
    operator's longer list beside the one shipped (`FIRSTSTEP_BREACHED_PASSWORDS_FILE`).
    """
    return [
        Fault(pointer, code, detail)
        for code, detail in _find_weaknesses(password, forbidden_words, breached_file)
    ]


@cache
def load_breached_passwords(path: Path = _BREACHED_PASSWORDS_FILE) -> frozenset[str]:
    """Return the folded lines of a list, of those long enough to be chosen at all. Read once: call it at start."""
    with path.open(encoding="utf-8", errors="ignore") as lines:
        return frozenset(
            _fold(line.rstrip("\r\n")) for line in lines if len(line.rstrip("\r\n")) >= MIN_PASSWORD_LENGTH
        )


def generate_client_secret() -> str:
    """Return a machine's secret: 256 random bits, URL-safe. Shown once; only its fingerprint is kept."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a random secret. Not for passwords: a fast hash protects only what cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def verify_secret(secret: str, stored: bytes) -> bool:
    """Whether the secret has this fingerprint, in constant time."""
    return hmac.compare_digest(hash_secret(secret), stored)


def _hash_password(password: str) -> str:
    return str(_hasher.hash(password))


def _verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    if stored is None or len(password) > MAX_PASSWORD_LENGTH:
        _matches_hash("", _DUMMY_HASH)
        return False, None
    if not _matches_hash(password, stored):
        return False, None
    return True, _hash_password(password) if _hasher.needs_update(stored) else None


def _matches_hash(password: str, stored: str) -> bool:
    try:
        return bool(_hasher.verify(password, stored))
    except (
        ValueError,
        TypeError,
    ):  # a lone surrogate in one, or damage in the other; the message would quote them
        return False


def _find_weaknesses(
    password: str, forbidden_words: tuple[str, ...], breached_file: Path | None
) -> Iterator[tuple[str, str]]:
    if len(password) < MIN_PASSWORD_LENGTH:
        yield (
            "too_short",
            f"Use at least {MIN_PASSWORD_LENGTH} characters; several words are easy to remember.",
        )
        return
    if len(password) > MAX_PASSWORD_LENGTH:
        yield "too_long", f"Use at most {MAX_PASSWORD_LENGTH} characters."
        return
    if any("\ud800" <= character <= "\udfff" for character in password):
        yield "not_text", "This is not valid text."
    if _is_breached(password, breached_file):
        yield "breached", "This password is on lists of stolen or common passwords."
    elif _is_predictable(password):
        yield "predictable", "This password repeats itself, or follows the keyboard or the alphabet."
    if _contains_any(password, forbidden_words):
        yield "personal", "The password must not contain your e-mail address or name."


def _fold(password: str) -> str:
    return password.casefold().translate(_LOOK_ALIKES)


def _is_breached(password: str, breached_file: Path | None) -> bool:
    lists = (
        (_BREACHED_PASSWORDS_FILE,) if breached_file is None else (_BREACHED_PASSWORDS_FILE, breached_file)
    )
    return _is_padded_common_word(password) or any(
        _fold(password) in load_breached_passwords(path) for path in lists
    )


def _is_padded_common_word(password: str) -> bool:
    """Whether this is a common word between a few digits and signs (`Cambodia2024!`)."""
    word = re.sub(r"\A[\W\d_]+|[\W\d_]+\Z", "", password)
    return len(password) - len(word) <= MAX_PADDING_LENGTH and _fold(word) in _load_common_words()


@cache
def _load_common_words() -> frozenset[str]:
    """Return the lines of the list shipped that are too short for a password of their own."""
    lines = _BREACHED_PASSWORDS_FILE.read_text(encoding="utf-8").split("\n")
    return frozenset(_fold(line) for line in lines if 0 < len(line) < MIN_PASSWORD_LENGTH)


def _is_predictable(password: str) -> bool:
    text = password.casefold()
    repeats = any(_is_repetition(text, size) for size in range(1, MAX_REPEATED_UNIT_LENGTH + 1))
    return repeats or _count_unpredictable_characters(text) < MIN_UNPREDICTABLE_CHARACTERS


def _is_repetition(text: str, size: int) -> bool:
    """Whether the text is one unit of `size` characters again and again (`abcabcabca`)."""
    return len(text) >= 2 * size and text[size:] == text[:-size]


def _count_unpredictable_characters(text: str) -> int:
    """Count characters up to enough, each run on the keyboard, in the alphabet or of one character as one."""
    count = position = 0
    while position < len(text) and count < MIN_UNPREDICTABLE_CHARACTERS:
        length = _leading_run_length(text[position:])
        position += length if length >= MIN_RUN_LENGTH else 1
        count += 1
    return count


def _leading_run_length(text: str) -> int:
    same = len(text) - len(text.lstrip(text[0]))
    return max(
        same,
        *(
            _common_prefix_length(text, series[i:])
            for series in _sequences_in_both_directions()
            for i in _find_positions(text[0], series)
        ),
    )


@cache
def _sequences_in_both_directions() -> tuple[str, ...]:
    return tuple(direction for series in _PREDICTABLE_SEQUENCES for direction in (series, series[::-1]))


def _find_positions(character: str, series: str) -> list[int]:
    return [place for place, other in enumerate(series) if other == character] or [len(series)]


def _common_prefix_length(text: str, other: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )


def _contains_any(password: str, words: tuple[str, ...]) -> bool:
    folded = password.casefold()
    locals_ = (word.partition("@")[0].casefold() for word in words)
    return any(word in folded for word in locals_ if len(word) >= MIN_FORBIDDEN_WORD_LENGTH)
