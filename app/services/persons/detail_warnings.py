"""Warnings about the stored details of a person: texts that are kept although they look wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.errors import Fault
from app.models.contents import StoredPersonName, StoredPhone
from app.schemas.warnings import build_warning
from app.text_folding import detect_script


def list_detail_warnings(details: Mapping[str, Any], pointer: str = "") -> list[Fault]:
    """Return the warnings about the names and phones of a person, whose JSON pointer is `pointer`."""
    return [*check_name_scripts(details["names"], pointer), *check_phones(details["phones"], pointer)]


def check_phones(phones: Sequence[StoredPhone], pointer: str) -> Iterator[Fault]:
    """Yield a warning for each phone whose number is not certainly valid."""
    for index, phone in enumerate(phones):
        if phone["e164"] is None:
            yield build_warning(f"{pointer}/phones/{index}/number", "phone_invalid")


def check_name_scripts(names: Iterable[StoredPersonName], pointer: str) -> Iterator[Fault]:
    """Yield a warning for each part of a name that is not written in its declared script.

    A legacy Khmer font, such as Limon, shows Khmer letters for Latin characters. A name that was typed in it and declared
    as Khmer is unreadable in every other font, for example `suk BisidæÞ`.
    """
    for index, name in enumerate(names):
        for part in ("family", "given"):
            text = name["family"] if part == "family" else name["given"]
            if text and any(character.isalpha() for character in text):
                yield from _check_script(text, name["script"], f"{pointer}/names/{index}/{part}")


def _check_script(text: str, script: str, pointer: str) -> Iterator[Fault]:
    if detect_script(text) != script:
        yield build_warning(pointer, "legacy_font" if script == "khmer" else "script_mismatch")
