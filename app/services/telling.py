"""What somebody told us about a child, tidied: names in one spelling of Unicode, phones in E.164, places known."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, delete, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import vault
from app.errors import Fault, InvalidInput
from app.models import NameToken
from app.services import names, phones, places
from app.services.ages import Birth, ahead

NAME_BITS = 12
"""For some thousands to some hundred thousands of people: 2 ≤ rows / 2^bits ≤ √rows."""
PARTS = ("family", "given")
PLAIN_NUMBER = frozenset("+0123456789 ().-")
LONGEST_NAME = 200
"""Characters of a part of a name, as the schemas say."""

INDEX = text("""
    INSERT INTO name_tokens (owner_id, token, kind, child_id)
    SELECT :owner, token, :kind, :child FROM unnest(:tokens) AS token ON CONFLICT DO NOTHING
""").bindparams(
    bindparam("owner", type_=Uuid), bindparam("child", type_=Uuid), bindparam("tokens", type_=ARRAY(Integer))
)


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
    if not is_new:
        # By kind too: a referral may have an id of the client's choice, and must not unname a child that has it.
        own = (col(NameToken.owner_id) == owner_id, col(NameToken.kind) == kind)
        await session.execute(delete(NameToken).where(*own))
    rows = {"owner": owner_id, "kind": kind, "child": child_id, "tokens": tokens_of(told)}
    await session.execute(INDEX, rows)


async def index_around(session: AsyncSession, child_id: UUID, document: dict[str, Any]) -> None:
    """Make a child findable by the phone of somebody around it too; what it is found by already stays."""
    if phones_around := _phones([document]):
        rows = {"owner": child_id, "kind": "child", "child": child_id, "tokens": tokens(phones_around)}
        await session.execute(INDEX, rows)


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
