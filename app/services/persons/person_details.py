"""Normalizes the details of a person, and maintains the search tokens that find children and referrals."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Integer, any_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.log import get_driver_connection
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput
from app.kit.dates import BirthRange, check_not_in_future
from app.models import NameToken
from app.models.contents import StoredChildIdentity, StoredPhone
from app.models.people import StoredPersonDetails
from app.models.referrals import StoredCaregiver, StoredReferralContent
from app.schemas.identity import Birth, ChildIdentity, ContactDetails, PersonName, Phone
from app.schemas.people import PersonContent
from app.services.persons import name_matching, places
from app.services.persons.phone_numbers import normalize_phones
from app.text_folding import normalize_text

MAX_TEXT_LENGTH = 200
"""Maximum characters of a part of a name and of a phone number, as in the schemas."""

PHONE_KEY_PREFIX = "p="
TokenContext: TypeAlias = Literal["child", "person", "referral"]
"""The records whose tokens have separate keys: children, the people around them, and referrals."""

INSERT_TOKENS_SQL = """
    INSERT INTO name_tokens (owner_id, kind, child_id, token)
    SELECT $1, $2, $3, token FROM access.shorten_tokens_to_store($4) AS token ON CONFLICT DO NOTHING
"""
INSERT_REFERRAL_TOKENS_SQL = """
    INSERT INTO name_tokens (owner_id, kind, token)
    SELECT {id}, 'referral', token FROM access.shorten_tokens_to_store({related_values}) AS token
"""
"""Inserts the search tokens of a new referral, in the statement that inserts the referral (see `RecordInsert`)."""
MARK_TOKENS_ACCEPTED_SQL = """
    UPDATE name_tokens SET kind = 'accepted_referral', child_id = $2 WHERE owner_id = $1 AND kind = 'referral'
"""
MARK_TOKENS_RECEIVED_SQL = """
    UPDATE name_tokens SET kind = 'referral', child_id = NULL WHERE owner_id = $1 AND kind = 'accepted_referral'
"""
DELETE_TOKENS_SQL = "DELETE FROM name_tokens WHERE owner_id = $1 AND kind = $2"
"""The condition on `kind` is necessary, because a client may choose the id of a child for a referral. The tokens of
that child must not be deleted.
"""
DELETE_PHONE_TOKENS_SQL = """
    DELETE FROM name_tokens
     WHERE owner_id = $1 AND kind = 'child' AND token IN (SELECT access.shorten_tokens_to_search($2))
       AND token NOT IN (SELECT access.shorten_tokens_to_search($3))
