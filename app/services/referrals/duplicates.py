"""Possible duplicates: found by blind indexes among all children and referrals, compared in memory, shown by id only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.log import Shown, trace_of
from app.access.vault import unseal, unseal_value
from app.kit.dates import Birth
from app.kit.pagination import Paging
from app.kit.records import find
from app.models import Referral
from app.schemas.referrals import Match
from app.schemas.wire import Page, PageQuery
from app.services.persons import person_details as telling
from app.services.referrals.similarity import THRESHOLD, Profile, resemblance

CANDIDATES = text("SELECT * FROM access.possible_duplicates(:tokens)").bindparams(
    bindparam("tokens", type_=ARRAY(Integer))
)
PROFILES = text("SELECT * FROM access.duplicate_profiles(:children, :referrals)").bindparams(
    bindparam("children", type_=ARRAY(Uuid)), bindparam("referrals", type_=ARRAY(Uuid))
)
TABLES = {"child": "children", "referral": "referrals", "person": "people"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A child or referral that shares a few bits of a name with the one asked about."""

    kind: str
    id: UUID
    child_id: UUID | None
    profile: Profile


async def listed(session: AsyncSession, actor: Actor, referral_id: UUID, page: PageQuery) -> Page[Match]:
    """List the possible duplicates of a referral, most alike first; each one shown is in the log."""
    paging = Paging("matches", page.limit, page.cursor, {"referral": referral_id, "for": actor.id})
    found, cursor = paging.cut(await of(session, await find(session, Referral, referral_id)), lambda m: m.id)
    for match in found:
        trace_of(session).add(Shown(match.child_id, None, match.kind, match.id))
    return Page(items=found, next_cursor=cursor)


async def of(session: AsyncSession, referral: Referral) -> list[Match]:
    """Return the possible duplicates of a referral, most alike first."""
    told = unseal(referral)
    child, *carers = telling.circle(told)
    own = profile_of(child, carers)
    found = []
    for candidate in await _candidates(session, referral, told):
        score, why = resemblance(own, candidate.profile)
        if score >= THRESHOLD:
            found.append(
                Match(kind=candidate.kind, id=candidate.id, child_id=candidate.child_id, score=score, why=why)
            )
    return sorted(found, key=lambda match: (-match.score, match.id))


def profile_of(child: dict[str, Any], carers: Iterable[dict[str, Any]]) -> Profile:
    """Return what resemblance is judged by."""
    carers = list(carers)
    phones = [document["phone"]["number"] for document in (child, *carers) if document.get("phone")]
    return Profile(
        names=child["names"],
        nickname=child.get("nickname"),
        sex=child.get("sex"),
        birth=Birth.of(child["birth"]) if child.get("birth") else None,
        place_code=child.get("place_code"),
        phones=frozenset(phones),
        caregiver_names=[name for carer in carers for name in carer.get("names") or []],
    )


async def _candidates(session: AsyncSession, referral: Referral, told: dict[str, Any]) -> list[Candidate]:
    near = (await session.execute(CANDIDATES, {"tokens": telling.tokens_of(telling.circle(told))})).all()
    wanted = {
        "children": [row.id for row in near if row.kind == "child" and row.id != referral.child_id],
        # A referral that was accepted is the child it became.
        "referrals": [
            row.id for row in near if row.kind == "referral" and row.id != referral.id and not row.child_id
        ],
    }
    opened = [(row, _opened(row)) for row in (await session.execute(PROFILES, wanted)).all()]
    circle: dict[UUID, list[dict[str, Any]]] = {}
    for row, document in opened:
        if row.kind == "person":
            circle.setdefault(row.child_id, []).append(document)
    return [
        Candidate(row.kind, row.id, row.child_id, _profile(row, document, circle))
        for row, document in opened
        if row.kind != "person"
    ]


def _opened(row: Any) -> dict[str, Any]:
    document: dict[str, Any] = unseal_value(TABLES[row.kind], "sealed", row.id, row.sealed)
    return document


def _profile(row: Any, document: dict[str, Any], circle: dict[UUID, list[dict[str, Any]]]) -> Profile:
    if row.kind == "referral":
        child, *carers = telling.circle(document)
        return profile_of(child, carers)
    return profile_of({**document, "sex": row.sex}, circle.get(row.child_id, []))
