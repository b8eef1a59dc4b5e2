"""Warnings about the stored details of a person: texts that are kept although they look wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.errors import Fault
from app.models.contents import StoredPersonName, StoredPhone
from app.schemas.warnings import build_warning
from app.services.persons.legacy_fonts import is_legacy_address, is_legacy_name
from app.text_folding import detect_script


def list_detail_warnings(details: Mapping[str, Any], pointer: str = "") -> list[Fault]:
    """Return the warnings about the texts and phones of a person, whose JSON pointer is `pointer`."""
    return [*check_texts(details, pointer), *check_phones(details["phones"], pointer)]


def check_phones(phones: Sequence[StoredPhone], pointer: str) -> Iterator[Fault]:
    """Yield a warning for each phone whose number is not certainly valid."""
    for index, phone in enumerate(phones):
        if phone["e164"] is None:
            yield build_warning(f"{pointer}/phones/{index}/number", "phone_invalid")


def check_texts(details: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    """Yield a warning for each name, nickname or address that is not in its declared script or in a legacy Khmer font."""
    yield from check_name_scripts(details["names"], pointer)
    if is_legacy_name(details.get("nickname") or ""):
        yield build_warning(f"{pointer}/nickname", "legacy_font")
    if is_legacy_address(details.get("address_detail") or ""):
        yield build_warning(f"{pointer}/address_detail", "legacy_font")


def check_name_scripts(names: Iterable[StoredPersonName], pointer: str) -> Iterator[Fault]:
    """Yield a warning for each part of a name that is not written in its declared script, or in a legacy Khmer font."""
    for index, name in enumerate(names):
        for part in ("family", "given"):
            text = name["family"] if part == "family" else name["given"]
            if text and any(character.isalpha() for character in text):
                yield from _check_script(text, name["script"], f"{pointer}/names/{index}/{part}")


def _check_script(text: str, script: str, pointer: str) -> Iterator[Fault]:
    if is_legacy_name(text):
        yield build_warning(pointer, "legacy_font")
    elif detect_script(text) != script:
        yield build_warning(pointer, "legacy_font" if script == "khmer" else "script_mismatch")
