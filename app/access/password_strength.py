"""Check new passwords: length, breached and common passwords, predictable sequences, personal words.

There are no composition rules, such as a required digit (NIST SP 800-63B). Except for the length, the checks ignore the
case of letters.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.access.passwords import MAX_PASSWORD_LENGTH
from app.errors import Fault
from app.fault_codes import FaultCode

MIN_PASSWORD_LENGTH = 12
"""Minimum length of a password in characters."""
MIN_UNPREDICTABLE_CHARACTERS = 7
"""Minimum number of characters if a run such as `1234`, `qwer` or `aaaa` counts as one character."""
MIN_FORBIDDEN_WORD_LENGTH = 4
"""Shorter forbidden words are ignored, because too many good passwords contain them."""
MIN_RUN_LENGTH = 3
MAX_REPEATED_UNIT_LENGTH = 6
MAX_PADDING_LENGTH = 8
"""A common word with up to this number of digits and signs around it is still a common password."""

_BREACHED_PASSWORDS_FILE = Path(__file__).with_name("breached_passwords.txt")
_LOOK_ALIKES = str.maketrans("@4301!$57", "aaeoiisst")
_PREDICTABLE_SEQUENCES = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+",
    "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p",
    "azertyuiop", "qwertzuiop",
)  # fmt: skip


def check_password_strength(
    password: str, *forbidden_words: str, pointer: str = "/password", breached_file: Path | None = None
) -> list[Fault]:
    """Return the weaknesses of a new password as faults at `pointer`. The faults do not quote the password.

    `forbidden_words` are the user's name and email address, of which only the part before the @ counts. `breached_file` is the
    operator's additional list of breached passwords (`FIRSTSTEP_BREACHED_PASSWORDS_FILE`).
    """
    return [
        Fault(pointer, code, detail)
        for code, detail in _find_weaknesses(password, forbidden_words, breached_file)
    ]


@cache
def load_breached_passwords(path: Path = _BREACHED_PASSWORDS_FILE) -> frozenset[str]:
    """Return the normalized entries of a list that have at least the minimum length. The result is cached."""
    with path.open(encoding="utf-8", errors="ignore") as lines:
        return frozenset(
            _normalize_password(line.rstrip("\r\n"))
            for line in lines
            if len(line.rstrip("\r\n")) >= MIN_PASSWORD_LENGTH
        )


def _find_weaknesses(
    password: str, forbidden_words: tuple[str, ...], breached_file: Path | None
) -> Iterator[tuple[FaultCode, str]]:
    if len(password) < MIN_PASSWORD_LENGTH:
        yield (
            "too_short",
            f"Use at least {MIN_PASSWORD_LENGTH} characters. Several words are easy to remember.",
        )
        return
    if len(password) > MAX_PASSWORD_LENGTH:
        yield "too_long", f"Use at most {MAX_PASSWORD_LENGTH} characters."
        return
    if any("\ud800" <= character <= "\udfff" for character in password):
        yield "not_text", "The password is not valid text."
    if _is_breached(password, breached_file):
        yield "breached", "This password is on a list of breached or common passwords."
    elif _is_predictable(password):
        yield "predictable", "This password repeats itself or follows the keyboard or the alphabet."
    if _contains_any(password, forbidden_words):
        yield "personal", "The password must not contain your email address or name."


def _normalize_password(password: str) -> str:
    return password.casefold().translate(_LOOK_ALIKES)


def _is_breached(password: str, breached_file: Path | None) -> bool:
    lists = (
        (_BREACHED_PASSWORDS_FILE,) if breached_file is None else (_BREACHED_PASSWORDS_FILE, breached_file)
    )
    return _is_padded_common_word(password) or any(
        _normalize_password(password) in load_breached_passwords(path) for path in lists
    )


def _is_padded_common_word(password: str) -> bool:
    """Return whether the password is a common word with a few digits and signs around it, such as `Cambodia2024!`."""
    word = re.sub(r"\A[\W\d_]+|[\W\d_]+\Z", "", password)
    return (
        len(password) - len(word) <= MAX_PADDING_LENGTH and _normalize_password(word) in _load_common_words()
    )


@cache
def _load_common_words() -> frozenset[str]:
    """Return the entries of the built-in list that are shorter than the minimum length of a password."""
    lines = _BREACHED_PASSWORDS_FILE.read_text(encoding="utf-8").split("\n")
    return frozenset(_normalize_password(line) for line in lines if 0 < len(line) < MIN_PASSWORD_LENGTH)


def _is_predictable(password: str) -> bool:
    text = password.casefold()
    repeats = any(_is_repetition(text, size) for size in range(1, MAX_REPEATED_UNIT_LENGTH + 1))
    return repeats or _count_unpredictable_characters(text) < MIN_UNPREDICTABLE_CHARACTERS


def _is_repetition(text: str, size: int) -> bool:
    """Return whether the text repeats one unit of `size` characters (`abcabcabca`)."""
    return len(text) >= 2 * size and text[size:] == text[:-size]


def _count_unpredictable_characters(text: str) -> int:
    """Count characters. A run along the keyboard or the alphabet, or of one character, counts as one.

    Counting stops at `MIN_UNPREDICTABLE_CHARACTERS`.
    """
    count = position = 0
    while position < len(text) and count < MIN_UNPREDICTABLE_CHARACTERS:
        length = _leading_run_length(text[position:])
        position += length if length >= MIN_RUN_LENGTH else 1
        count += 1
    return count


def _leading_run_length(text: str) -> int:
    repeated = len(text) - len(text.lstrip(text[0]))
    return max(
        repeated,
        *(
            _common_prefix_length(text, sequence[position:])
            for sequence in _sequences_in_both_directions()
            for position in _find_positions(text[0], sequence)
        ),
    )


@cache
def _sequences_in_both_directions() -> tuple[str, ...]:
    return tuple(text for sequence in _PREDICTABLE_SEQUENCES for text in (sequence, sequence[::-1]))


def _find_positions(character: str, sequence: str) -> list[int]:
    return [position for position, other in enumerate(sequence) if other == character] or [len(sequence)]


def _common_prefix_length(text: str, other: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )


def _contains_any(password: str, words: tuple[str, ...]) -> bool:
    folded_password = password.casefold()
    folded_words = (word.partition("@")[0].casefold() for word in words)
    return any(word in folded_password for word in folded_words if len(word) >= MIN_FORBIDDEN_WORD_LENGTH)
