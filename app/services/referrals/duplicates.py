"""Find the possible duplicates of a referral among all children and referrals.

A blind index selects the candidates, which are then compared in memory. Children and open referrals that are not similar, but
share the phone, caregiver or commune, are listed as the same household. The result contains no personal data. For a record that the caller cannot see, the response contains only a coarse likelihood and an id that is valid for the
referral only, so that a caller cannot find out facts about a hidden child by changing a referral.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Row, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.accessed_records import AccessedRecord
from app.access.caller import Caller
from app.access.session_records import get_accessed_records
from app.errors import Fault
from app.kit.pagination import Paginator
from app.kit.records import get_record
from app.models import Child, Person, Referral
from app.models.people import StoredPersonDetails
from app.models.referrals import StoredReferralContent
from app.schemas.referrals import (
    ReferralMatch,
    ReferralMatchKind,
    ReferralMatchLikelihood,
    ReferralMatchList,
    ReferralMatchRecordKind,
)
from app.schemas.wire import PageQuery
from app.services.persons import person_details
from app.services.referrals import matching
from app.services.referrals.identity_profiles import IdentityProfile, build_profile, build_referral_profile
from app.services.referrals.similarity import LIKELY_THRESHOLD, ProfileMatch, compare_profiles
from app.services.referrals.states import OPEN_STATUSES

CANDIDATES_SQL = text("SELECT * FROM access.possible_duplicates(:referral, :child_tokens, :referral_tokens)")
CANDIDATES_SQL = CANDIDATES_SQL.bindparams(
    bindparam("referral", type_=Uuid),
    bindparam("child_tokens", type_=ARRAY(Integer)),
    bindparam("referral_tokens", type_=ARRAY(Integer)),
)
PROFILES_SQL = text("SELECT * FROM access.duplicate_profiles(:referral, :children, :referrals)").bindparams(
    bindparam("referral", type_=Uuid),
    bindparam("children", type_=ARRAY(Uuid)),
    bindparam("referrals", type_=ARRAY(Uuid)),
)


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """A child or a referral that has search tokens in common with the referral."""

    kind: ReferralMatchRecordKind
    id: UUID
    profile: IdentityProfile


MatchingCandidate: TypeAlias = tuple[DuplicateCandidate, ProfileMatch]


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """A candidate that is similar to the referral. Only a visible one shows its own id, its score and its reasons.

    A candidate that is not similar can be about a child of the same household; it is always visible.
    """

    kind: ReferralMatchKind
    record_kind: ReferralMatchRecordKind
    record_id: UUID
    shown_id: UUID
    is_visible: bool
    score: float
    reasons: list[str]

    @property
    def likelihood(self) -> ReferralMatchLikelihood:
        """The coarse score, or the strength of the evidence for one household."""
        is_likely = self.score >= LIKELY_THRESHOLD
        if self.kind is ReferralMatchKind.household:
            is_likely = {"phone_shared", "caregiver_similar"}.issubset(self.reasons)
        return ReferralMatchLikelihood.likely if is_likely else ReferralMatchLikelihood.possible

    @property
    def child_id(self) -> UUID | None:
        """The id of the child; None for a referral, because a referral with a child is not a candidate."""
        return self.record_id if self.record_kind is ReferralMatchRecordKind.child else None

    @property
    def sort_key(self) -> tuple[bool, bool, bool, float, UUID]:
        """Likely ones first, among these the visible ones by score, then the hidden ones in the order of a random id.

        The children of the same household come last.
        """
        is_possible = self.likelihood is ReferralMatchLikelihood.possible
        return (
            self.kind is ReferralMatchKind.household,
            is_possible,
            not self.is_visible,
            -self.score if self.is_visible else 0.0,
            self.shown_id,
        )


async def list_referral_matches(
    session: AsyncSession, caller: Caller, referral_id: UUID, page: PageQuery
) -> ReferralMatchList:
    """List the possible duplicates of a referral, likely ones first, then other children of the household.

    The access log records each of them. After a limit on comparisons, the list contains only records that the caller can
    see, and the response contains the people who can list the other records.
    """
    paginator = Paginator("matches", page.limit, page.cursor, {"referral": referral_id, "for": caller.id})
    referral = await get_record(session, Referral, referral_id)
    profile = build_referral_profile(referral.content)
    digest = matching.compute_identity_digest(referral.id, profile)
    limit = await matching.record_matching(session, referral.id, digest)
    duplicates = await _find_possible_duplicates(session, referral, profile, only_visible=limit is not None)
    shown, cursor = paginator.paginate_items(duplicates, lambda duplicate: duplicate.shown_id)
    for duplicate in shown:
        child_id = str(duplicate.child_id) if duplicate.child_id else None
        record = AccessedRecord(child_id, None, "child" if child_id else "referral", str(duplicate.record_id))
        get_accessed_records(session).add(record)
    withheld = limit and await matching.describe_limit(session, caller, referral, limit)
    return ReferralMatchList(
        items=[_to_schema(duplicate) for duplicate in shown], next_cursor=cursor, withheld=withheld
    )


async def find_matching_child_id(session: AsyncSession, referral: Referral, shown_id: UUID) -> UUID | None:
    """Return the id of the child that `/matches` of the referral shows as `shown_id`, or None.

    Without a listing of the matches for the present content of the referral, nothing is compared.
    """
    profile = build_referral_profile(referral.content)
    digest = matching.compute_identity_digest(referral.id, profile)
    if not await matching.is_matched(session, referral.id, digest):
        return None
    duplicates = await _find_possible_duplicates(session, referral, profile)
    return next(
        (
            duplicate.child_id
            for duplicate in duplicates
            if duplicate.shown_id == shown_id and duplicate.kind is ReferralMatchKind.child
        ),
        None,
    )


def is_identity_changed(before: StoredReferralContent, after: StoredReferralContent) -> bool:
    """Return whether two contents of a referral differ in a fact that is compared with other records."""
    return build_referral_profile(before) != build_referral_profile(after)


async def check_matches_opened(session: AsyncSession, referral: Referral) -> list[Fault]:
    """Return a fault unless the caller listed the matches for the present content of the referral."""
    digest = matching.compute_identity_digest(referral.id, build_referral_profile(referral.content))
    if await matching.has_opened_matches(session, referral.id, digest):
        return []
    detail = "Open the possible duplicates of the referral first: its identity changed, or you have not listed them."
    return [Fault("/duplicates_reviewed", "duplicates_not_opened", detail)]


def _to_schema(duplicate: PossibleDuplicate) -> ReferralMatch:
    return ReferralMatch(
        kind=duplicate.kind,
        record_kind=duplicate.record_kind,
        id=duplicate.shown_id,
        is_visible=duplicate.is_visible,
        likelihood=duplicate.likelihood,
        score=duplicate.score if duplicate.is_visible else None,
        why=duplicate.reasons if duplicate.is_visible else None,
    )


async def _find_possible_duplicates(
    session: AsyncSession, referral: Referral, profile: IdentityProfile, *, only_visible: bool = False
) -> list[PossibleDuplicate]:
    """Return the possible duplicates of a referral in the order of the list."""
    candidates = await _load_candidates(session, referral, only_visible=only_visible)
    matches = _select_best_matches(
        (candidate, match)
        for candidate in candidates
        if (match := compare_profiles(profile, candidate.profile)) is not None
    )
    visible_ids, household_ids = await _select_visible_ids(
        session, [candidate.id for candidate, _ in matches]
    )
    digest = matching.compute_identity_digest(referral.id, profile)
    duplicates = []
    for candidate, match in matches:
        if match.is_household and candidate.id not in household_ids:
            continue
        is_visible = candidate.id in visible_ids
        kind = ReferralMatchKind.household if match.is_household else ReferralMatchKind(candidate.kind)
        match_id = matching.compute_match_id(referral.id, digest, candidate.id)
        shown_id = candidate.id if is_visible else match_id
        duplicates.append(
            PossibleDuplicate(
                kind, candidate.kind, candidate.id, shown_id, is_visible, match.score, match.reasons
            )
        )
    return sorted(duplicates, key=lambda duplicate: duplicate.sort_key)


def _select_best_matches(matches: Iterable[MatchingCandidate]) -> list[MatchingCandidate]:
    """Return the best match of each record. A child has several if other records were merged into it."""
    best: dict[UUID, MatchingCandidate] = {}
    for candidate, match in matches:
        known = best.setdefault(candidate.id, (candidate, match))
        if match.score > known[1].score:  # the score of a household is always lower
            best[candidate.id] = candidate, match
    return list(best.values())


async def _select_visible_ids(
    session: AsyncSession, ids: Sequence[UUID]
) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """Return the ids that the row policies show, and those of them that can be one household: children and open referrals."""
    children = (await session.scalars(select(col(Child.id)).where(col(Child.id).in_(ids)))).all()
    query = select(col(Referral.id), col(Referral.status)).where(col(Referral.id).in_(ids))
    referrals = (await session.execute(query)).all()
    open_referrals = [row.id for row in referrals if row.status in OPEN_STATUSES]
    return frozenset([*children, *(row.id for row in referrals)]), frozenset([*children, *open_referrals])


async def _load_candidates(
    session: AsyncSession, referral: Referral, *, only_visible: bool
) -> list[DuplicateCandidate]:
    """Return the records with a search token of the referral. Hidden records that are omitted are not decrypted."""
    child_tokens, referral_tokens = person_details.hash_duplicate_query(referral.content)
    parameters = {"referral": referral.id, "child_tokens": child_tokens, "referral_tokens": referral_tokens}
    token_matches = (await session.execute(CANDIDATES_SQL, parameters)).all()
    if only_visible:
        visible_ids, _ = await _select_visible_ids(session, [row.id for row in token_matches])
        token_matches = [row for row in token_matches if row.id in visible_ids]
    candidate_ids = {
        "referral": referral.id,
        "children": [row.id for row in token_matches if row.kind == "child" and row.id != referral.child_id],
        "referrals": [row.id for row in token_matches if row.kind == "referral" and row.id != referral.id],
    }
    rows = (await session.execute(PROFILES_SQL, candidate_ids)).all()
    contacts = _decrypt_contacts(row for row in rows if row.kind == "person")
    return [
        DuplicateCandidate(
            ReferralMatchRecordKind(row.kind),
            row.child_id if row.kind == "child" else row.id,
            _build_candidate_profile(row, contacts),
        )
        for row in rows
        if row.kind != "person"
    ]


def _decrypt_contacts(rows: Iterable[Row[Any]]) -> Mapping[UUID, Sequence[StoredPersonDetails]]:
    contacts: defaultdict[UUID, list[StoredPersonDetails]] = defaultdict(list)
    for row in rows:
        contacts[row.child_id].append(Person.details.decrypt(row.id, row.profile_encrypted))
    return contacts


def _build_candidate_profile(
    row: Row[Any], contacts: Mapping[UUID, Sequence[StoredPersonDetails]]
) -> IdentityProfile:
    if row.kind == "referral":
        return build_referral_profile(Referral.content.decrypt(row.id, row.profile_encrypted))
    identity = Child.identity.decrypt(row.id, row.profile_encrypted)
    return build_profile(identity, row.sex, contacts.get(row.child_id, []))
