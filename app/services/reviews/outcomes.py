"""Outcomes: each area's rating from the first assessment, along every look at it, to the exit."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.dates import LOCAL
from app.kit.records import find
from app.models import Assessment, Case, Review
from app.schemas.codes import codes_of
from app.schemas.reviews import AreaOutcome, OutcomePoint, Outcomes


class Look(NamedTuple):
    """A look at a child's areas on a day, and how each was rated, 1 (weak) to 4 (strong)."""

    on: date
    kind: str
    id: UUID
    ratings: dict[str, int]
    is_final: bool
    """Whether it decided for the exit."""


async def read(session: AsyncSession, case_id: UUID) -> Outcomes:
    """Return how the areas of a child's life changed over a case."""
    case = await find(session, Case, case_id)
    found = await looks(session, case_id)
    areas = [_outcome(area, found) for area in codes_of("area")]
    return Outcomes(child_id=case.child_id, case_id=case.id, areas=areas)


async def looks(session: AsyncSession, case_id: UUID) -> list[Look]:
    """Return every approved assessment of the child and every completed review of a case, the earliest first."""
    return sorted(
        [*await _assessments(session, case_id), *await _reviews(session, case_id)], key=lambda look: look.on
    )


async def _assessments(session: AsyncSession, case_id: UUID) -> Iterator[Look]:
    query = select(Assessment).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == "child",
        col(Assessment.status) == "approved",
    )
    found = await session.scalars(query.order_by(col(Assessment.submitted_at)))
    return (
        Look(a.submitted_at.astimezone(LOCAL).date(), "assessment", a.id, a.ratings, is_final=False)
        for a in found
        if a.submitted_at is not None
    )


async def _reviews(session: AsyncSession, case_id: UUID) -> Iterator[Look]:
    query = select(Review).where(col(Review.case_id) == case_id, col(Review.status) == "completed")
    found = list(await session.scalars(query.order_by(col(Review.number))))
    final = found[-1:] if found and found[-1].decision == "begin_exit" else []
    return (
        Look(review.held_on, "review", review.id, review.ratings, is_final=review in final)
        for review in found
        if review.held_on is not None
    )


def _outcome(area: str, found: list[Look]) -> AreaOutcome:
    rated = [look for look in found if area in look.ratings]
    first = rated[0].ratings[area] if rated else None
    latest = rated[-1].ratings[area] if rated else None
    final = next((look.ratings[area] for look in rated if look.is_final), None)
    end = latest if final is None else final
    return AreaOutcome(
        area=area,
        points=[
            OutcomePoint(on=look.on, record_kind=look.kind, record_id=look.id, rating=look.ratings[area])
            for look in rated
        ],
        first=first,
        latest=latest,
        at_exit=final,
        change=None if first is None or end is None else end - first,
    )
