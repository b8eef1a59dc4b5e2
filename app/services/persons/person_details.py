"""What somebody told us about a child, tidied: names in one spelling of Unicode, phones in E.164, places known."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.log import get_driver_connection
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput
from app.kit.dates import BirthRange, check_not_in_future
from app.services.persons import name_matching as names
from app.services.persons import phones, places

NAME_TOKEN_BITS = 12
"""For some thousands to some hundred thousands of people: 2 ≤ rows / 2^bits ≤ √rows."""
NAME_PARTS = ("family", "given")
PHONE_CHARACTERS = frozenset("+0123456789 ().-")
MAX_NAME_LENGTH = 200
"""Characters of a part of a name, as the schemas say."""

INSERT_TOKENS_SQL = """
    INSERT INTO name_tokens (owner_id, kind, child_id, token)
    SELECT $1, $2, $3, token FROM unnest($4::integer[]) AS token ON CONFLICT DO NOTHING
"""
DELETE_TOKENS_SQL = "DELETE FROM name_tokens WHERE owner_id = $1 AND kind = $2"
"""By kind too: a referral may have an id of the client's choice, and must not unname a child that has it."""


async def normalize_person_details(
    session: AsyncSession, document: dict[str, Any], pointer: str = ""
) -> dict[str, Any]:
    """Return a copy of a person's document (child, caregiver, person) with names, phone and place put in order.

    Raises:
        InvalidInput: a name of which nothing is left, a phone that cannot be one, a place in no known province,
            a birth in the future.
    """
    tidy = {**document, "names": [_normalize_name(name) for name in document.get("names") or []]}
    if document.get("nickname"):
        tidy["nickname"] = names.normalize_text(document["nickname"])
    faults = [
        *_check_names(tidy, pointer),
        *_normalize_phone(tidy, pointer),
        *_check_birth(tidy, pointer),
        *await _check_place(session, tidy, pointer),
    ]
    if faults:
        raise InvalidInput(faults)
    return tidy


async def replace_search_tokens(
    session: AsyncSession,
    owner_id: UUID,
    kind: str,
    child_id: UUID | None,
    told: Sequence[dict[str, Any]],
    *,
    is_new: bool = False,
) -> None:
    """Make a child or a referral findable: write its blind index, in place of an older one.

    `told` is the child's document, then those of who cares for it: their phones find it where scripts differ.
    """
    driver = get_driver_connection(session)
    if not is_new:
        await driver.execute(DELETE_TOKENS_SQL, owner_id, kind)
    await driver.execute(INSERT_TOKENS_SQL, owner_id, kind, child_id, build_search_tokens(told))


async def add_contact_search_tokens(session: AsyncSession, child_id: UUID, document: dict[str, Any]) -> None:
    """Make a child findable by the phone of somebody around it too; what it is found by already stays."""
    if phones_around := _phone_keys([document]):
        await get_driver_connection(session).execute(
            INSERT_TOKENS_SQL, child_id, "child", child_id, hash_search_keys(phones_around)
        )


def get_child_and_caregiver(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a referral's child and who cares for it."""
    return [told["child"], *([told["caregiver"]] if told.get("caregiver") else [])]


def build_search_tokens(told: Sequence[dict[str, Any]]) -> list[int]:
    """Return the blind index of a child: its names, and the phones around it."""
    child = told[0]
    return hash_search_keys(
        names.person_name_keys(child.get("names") or [], child.get("nickname")) | _phone_keys(told)
    )


def _phone_keys(told: Sequence[dict[str, Any]]) -> set[str]:
    return {f"p={document['phone']['number']}" for document in told if document.get("phone")}


def hash_search_keys(keys: set[str]) -> list[int]:
    """Return the blind index of search keys."""
    return get_vault().blind_index.compute_tokens(keys, context="person", bits=NAME_TOKEN_BITS)


def _normalize_name(name: dict[str, Any]) -> dict[str, Any]:
    return {
        "script": name["script"],
        "family": names.normalize_text(name["family"]) if name.get("family") else None,
        "given": names.normalize_text(name["given"]) if name.get("given") else None,
    }


def _check_names(document: dict[str, Any], pointer: str) -> Iterator[Fault]:
    """Tidying shortens (invisible characters) and, rarely, lengthens (NFC takes some letters apart)."""
    texts = {
        f"/names/{n}/{part}": name[part] for n, name in enumerate(document["names"]) for part in NAME_PARTS
    }
    for where, kept in {**texts, "/nickname": document.get("nickname")}.items():
        if kept == "":
            yield Fault(f"{pointer}{where}", "blank", "Must not be blank.")
        elif kept and len(kept) > MAX_NAME_LENGTH:
            yield Fault(
                f"{pointer}{where}", "string_too_long", f"Must have at most {MAX_NAME_LENGTH} characters."
            )


def _normalize_phone(document: dict[str, Any], pointer: str) -> Iterator[Fault]:
    phone = document.get("phone")
    if not phone:
        return
    try:
        document["phone"] = {**phone, "number": phones.normalize_phone(phone["number"])}
    except ValueError:
        yield Fault(f"{pointer}/phone/number", "phone_invalid", "This cannot be a phone number.")


def normalize_office_phone(number: str) -> str:
    """Return where somebody is reached at work: in E.164, or as it was typed where it is more than a number."""
    if set(number) <= PHONE_CHARACTERS:
        with suppress(ValueError):
            return phones.normalize_phone(number)
    return number


def _check_birth(document: dict[str, Any], pointer: str) -> Iterator[Fault]:
    known = document.get("birth")
    if known:
        estimated_on = date.fromisoformat(known["estimated_on"]) if known.get("estimated_on") else None
        yield from check_not_in_future(
            {
                f"{pointer}/birth": BirthRange.from_details(known).earliest,
                f"{pointer}/birth/estimated_on": estimated_on,
            }
        )


async def _check_place(session: AsyncSession, document: dict[str, Any], pointer: str) -> list[Fault]:
    """A newer gazetteer may know villages that ours does not: a known province or district is enough."""
    code = document.get("place_code")
    if not code:
        return []
    known = await places.get_province_and_district_codes(session)
    if known.isdisjoint({code[:2], code[:4]}):
        return [Fault(f"{pointer}/place_code", "place_unknown", "No province has this code.")]
    return []
