"""Normalizes the details of a person, and maintains the search tokens that find children and referrals."""

from collections.abc import Iterable, Iterator
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Integer, any_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.log import get_driver_connection
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput
from app.kit.dates import BirthRange, check_not_in_future
from app.models import NameToken
from app.models.contents import StoredChildIdentity
from app.models.people import StoredPersonDetails
from app.models.referrals import StoredCaregiver, StoredReferralContent
from app.schemas.identity import Birth, ChildIdentity, ContactDetails, PersonName, Phone
from app.schemas.people import PersonContent
from app.services.persons import name_matching, places
from app.services.persons.phone_numbers import normalize_phone

MAX_NAME_LENGTH = 200
"""Maximum characters of a part of a name, as in the schemas."""

INSERT_TOKENS_SQL = """
    INSERT INTO name_tokens (owner_id, kind, child_id, token)
    SELECT $1, $2, $3, token FROM access.list_stored_tokens($4) AS token ON CONFLICT DO NOTHING
"""
INSERT_REFERRAL_TOKENS_SQL = """
    INSERT INTO name_tokens (owner_id, kind, token)
    SELECT {id}, 'referral', token FROM access.list_stored_tokens({values}) AS token
"""
"""Inserts the search tokens of a new referral, in the statement that inserts the referral (see `RecordInsert`)."""
MARK_TOKENS_ACCEPTED_SQL = """
    UPDATE name_tokens SET kind = 'accepted_referral', child_id = $2 WHERE owner_id = $1 AND kind = 'referral'
"""
DELETE_TOKENS_SQL = "DELETE FROM name_tokens WHERE owner_id = $1 AND kind = $2"
"""The condition on `kind` is necessary, because a client may choose the id of a child for a referral. The tokens of
that child must not be deleted.
"""
SEARCHED_TOKENS = select(func.access.list_searched_tokens(bindparam("tokens", type_=ARRAY(Integer))))
HAS_SEARCHED_TOKEN = col(NameToken.token) == any_(
    func.array(SEARCHED_TOKENS.scalar_subquery(), type_=ARRAY(Integer))
)
"""Condition on `NameToken` with the parameter `tokens`, which `hash_search_keys` returns."""

DetailsT = TypeVar("DetailsT", bound=ContactDetails)


async def normalize_person_details(session: AsyncSession, details: DetailsT, pointer: str = "") -> DetailsT:
    """Check a person's birth date and place, and return a copy of the details with normalized names and phone number.

    `pointer` is the JSON pointer of the details in the request.

    Raises:
        InvalidInput: A name is empty or too long after the normalization, the phone number is impossible, the province
            of the place does not exist, or the birth date is in the future.
    """
    nickname: str | None = None
    birth: Birth | None = None
    if isinstance(details, ChildIdentity | PersonContent):
        nickname, birth = details.nickname, details.birth
    names = [_normalize_name(name) for name in details.names]
    if nickname:
        nickname = name_matching.normalize_text(nickname)
    phone, phone_faults = _normalize_phone(details.phone, pointer)
    faults = [
        *_check_names(names, nickname, pointer),
        *phone_faults,
        *_check_birth(birth, pointer),
        *await _check_place(session, details.place_code, pointer),
    ]
    if faults:
        raise InvalidInput(faults)
    changes: dict[str, object] = {"names": names, "phone": phone}
    if nickname:
        changes["nickname"] = nickname
    return details.model_copy(update=changes)


async def replace_search_tokens(
    session: AsyncSession,
    owner_id: UUID,
    kind: str,
    child_id: UUID | None,
    search_keys: set[str],
    *,
    is_new: bool = False,
) -> None:
    """Replace the search tokens of a child or a referral. `is_new` skips the deletion of existing tokens."""
    connection = get_driver_connection(session)
    if not is_new:
        await connection.execute(DELETE_TOKENS_SQL, owner_id, kind)
    await connection.execute(INSERT_TOKENS_SQL, owner_id, kind, child_id, hash_search_keys(search_keys))


