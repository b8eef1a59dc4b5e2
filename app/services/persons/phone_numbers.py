"""Phone numbers: E.164 for a certainly valid number, and the text as it was typed for anything else.

Only a number in E.164 is compared, searched or dialled. A text is never completed or interpreted by guessing: a wrong
number can reveal the referral of a child to a stranger.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.errors import Fault
from app.schemas.identity import MAX_PHONES, Phone
from app.schemas.warnings import build_warning
from app.text_folding import fold_digits, normalize_text

MAX_NOTE_LENGTH: Final = 200
_MAX_NATIONAL_DIGITS: Final = 10
"""Maximum number of digits of a Cambodian number with the prefix 0."""

_NUMBER: Final = re.compile(r"\(?\+?\(?[0-9][0-9 ().-]*[0-9]")
_ONLY_NUMBER: Final = re.compile(rf"{_NUMBER.pattern}\)?")
_SEPARATOR: Final = re.compile(
    r"\s*(?:[/,;|&\n]|\bor\b|\band\b|\u17ac|\u1793\u17b7\u1784)\s*|\s+[-\u2013]\s+", re.IGNORECASE
)
_BEFORE_TRUNK_PREFIX: Final = re.compile(r"\s+(?=[0+])")
_GROUP: Final = re.compile("[0-9]+")
_CAMBODIAN_GROUPINGS: Final = frozenset({
    *((8,), (9,), (2, 6), (2, 7), (2, 3, 3), (2, 3, 4), (2, 4, 3), (2, 2, 2, 2), (2, 3, 2, 2)),
    *((3, 6), (3, 3, 3), (3, 2, 2, 2), (5, 3), (5, 4), (6, 3)),
})  # fmt: skip
"""Usual numbers of digits in each group of a Cambodian number, without the country code and the prefix 0.

