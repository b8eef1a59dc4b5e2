"""What somebody told us about a child, tidied: names in one spelling of Unicode, phones in E.164, places known."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.log import driver_of
from app.access.vault import vault
from app.errors import Fault, InvalidInput
from app.kit.dates import Birth, ahead
from app.services.persons import name_matching as names
from app.services.persons import phones, places

NAME_BITS = 12
"""For some thousands to some hundred thousands of people: 2 ≤ rows / 2^bits ≤ √rows."""
PARTS = ("family", "given")
PLAIN_NUMBER = frozenset("+0123456789 ().-")
LONGEST_NAME = 200
"""Characters of a part of a name, as the schemas say."""

INDEX = """
    INSERT INTO name_tokens (owner_id, kind, child_id, token)
    SELECT $1, $2, $3, token FROM unnest($4::integer[]) AS token ON CONFLICT DO NOTHING
"""
FORGET = "DELETE FROM name_tokens WHERE owner_id = $1 AND kind = $2"
"""By kind too: a referral may have an id of the client's choice, and must not unname a child that has it."""


async def tidied(session: AsyncSession, document: dict[str, Any], pointer: str = "") -> dict[str, Any]:
    """Return a copy of a person's document (child, caregiver, person) with names, phone and place put in order.

    Raises:
        InvalidInput: a name of which nothing is left, a phone that cannot be one, a place in no known province,
            a birth in the future.
    """
    tidy = {**document, "names": [_tidy_name(name) for name in document.get("names") or []]}
    if document.get("nickname"):
        tidy["nickname"] = names.tidy(document["nickname"])
    faults = [
        *_names(tidy, pointer),
        *_phone(tidy, pointer),
        *_birth(tidy, pointer),
        *await _place(session, tidy, pointer),
    ]
    if faults:
        raise InvalidInput(faults)
    return tidy


async def index(
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
    driver = driver_of(session)
    if not is_new:
        await driver.execute(FORGET, owner_id, kind)
    await driver.execute(INDEX, owner_id, kind, child_id, tokens_of(told))


async def index_around(session: AsyncSession, child_id: UUID, document: dict[str, Any]) -> None:
    """Make a child findable by the phone of somebody around it too; what it is found by already stays."""
    if phones_around := _phones([document]):
        await driver_of(session).execute(INDEX, child_id, "child", child_id, tokens(phones_around))


def circle(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a referral's child and who cares for it."""
    return [told["child"], *([told["caregiver"]] if told.get("caregiver") else [])]


def tokens_of(told: Sequence[dict[str, Any]]) -> list[int]:
    """Return the blind index of a child: its names, and the phones around it."""
    child = told[0]
    return tokens(names.name_keys(child.get("names") or [], child.get("nickname")) | _phones(told))


def _phones(told: Sequence[dict[str, Any]]) -> set[str]:
    return {f"p={document['phone']['number']}" for document in told if document.get("phone")}


def tokens(keys: set[str]) -> list[int]:
    """Return the blind index of search keys."""
    return vault().blind.tokens(keys, context="person", bits=NAME_BITS)


def _tidy_name(name: dict[str, Any]) -> dict[str, Any]:
    return {
        "script": name["script"],
        "family": names.tidy(name["family"]) if name.get("family") else None,
        "given": names.tidy(name["given"]) if name.get("given") else None,
    }


def _names(document: dict[str, Any], pointer: str) -> Iterator[Fault]:
    """Tidying shortens (invisible characters) and, rarely, lengthens (NFC takes some letters apart)."""
    texts = {f"/names/{n}/{part}": name[part] for n, name in enumerate(document["names"]) for part in PARTS}
    for where, kept in {**texts, "/nickname": document.get("nickname")}.items():
        if kept == "":
            yield Fault(f"{pointer}{where}", "blank", "Must not be blank.")
        elif kept and len(kept) > LONGEST_NAME:
            yield Fault(
                f"{pointer}{where}", "string_too_long", f"Must have at most {LONGEST_NAME} characters."
            )


def _phone(document: dict[str, Any], pointer: str) -> Iterator[Fault]:
    phone = document.get("phone")
    if not phone:
        return
    try:
        document["phone"] = {**phone, "number": phones.normalise(phone["number"])}
    except ValueError:
        yield Fault(f"{pointer}/phone/number", "phone_invalid", "This cannot be a phone number.")


def office_phone(number: str) -> str:
    """Return where somebody is reached at work: in E.164, or as it was typed where it is more than a number."""
    if set(number) <= PLAIN_NUMBER:
        with suppress(ValueError):
            return phones.normalise(number)
    return number


def _birth(document: dict[str, Any], pointer: str) -> Iterator[Fault]:
    known = document.get("birth")
    if known:
        estimated_on = date.fromisoformat(known["estimated_on"]) if known.get("estimated_on") else None
        yield from ahead(
            {f"{pointer}/birth": Birth.of(known).earliest, f"{pointer}/birth/estimated_on": estimated_on}
        )


async def _place(session: AsyncSession, document: dict[str, Any], pointer: str) -> list[Fault]:
    """A newer gazetteer may know villages that ours does not: a known province or district is enough."""
    code = document.get("place_code")
    if not code:
        return []
    known = await places.provinces_and_districts(session)
    if known.isdisjoint({code[:2], code[:4]}):
        return [Fault(f"{pointer}/place_code", "place_unknown", "No province has this code.")]
    return []
