"""Find the possible duplicates of a referral among all children and referrals.

A blind index selects the candidates, which are then compared in memory. The result contains ids and no personal data.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import AccessedRecord
from app.access.caller import Caller
from app.access.log import get_accessed_records
from app.kit.dates import BirthRange
from app.kit.pagination import Paginator
from app.kit.records import get_record
from app.models import Child, Person, Referral
from app.models.contents import StoredChildIdentity
from app.models.people import StoredPersonDetails
from app.models.referrals import StoredCaregiver, StoredReferralContent
from app.schemas.referrals import ReferralMatch, ReferralMatchKind, ReferralMatchList
from app.schemas.wire import PageQuery
from app.services.persons import person_details
from app.services.referrals.similarity import DUPLICATE_THRESHOLD, IdentityProfile, score_similarity

CANDIDATES_SQL = text("SELECT * FROM access.possible_duplicates(:tokens)").bindparams(
    bindparam("tokens", type_=ARRAY(Integer))
)
PROFILES_SQL = text("SELECT * FROM access.duplicate_profiles(:children, :referrals)").bindparams(
    bindparam("children", type_=ARRAY(Uuid)), bindparam("referrals", type_=ARRAY(Uuid))
)


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """A child or a referral that has search tokens in common with the referral."""

    kind: ReferralMatchKind
    id: UUID
    child_id: UUID | None
    profile: IdentityProfile


async def list_referral_matches(
    session: AsyncSession, caller: Caller, referral_id: UUID, page: PageQuery
) -> ReferralMatchList:
    """List the possible duplicates of a referral, most similar first. The access log records each of them."""
    paginator = Paginator("matches", page.limit, page.cursor, {"referral": referral_id, "for": caller.id})
    referral = await get_record(session, Referral, referral_id)
    matches, cursor = paginator.paginate_items(
        await find_possible_duplicates(session, referral), lambda match: match.id
    )
    for match in matches:
        child_id = str(match.child_id) if match.child_id else None
        get_accessed_records(session).add(AccessedRecord(child_id, None, match.kind.value, str(match.id)))
    return ReferralMatchList(items=list(matches), next_cursor=cursor)


async def find_possible_duplicates(session: AsyncSession, referral: Referral) -> list[ReferralMatch]:
    """Return the possible duplicates of a referral, most similar first."""
    content = referral.content
    profile = _build_referral_profile(content)
    matches = []
    for candidate in await _load_candidates(session, referral, content):
        score, reasons = score_similarity(profile, candidate.profile)
        if score >= DUPLICATE_THRESHOLD:
            matches.append(
                ReferralMatch(
                    kind=candidate.kind,
                    id=candidate.id,
                    child_id=candidate.child_id,
                    score=score,
                    why=reasons,
                )
            )
    return sorted(matches, key=lambda match: (-match.score, match.id))


async def _load_candidates(
    session: AsyncSession, referral: Referral, content: StoredReferralContent
) -> list[DuplicateCandidate]:
    tokens = person_details.hash_search_keys(person_details.get_referral_search_keys(content))
    token_matches = (await session.execute(CANDIDATES_SQL, {"tokens": tokens})).all()
    candidate_ids = {
        "children": [row.id for row in token_matches if row.kind == "child" and row.id != referral.child_id],
        "referrals": [row.id for row in token_matches if row.kind == "referral" and row.id != referral.id],
    }
    rows = (await session.execute(PROFILES_SQL, candidate_ids)).all()
    contacts: defaultdict[UUID, list[StoredPersonDetails]] = defaultdict(list)
    for row in rows:
        if row.kind == "person":
            contacts[row.child_id].append(Person.details.decrypt(row.id, row.profile_encrypted))
    return [
        DuplicateCandidate(
            ReferralMatchKind(row.kind), row.id, row.child_id, _build_candidate_profile(row, contacts)
        )
        for row in rows
        if row.kind != "person"
    ]


def _build_candidate_profile(
    row: Row[Any], contacts: Mapping[UUID, Sequence[StoredPersonDetails]]
) -> IdentityProfile:
    if row.kind == "referral":
        return _build_referral_profile(Referral.content.decrypt(row.id, row.profile_encrypted))
    identity = Child.identity.decrypt(row.id, row.profile_encrypted)
    return _build_profile(identity, row.sex, contacts.get(row.child_id, []))


def _build_referral_profile(content: StoredReferralContent) -> IdentityProfile:
    caregiver = content["caregiver"]
    return _build_profile(content["child"], content["child"]["sex"], [caregiver] if caregiver else [])


def _build_profile(
    identity: StoredChildIdentity,
    sex: str | None,
    contacts: Sequence[StoredCaregiver | StoredPersonDetails],
) -> IdentityProfile:
    phones = [identity["phone"], *(contact["phone"] for contact in contacts)]
    return IdentityProfile(
        names=identity["names"],
        nickname=identity["nickname"],
        sex=sex,
        birth=BirthRange.from_details(identity["birth"]),
        place_code=identity["place_code"],
        phones=frozenset(phone["number"] for phone in phones if phone),
        caregiver_names=[name for contact in contacts for name in contact["names"]],
    )