Some Cambodian numbers have a ninth digit, so that in any other grouping a digit can be no part of the number, as in
`012 345 678 2 phones`.
"""
_NOTE_BRACKETS: Final = " \t()[]{}<>:=,;.-\u2013\u2014/#*\"'\uff08\uff09"


_CACHE_SIZE: Final = 256
"""Maximum number of cached texts: a child and its caregiver often have the same number, and so do referrers. It is too
small to keep the numbers of many people in memory.
"""


@dataclass(frozen=True, slots=True)
class ParsedPhone:
    """One phone number of a text: the number as it is stored, its E.164 form if it is valid, and the remaining text."""

    number: str
    e164: str | None
    note: str | None = None


@lru_cache(maxsize=_CACHE_SIZE)
def find_e164(text: str) -> str | None:
    """Return the E.164 form of a text that is one valid phone number, or None. Digits of every script are accepted.

    The digits must have a usual grouping: another group of digits can be a separate number, or an extension.

    A number without a country code must be valid in Cambodia, a number with `+` in the country that its prefix names. The
    prefix `00` is ambiguous: people write it for `+`, but the international prefixes of Cambodia are 001, 007 and 008, so
    that 0084 can be Vietnam (+84) or the beginning of a number in Germany (+49). Only 00855 has one meaning.
    """
    import phonenumbers  # noqa: PLC0415 - loads sixty modules that a start does not need

    number = fold_digits(normalize_text(text))
    if not _ONLY_NUMBER.fullmatch(number):
        return None
    groups = _GROUP.findall(number)
    digits = "".join(groups)
    is_international = "+" in number
    if digits.startswith("00855") and not is_international:
        number, is_international = f"+{digits[2:]}", True
    elif digits.startswith("00"):
        return None
    try:
        parsed = phonenumbers.parse(number, "KH")
    except phonenumbers.NumberParseException:
        return None
    is_cambodian = parsed.country_code == phonenumbers.country_code_for_region("KH")
    if not (is_international or is_cambodian) or not phonenumbers.is_valid_number(parsed):
        return None
    is_one_number = _is_usual_grouping(groups) if is_cambodian else not _contains_number(groups)
    if not is_one_number:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _is_usual_grouping(groups: Sequence[str]) -> bool:
    """Return whether the groups of digits of a valid Cambodian number have usual lengths."""
    rest = list(groups)
    prefixes = ("00855", "855", "0")
    for prefix in prefixes:
        if (
            rest
            and rest[0].startswith(prefix)
            and (prefix == "0" or len("".join(rest)) > _MAX_NATIONAL_DIGITS)
        ):
            rest[0] = rest[0].removeprefix(prefix)
            rest = rest if rest[0] else rest[1:]
    return tuple(map(len, rest)) in _CAMBODIAN_GROUPINGS


def _contains_number(groups: Sequence[str]) -> bool:
    """Return whether a foreign number is also valid without its last groups of digits, or contains a Cambodian number.

    In `+32 012 345 678`, the first group can be the country code or digits before a Cambodian number.
    """
    import phonenumbers  # noqa: PLC0415 - loads sixty modules that a start does not need

    for end in range(1, len(groups)):
        if groups[end].startswith("0") and find_e164(" ".join(groups[end:])):
            return True
        try:
            shorter = phonenumbers.parse(f"+{''.join(groups[:end])}")
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(shorter):
            return True
    return False


def parse_phones(text: str) -> list[ParsedPhone]:
    """Return the phone numbers of a text, with the words around each of them as its note.

    The text is split only if every part is a valid number. Otherwise it is one number as it was typed.
    """
    typed = normalize_text(text)
    for parts in ([typed], _SEPARATOR.split(text), _BEFORE_TRUNK_PREFIX.split(typed)):
        parsed = [_parse_phone(part) for part in parts if part]
        if parsed and all(parsed):
            return [phone for phone in parsed if phone]
    return [ParsedPhone(typed, None)]


def _parse_phone(text: str) -> ParsedPhone | None:
    """Return the only number of a text and the words around it, or None."""
    if number := find_e164(text):
        return ParsedPhone(number, number)
    typed = normalize_text(text)
    folded = fold_digits(typed)
    matches = list(_NUMBER.finditer(folded))
    if len(matches) != 1:
        return None
    start, end = matches[0].span()
    before, after = typed[:start], typed[end:]
    rest = " ".join(part for part in (before.strip(_NOTE_BRACKETS), after.strip(_NOTE_BRACKETS)) if part)
    number = find_e164(matches[0][0]) if _is_marked_number(folded, start, end) else None
    has_other_digits = any(character.isnumeric() or character == "+" for character in rest)
    has_words = any(character.isalpha() for character in rest)
    return ParsedPhone(number, number, rest) if number and has_words and not has_other_digits else None


def _is_marked_number(text: str, start: int, end: int) -> bool:
    """Return whether digits among words begin as a phone number and are not part of a word, as in `IDPoor 12345678`."""
    is_in_word = any(
        character.isascii() and character.isalnum()
        for character in text[start - 1 : start] + text[end : end + 1]
    )
    return not is_in_word and text[start:end].lstrip("(").startswith(("0", "+", "855"))


def normalize_phones(phones: Sequence[Phone], pointers: Sequence[str]) -> tuple[list[Phone], list[Fault]]:
    """Return the phones with one number each, and a warning for each text that was split or is not a valid number.

    `pointers` are the JSON pointers of the phones in the request. An entry with several numbers becomes several phones
    with the same note. The owner and `safe_to_call` of the entry are unknown for each of them, because the entry can mean
    only one. That a call is not safe applies to all of them.
    """
    normalized: list[Phone] = []
    warnings: list[Fault] = []
    spare = MAX_PHONES - len(phones)
    for phone, pointer in zip(phones, pointers, strict=True):
        parsed = parse_phones(phone.number)
        if len(parsed) - 1 > spare:
            parsed = [ParsedPhone(normalize_text(phone.number), None)]
        spare -= len(parsed) - 1
        if len(parsed) > 1:
            warnings.append(build_warning(f"{pointer}/number", "phone_split", count=len(parsed)))
        warnings.extend(_check_phones(parsed, f"{pointer}/number"))
        known = phone if len(parsed) == 1 else _omit_unclear_facts(phone)
        normalized.extend(_to_phone(known, item) for item in parsed)
    return normalized, warnings


def _check_phones(parsed: Sequence[ParsedPhone], pointer: str) -> Iterator[Fault]:
    yield from (build_warning(pointer, "phone_invalid") for phone in parsed if phone.e164 is None)


def _omit_unclear_facts(phone: Phone) -> Phone:
    """Return an entry with several numbers without the facts that can be wrong for one of them."""
    is_unsafe = phone.safe_to_call is False
    return phone.model_copy(update={"owner": None, "safe_to_call": False if is_unsafe else None})


def _to_phone(phone: Phone, parsed: ParsedPhone) -> Phone:
    notes = dict.fromkeys(note for note in (phone.note, parsed.note) if note)
    note = "; ".join(notes)[:MAX_NOTE_LENGTH] or None
    return phone.model_copy(update={"number": parsed.number, "e164": parsed.e164, "note": note})