async def mark_search_tokens_accepted(session: AsyncSession, referral_id: UUID, child_id: UUID) -> None:
    """Exclude an accepted referral from the possible duplicates of others, because its child is already a candidate."""
    await get_driver_connection(session).execute(MARK_TOKENS_ACCEPTED_SQL, referral_id, child_id)


async def add_contact_search_tokens(session: AsyncSession, child_id: UUID, phone: Phone | None) -> None:
    """Add the phone number of a person around a child to the search tokens of the child."""
    if phone:
        await get_driver_connection(session).execute(
            INSERT_TOKENS_SQL,
            child_id,
            "child",
            child_id,
            hash_search_keys({get_phone_search_key(phone.number)}),
        )


def get_child_search_keys(
    identity: StoredChildIdentity, contacts: Iterable[StoredCaregiver | StoredPersonDetails] = ()
) -> set[str]:
    """Return the search keys of a child: its names, its phone number and the phone numbers of its contacts.

    Phone numbers find a child whose names are stored in the other script.
    """
    phones = [identity["phone"], *(contact["phone"] for contact in contacts)]
    return name_matching.person_name_keys(identity["names"], identity["nickname"]) | {
        get_phone_search_key(phone["number"]) for phone in phones if phone
    }


def get_referral_search_keys(content: StoredReferralContent) -> set[str]:
    """Return the search keys of the child and the caregiver of a referral."""
    caregiver = content["caregiver"]
    return get_child_search_keys(content["child"], [caregiver] if caregiver else [])


def hash_search_keys(keys: set[str]) -> list[int]:
    """Return the search tokens of search keys, with the maximum length.

    The SQL statements shorten them with access.list_stored_tokens() or access.list_searched_tokens().
    """
    return get_vault().blind_index.compute_tokens(keys, context="person")


def get_phone_search_key(number: str) -> str:
    """Return the search key of a phone number in E.164."""
    return f"p={number}"


def _normalize_name(name: PersonName) -> PersonName:
    return name.model_copy(
        update={
            "family": name_matching.normalize_text(name.family) if name.family else None,
            "given": name_matching.normalize_text(name.given) if name.given else None,
        }
    )


def _check_names(names: list[PersonName], nickname: str | None, pointer: str) -> Iterator[Fault]:
    """Check the normalized texts: the removal of invisible characters shortens a text, NFC can lengthen it."""
    texts = {
        f"/names/{index}/{part}": text
        for index, name in enumerate(names)
        for part, text in (("family", name.family), ("given", name.given))
    }
    for path, text in {**texts, "/nickname": nickname}.items():
        if text == "":
            yield Fault(f"{pointer}{path}", "blank", "Must not be blank.")
        elif text and len(text) > MAX_NAME_LENGTH:
            yield Fault(
                f"{pointer}{path}", "string_too_long", f"Must have at most {MAX_NAME_LENGTH} characters."
            )


def _normalize_phone(phone: Phone | None, pointer: str) -> tuple[Phone | None, list[Fault]]:
    if phone is None:
        return None, []
    try:
        return phone.model_copy(update={"number": normalize_phone(phone.number)}), []
    except ValueError:
        return None, [Fault(f"{pointer}/phone/number", "phone_invalid", "This cannot be a phone number.")]


def _check_birth(birth: Birth | None, pointer: str) -> list[Fault]:
    if birth is None:
        return []
    return check_not_in_future(
        {
            f"{pointer}/birth": BirthRange.from_details(birth.model_dump(mode="json")).earliest,
            f"{pointer}/birth/estimated_on": birth.estimated_on,
        }
    )


async def _check_place(session: AsyncSession, code: str | None, pointer: str) -> list[Fault]:
    """Check the province and district only, because the partner's list of villages may be newer than the gazetteer."""
    if not code:
        return []
    known_codes = await places.get_province_and_district_codes(session)
    if known_codes.isdisjoint({code[:2], code[:4]}):
        return [Fault(f"{pointer}/place_code", "place_unknown", "No province has this code.")]
    return []