"""
SEARCHED_TOKENS = select(func.access.shorten_tokens_to_search(bindparam("tokens", type_=ARRAY(Integer))))
HAS_SEARCHED_TOKEN = col(NameToken.token) == any_(
    func.array(SEARCHED_TOKENS.scalar_subquery(), type_=ARRAY(Integer))
)
"""Condition on `NameToken` with the parameter `tokens`, which the functions `hash_…` return."""

DetailsT = TypeVar("DetailsT", bound=ContactDetails)


async def normalize_person_details(
    session: AsyncSession, details: DetailsT, pointer: str = ""
) -> tuple[DetailsT, list[Fault]]:
    """Check a person's birth date and place. Return a copy with normalized names and phones, and warnings about phones.

    `pointer` is the JSON pointer of the details in the request. A phone number that is not certainly valid is kept as typed.

    Raises:
        InvalidInput: A name is empty or too long after the normalization, a phone number is too long, the province of the
            place does not exist, or the birth date is in the future.
    """
    nickname: str | None = None
    birth: Birth | None = None
    if isinstance(details, ChildIdentity | PersonContent):
        nickname, birth = details.nickname, details.birth
    names = [_normalize_name(name) for name in details.names]
    if nickname:
        nickname = normalize_text(nickname)
    pointers = [f"{pointer}{phone_pointer}" for phone_pointer in details.list_phone_pointers()]
    phones, warnings = normalize_phones(details.phones, pointers)
    faults = [
        *_check_names(names, nickname, pointer),
        *_check_number_lengths(details.phones, pointers),
        *_check_birth(birth, pointer),
        *await check_place(session, details.place_code, pointer),
    ]
    if faults:
        raise InvalidInput(faults)
    changes: dict[str, object] = {"names": names, "phones": phones, "phone": phones[0] if phones else None}
    if nickname:
        changes["nickname"] = nickname
    return details.model_copy(update=changes), warnings


async def replace_search_tokens(
    session: AsyncSession,
    owner_id: UUID,
    kind: str,
    child_id: UUID | None,
    tokens: Sequence[int],
    *,
    is_new: bool = False,
) -> None:
    """Replace the search tokens of a child or a referral. `is_new` skips the deletion of existing tokens."""
    connection = get_driver_connection(session)
    if not is_new:
        await connection.execute(DELETE_TOKENS_SQL, owner_id, kind)
    await connection.execute(INSERT_TOKENS_SQL, owner_id, kind, child_id, tokens)


async def mark_search_tokens_accepted(session: AsyncSession, referral_id: UUID, child_id: UUID) -> None:
    """Exclude an accepted referral from the possible duplicates of others, because its child is already a candidate."""
    await get_driver_connection(session).execute(MARK_TOKENS_ACCEPTED_SQL, referral_id, child_id)


async def mark_search_tokens_received(session: AsyncSession, referral_id: UUID) -> None:
    """Include a detached referral in the possible duplicates of others again."""
    await get_driver_connection(session).execute(MARK_TOKENS_RECEIVED_SQL, referral_id)


async def add_contact_search_tokens(
    session: AsyncSession, child_id: UUID, phones: Sequence[StoredPhone]
) -> None:
    """Add the valid phone numbers of a person around a child to the search tokens of the child."""
    if keys := _get_phone_search_keys(phones):
        await get_driver_connection(session).execute(
            INSERT_TOKENS_SQL, child_id, "child", child_id, hash_search_keys(keys, "person")
        )


async def add_child_phone_tokens(
    session: AsyncSession, child_id: UUID, phones: Sequence[StoredPhone]
) -> None:
    """Add the valid phone numbers of a child to its search tokens."""
    if keys := _get_phone_search_keys(phones):
        await get_driver_connection(session).execute(
            INSERT_TOKENS_SQL, child_id, "child", child_id, hash_search_keys(keys, "child")
        )


async def remove_phone_tokens(
    session: AsyncSession, child_id: UUID, numbers: Iterable[str], kept: Sequence[int]
) -> None:
    """Remove the search tokens of phone numbers of a child and its contacts, except those in `kept`."""
    tokens = hash_child_query({get_phone_search_key(number) for number in numbers})
    await get_driver_connection(session).execute(DELETE_PHONE_TOKENS_SQL, child_id, tokens, kept)


def hash_child_search_keys(
    identity: StoredChildIdentity, contacts: Iterable[StoredCaregiver | StoredPersonDetails] = ()
) -> list[int]:
    """Return the search tokens of a child: of its names, its phone numbers and the phone numbers of its contacts.

    Phone numbers find a child whose names are stored in the other script.
    """
    contact_phones = _get_phone_search_keys(phone for contact in contacts for phone in contact["phones"])
    return sorted(
        {
            *hash_search_keys(_get_identity_search_keys(identity), "child"),
            *hash_search_keys(contact_phones, "person"),
        }
    )


def hash_referral_search_keys(content: StoredReferralContent) -> list[int]:
    """Return the search tokens of the child and the caregiver of a referral."""
    return hash_search_keys(_get_referral_search_keys(content), "referral")


def hash_duplicate_query(content: StoredReferralContent) -> tuple[list[int], list[int]]:
    """Return the tokens that find children with facts of a referral, and those that find referrals with them."""
    keys = _get_referral_search_keys(content)
    return hash_child_query(keys), hash_search_keys(keys, "referral")


def hash_child_query(keys: AbstractSet[str]) -> list[int]:
    """Return the tokens that find children by their own search keys or those of their contacts."""
    phone_keys = {key for key in keys if key.startswith(PHONE_KEY_PREFIX)}
    return sorted({*hash_search_keys(keys, "child"), *hash_search_keys(phone_keys, "person")})


def hash_search_keys(keys: AbstractSet[str], context: TokenContext) -> list[int]:
    """Return the search tokens of search keys in one context, with the maximum length.

    The SQL statements shorten them with access.shorten_tokens_to_store() or access.shorten_tokens_to_search().
    """
    return get_vault().blind_index.compute_tokens(keys, context=context)


def _get_referral_search_keys(content: StoredReferralContent) -> set[str]:
    caregiver = content["caregiver"]
    caregiver_phones = _get_phone_search_keys(caregiver["phones"] if caregiver else [])
    return _get_identity_search_keys(content["child"]) | caregiver_phones


def _get_identity_search_keys(identity: StoredChildIdentity) -> set[str]:
    names = name_matching.compute_person_keys(identity["names"], identity["nickname"])
    return names | _get_phone_search_keys(identity["phones"])


def _get_phone_search_keys(phones: Iterable[StoredPhone]) -> set[str]:
    return {get_phone_search_key(phone["e164"]) for phone in phones if phone["e164"]}


def get_phone_search_key(number: str) -> str:
    """Return the search key of a phone number in E.164."""
    return f"{PHONE_KEY_PREFIX}{number}"


def _normalize_name(name: PersonName) -> PersonName:
    parts = {
        "family": normalize_text(name.family) if name.family else None,
        "given": normalize_text(name.given) if name.given else None,
    }
    is_normal = parts["family"] == name.family and parts["given"] == name.given
    return name if is_normal else name.model_copy(update=parts)


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
        elif text and len(text) > MAX_TEXT_LENGTH:
            yield _build_length_fault(f"{pointer}{path}")


def _check_number_lengths(phones: Sequence[Phone], pointers: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for each phone number that is too long in NFC, the form in which it is stored."""
    for phone, pointer in zip(phones, pointers, strict=True):
        if len(normalize_text(phone.number)) > MAX_TEXT_LENGTH:
            yield _build_length_fault(f"{pointer}/number")


def _build_length_fault(pointer: str) -> Fault:
    return Fault(pointer, "string_too_long", f"Must have at most {MAX_TEXT_LENGTH} characters.")


def _check_birth(birth: Birth | None, pointer: str) -> list[Fault]:
    if birth is None:
        return []
    return check_not_in_future(
        {
            f"{pointer}/birth": BirthRange.from_details(birth.model_dump(mode="json")).earliest,
            f"{pointer}/birth/estimated_on": birth.estimated_on,
        }
    )


async def check_place(session: AsyncSession, code: str | None, pointer: str) -> list[Fault]:
    """Check the province and district only, because the partner's list of villages may be newer than the gazetteer."""
    if not code:
        return []
    known_codes = await places.get_place_codes(session)
    if known_codes.isdisjoint({code[:2], code[:4]}):
        return [Fault(f"{pointer}/place_code", "place_unknown", "No province has this code.")]
    return []
