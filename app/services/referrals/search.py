"""Search referrals by the name of the child, by phone number, by tracking number, or by the number of the partner."""

from functools import cache

from sqlalchemy import func, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader
from app.models import NameToken, Referral
from app.models.referrals import StoredReferralContent
from app.schemas.referral_filters import ReferralFilters
from app.services.cases.search import MAX_NAME_CANDIDATES, ONLY_COMPARED
from app.services.persons import name_matching, person_details
from app.services.persons.phone_numbers import find_e164
from app.services.referrals.scope import ReferralScope
from app.text_folding import fold_number, normalize_identifier

SCOPE = ReferralScope()


async def find_matching_referrals(reader: RecordReader, caller: Caller, q: str) -> dict[str, float]:
    """Return the similarity of each referral of a child with a matching name or phone number, above 0 to 1, by id.

    The phone number can be the caregiver's. An agency does not search by name or phone number: its view of a referral
    contains neither.
    """
    if caller.is_partner:
        return {}
    phone = find_e164(q)
    keys = (
        name_matching.compute_search_keys(q, is_query=True)
        if phone is None
        else {person_details.get_phone_search_key(phone)}
    )
    query = _compile_candidates_query(SCOPE.list_arms(caller))
    tokens = person_details.hash_search_keys(keys, "referral")
    similarities = {}
    for row in await reader.fetch(query, tokens=tokens, **SCOPE.get_parameters(caller)):
        content = Referral.content.decrypt(row.id, row.content_encrypted)
        similarities[row.id] = _compute_similarity(content, q, phone)
    return {referral_id: similarity for referral_id, similarity in similarities.items() if similarity > 0}


def _compute_similarity(content: StoredReferralContent, q: str, phone: str | None) -> float:
    child, caregiver = content["child"], content["caregiver"]
    if phone is None:
        return name_matching.search_query_similarity(q, child["names"], child["nickname"])
    phones = [*child["phones"], *(caregiver["phones"] if caregiver else ())]
    return float(any(item["e164"] == phone for item in phones))


def parse_tracking_number(q: str) -> str:
    """Return the normalized tracking number in `q` (`R-7K3M-92QF` for `r 7k3m92qf`), or an empty text."""
    text = fold_number(q).upper().removeprefix("R")  # tracking numbers do not contain the letters O, I and L
    return f"R-{text[:4]}-{text[4:]}" if len(text) == 8 else ""  # noqa: PLR2004 - characters of a tracking number


def fold_identifiers(filters: ReferralFilters) -> ReferralFilters:
    """Return the filters with the stored form of the external id and the tracking number."""
    update: dict[str, str] = {}
    if filters.external_id is not None:
        update["external_id"] = normalize_identifier(filters.external_id)
    if filters.tracking_number is not None:
        update["tracking_number"] = parse_tracking_number(filters.tracking_number) or filters.tracking_number
    return filters.model_copy(update=update)


@cache
def _compile_candidates_query(arms: tuple[str, ...]) -> ReadQuery:
    own_referrals = select(col(Referral.id)).where(SCOPE.build_condition(arms))
    candidates = (
        select(col(NameToken.owner_id))
        .where(
            person_details.HAS_SEARCHED_TOKEN,
            col(NameToken.kind).in_(("referral", "accepted_referral")),
            col(NameToken.owner_id).in_(own_referrals),
        )
        .group_by(col(NameToken.owner_id))
        .order_by(func.count().desc(), col(NameToken.owner_id))
        .limit(MAX_NAME_CANDIDATES)
    )
    query = select(col(Referral.id), col(Referral.content_encrypted)).where(col(Referral.id).in_(candidates))
    return ReadQuery(query, shows=ONLY_COMPARED)
