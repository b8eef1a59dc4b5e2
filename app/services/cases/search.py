"""Search children by name or phone number, and cases also by their number."""

import re
from collections.abc import Set as AbstractSet
from functools import cache

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, func, select, true, union_all
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.kit.case_scope import CaseScope
from app.kit.dates import today
from app.kit.entered_in_error import is_valid
from app.models import Case, Child, NameToken, Person
from app.models.contents import StoredChildIdentity, StoredPhone
from app.services.persons import name_matching, person_details
from app.services.persons.phone_numbers import find_e164
from app.text_folding import fold_number

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
        col(Person.child_id) == any_(CHILD_IDS), col(Person.role) != "other", is_valid(Person)
    ),
    shows=ONLY_COMPARED,
)


async def find_matching_children(reader: RecordReader, caller: Caller, q: str) -> dict[str, float]:
    """Return the similarity of each child with a matching name or phone number, above 0 to 1, by id."""
    phone = find_e164(q)
    if phone is not None:
        return dict.fromkeys(await _find_children_by_phone(reader, caller, phone), 1.0)
    similarities: dict[str, float] = {}
    for child_id, identity in await _fetch_candidates(
        reader, caller, name_matching.compute_search_keys(q, is_query=True)
    ):
        similarity = name_matching.search_query_similarity(q, identity["names"], identity["nickname"])
        similarities[child_id] = max(similarity, similarities.get(child_id, 0.0))
    return {child_id: similarity for child_id, similarity in similarities.items() if similarity > 0}


def parse_case_numbers(q: str) -> list[str]:
    """Return the case numbers that a text can mean: `FSC-2026-0042` for `fsc 2026/42`.

    If the text has no year, returns one candidate per year.
    """
    return parse_numbers(q, "FSC", 4)


def parse_numbers(q: str, prefix: str, digits: int) -> list[str]:
    """Return the numbers of records that a text can mean, for example of cases (see `parse_case_numbers`)."""
    match = re.fullmatch(rf"(?:{fold_number(prefix)})?(?P<year>20\d\d)?(?P<serial>\d{{1,5}})", fold_number(q))
    if match is None:
        return []
    newest = today().year
    years = [match["year"]] if match["year"] else range(newest, newest - SEARCHED_YEAR_COUNT, -1)
    return [f"{prefix}-{year}-{int(match['serial']):0{digits}d}" for year in years]


async def _find_children_by_phone(reader: RecordReader, caller: Caller, phone: str) -> set[str]:
    """Return the ids of the children with this phone number, or with a contact who has it."""
    candidates = await _fetch_candidates(reader, caller, {person_details.get_phone_search_key(phone)})
    contacts = await reader.fetch(CONTACTS_QUERY, child_ids=[child_id for child_id, _ in candidates])
    details: list[tuple[str, list[StoredPhone]]] = [
        (child_id, identity["phones"]) for child_id, identity in candidates
    ]
    details += [
        (contact.child_id, Person.details.decrypt(contact.id, contact.details_encrypted)["phones"])
        for contact in contacts
    ]
    return {child_id for child_id, phones in details if any(item["e164"] == phone for item in phones)}


async def _fetch_candidates(
    reader: RecordReader, caller: Caller, search_keys: AbstractSet[str]
) -> list[tuple[str, StoredChildIdentity]]:
    """Return the visible children that share the most tokens with the search keys, with their identity.

    A child occurs a second time with the identity of each record that was merged into it.
    """
    query = _compile_candidates_query(OWN_CHILDREN.list_arms(caller))
    tokens = person_details.hash_child_query(search_keys)
    rows = await reader.fetch(query, tokens=tokens, **OWN_CHILDREN.get_parameters(caller))
    return [(row.child_id, Child.identity.decrypt(row.id, row.identity_encrypted)) for row in rows]


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
        .cte("candidates")
    )
    identities = union_all(
        *(
            select(candidates.c.child_id, col(Child.id), col(Child.identity_encrypted)).join(
                Child, reference == candidates.c.child_id
            )
            for reference in (col(Child.id), col(Child.merged_into_id))
        )
    ).subquery("identities")
    return ReadQuery(select(*identities.c), shows=ONLY_COMPARED)
