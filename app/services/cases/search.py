"""Search children by name or phone number, and cases also by their number."""

import re
import unicodedata
from contextlib import suppress
from functools import cache

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, func, select, true
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.kit.case_scope import CaseScope
from app.kit.dates import today
from app.models import Case, Child, NameToken, Person
from app.models.contents import StoredChildIdentity
from app.services.persons import name_matching, person_details
from app.services.persons.phone_numbers import normalize_phone

MAX_NAME_CANDIDATES = 500
"""Maximum number of children that one search compares in memory."""
SEARCHED_YEAR_COUNT = 10
"""Number of years, ending with the current one, in which a case number without a year is searched."""
ONLY_COMPARED = NoShownRecord(
    "the candidates are only compared in memory, and the query of the response logs the matches"
)
OWN_CHILDREN = CaseScope(col(NameToken.owner_id), col(Case.child_id))
CHILD_IDS = bindparam("child_ids", type_=ARRAY(Uuid))
# Only the phones of supporters and family members are searchable.
CONTACTS_QUERY = ReadQuery(
    select(col(Person.id), col(Person.child_id), col(Person.details_encrypted)).where(
        col(Person.child_id) == any_(CHILD_IDS), col(Person.role) != "other"
    ),
    shows=ONLY_COMPARED,
)


async def find_matching_children(reader: RecordReader, caller: Caller, q: str) -> list[str]:
    """Return the ids of the children with a matching name or phone number, most similar first."""
    phone = _parse_phone(q)
    if phone is not None:
        return await _find_children_by_phone(reader, caller, phone)
    similarities = {
        child_id: name_matching.search_query_similarity(q, identity["names"], identity["nickname"])
        for child_id, identity in await _fetch_candidates(reader, caller, name_matching.search_query_keys(q))
    }
    matching = [child_id for child_id, similarity in similarities.items() if similarity > 0]
    return sorted(matching, key=lambda child_id: (-similarities[child_id], child_id))


def parse_case_numbers(q: str) -> list[str]:
    """Return the case numbers that a text can mean: `FSC-2026-0042` for `fsc 2026/42`; several without a year."""
    return parse_numbers(q, "FSC", 4)


def parse_numbers(q: str, prefix: str, digits: int) -> list[str]:
    """Return the numbers of records that a text can mean, for example of cases (see `parse_case_numbers`)."""
    text = "".join(_to_ascii(character) for character in q.lower() if character.isalnum())
    match = re.fullmatch(rf"(?:{prefix.lower()})?(?P<year>20\d\d)?(?P<serial>\d{{1,5}})", text)
    if match is None:
        return []
    newest = today().year
    years = [match["year"]] if match["year"] else range(newest, newest - SEARCHED_YEAR_COUNT, -1)
    return [f"{prefix}-{year}-{int(match['serial']):0{digits}d}" for year in years]


def _to_ascii(character: str) -> str:
    """Return a digit of any script as an ASCII digit, and any other character unchanged."""
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _parse_phone(q: str) -> str | None:
    with suppress(ValueError):
        return normalize_phone(q)
    return None


async def _find_children_by_phone(reader: RecordReader, caller: Caller, phone: str) -> list[str]:
    """Return the ids of the children with this phone number, or with a contact who has it."""
    candidates = await _fetch_candidates(reader, caller, {person_details.get_phone_search_key(phone)})
    contacts = await reader.fetch(CONTACTS_QUERY, child_ids=[child_id for child_id, _ in candidates])
    phones = [(child_id, identity["phone"]) for child_id, identity in candidates]
    phones += [
        (contact.child_id, Person.details.decrypt(contact.id, contact.details_encrypted)["phone"])
        for contact in contacts
    ]
    return sorted({child_id for child_id, number in phones if number and number["number"] == phone})


async def _fetch_candidates(
    reader: RecordReader, caller: Caller, search_keys: set[str]
) -> list[tuple[str, StoredChildIdentity]]:
    """Return the visible children that share the most tokens with the search keys."""
    query = _compile_candidates_query(OWN_CHILDREN.list_arms(caller))
    tokens = person_details.hash_search_keys(search_keys)
    rows = await reader.fetch(query, tokens=tokens, **OWN_CHILDREN.get_parameters(caller))
    return [(row.id, Child.identity.decrypt(row.id, row.identity_encrypted)) for row in rows]


@cache
def _compile_candidates_query(arms: tuple[str, ...]) -> ReadQuery:
    """Return the query of the children with at least one of the tokens. Children with more tokens come first.

    If the caller can see only some cases, the query reads the tokens of their children, because a frequent name has far
    more tokens in the whole table.
    """
    has_token = and_(person_details.HAS_SEARCHED_TOKEN, col(NameToken.kind) == "child")
    if "all" in arms:
        tokens = select(col(NameToken.owner_id).label("child_id")).where(has_token).subquery()
    else:
        own = select(OWN_CHILDREN.select_targets(arms).subquery().c.child_id).distinct().subquery("own")
        found = select(col(NameToken.token)).where(col(NameToken.owner_id) == own.c.child_id, has_token)
        # OFFSET 0 keeps PostgreSQL from flattening the subquery into a join that reads all rows of the tokens.
        tokens = select(own.c.child_id).join(found.offset(0).lateral("found"), true()).subquery()
    candidates = (
        select(tokens.c.child_id)
        .group_by(tokens.c.child_id)
        .order_by(func.count().desc(), tokens.c.child_id)
        .limit(MAX_NAME_CANDIDATES)
    )
    query = select(col(Child.id), col(Child.identity_encrypted)).where(col(Child.id).in_(candidates))
    return ReadQuery(query, shows=ONLY_COMPARED)
