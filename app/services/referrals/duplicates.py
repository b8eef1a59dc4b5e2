"""Possible duplicates: found by blind indexes among all children and referrals, compared in memory, shown by id only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.log import AccessedRecord, get_accessed_records
from app.access.vault import decrypt, decrypt_value
from app.kit.dates import BirthRange
from app.kit.pagination import Paginator
from app.kit.records import get_record
from app.models import Referral
from app.schemas.referrals import ReferralMatch, ReferralMatchList
from app.schemas.wire import PageQuery
from app.services.persons import person_details as telling
from app.services.referrals.similarity import DUPLICATE_THRESHOLD, IdentityProfile, score_similarity

CANDIDATES_SQL = text("SELECT * FROM access.possible_duplicates(:tokens)").bindparams(
    bindparam("tokens", type_=ARRAY(Integer))
)
PROFILES_SQL = text("SELECT * FROM access.duplicate_profiles(:children, :referrals)").bindparams(
    bindparam("children", type_=ARRAY(Uuid)), bindparam("referrals", type_=ARRAY(Uuid))
)
TABLE_BY_KIND = {"child": "children", "referral": "referrals", "person": "people"}


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """A child or referral that shares a few bits of a name with the one asked about."""

    kind: str
    id: UUID
    child_id: UUID | None
    profile: IdentityProfile


async def list_referral_matches(
    session: AsyncSession, caller: Caller, referral_id: UUID, page: PageQuery
) -> ReferralMatchList:
    """List the possible duplicates of a referral, most alike first; each one shown is in the log."""
    paging = Paginator("matches", page.limit, page.cursor, {"referral": referral_id, "for": caller.id})
    found, cursor = paging.paginate_items(
        await find_possible_duplicates(session, await get_record(session, Referral, referral_id)),
        lambda m: m.id,
    )
    for match in found:
        get_accessed_records(session).add(AccessedRecord(match.child_id, None, match.kind, match.id))
    return ReferralMatchList(items=found, next_cursor=cursor)


async def find_possible_duplicates(session: AsyncSession, referral: Referral) -> list[ReferralMatch]:
    """Return the possible duplicates of a referral, most alike first."""
    told = decrypt(referral)
    child, *carers = telling.get_child_and_caregiver(told)
    own = build_identity_profile(child, carers)
    found = []
    for candidate in await _load_candidates(session, referral, told):
        score, why = score_similarity(own, candidate.profile)
        if score >= DUPLICATE_THRESHOLD:
            found.append(
                ReferralMatch(
                    kind=candidate.kind, id=candidate.id, child_id=candidate.child_id, score=score, why=why
                )
            )
    return sorted(found, key=lambda match: (-match.score, match.id))


def build_identity_profile(child: dict[str, Any], carers: Iterable[dict[str, Any]]) -> IdentityProfile:
    """Return what resemblance is judged by."""
    carers = list(carers)
    phones = [document["phone"]["number"] for document in (child, *carers) if document.get("phone")]
    return IdentityProfile(
        names=child["names"],
        nickname=child.get("nickname"),
        sex=child.get("sex"),
        birth=BirthRange.from_details(child["birth"]) if child.get("birth") else None,
        place_code=child.get("place_code"),
        phones=frozenset(phones),
        caregiver_names=[name for carer in carers for name in carer.get("names") or []],
    )


async def _load_candidates(
    session: AsyncSession, referral: Referral, told: dict[str, Any]
) -> list[DuplicateCandidate]:
    near = (
        await session.execute(
            CANDIDATES_SQL, {"tokens": telling.build_search_tokens(telling.get_child_and_caregiver(told))}
        )
    ).all()
    wanted = {
        "children": [row.id for row in near if row.kind == "child" and row.id != referral.child_id],
        # A referral that was accepted is the child it became.
        "referrals": [
            row.id for row in near if row.kind == "referral" and row.id != referral.id and not row.child_id
        ],
    }
    opened = [(row, _decrypt_document(row)) for row in (await session.execute(PROFILES_SQL, wanted)).all()]
    circle: dict[UUID, list[dict[str, Any]]] = {}
    for row, document in opened:
        if row.kind == "person":
            circle.setdefault(row.child_id, []).append(document)
    return [
        DuplicateCandidate(row.kind, row.id, row.child_id, _build_candidate_profile(row, document, circle))
        for row, document in opened
        if row.kind != "person"
    ]


def _decrypt_document(row: Any) -> dict[str, Any]:
    document: dict[str, Any] = decrypt_value(TABLE_BY_KIND[row.kind], "sealed", row.id, row.profile_encrypted)
    return document


def _build_candidate_profile(
    row: Any, document: dict[str, Any], circle: dict[UUID, list[dict[str, Any]]]
) -> IdentityProfile:
    if row.kind == "referral":
        child, *carers = telling.get_child_and_caregiver(document)
        return build_identity_profile(child, carers)
    return build_identity_profile({**document, "sex": row.sex}, circle.get(row.child_id, []))
