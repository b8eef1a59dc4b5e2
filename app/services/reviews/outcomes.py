"""Outcomes: each area's rating from the first assessment, along every look at it, to the exit."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.records import get_record
from app.models import Assessment, Case, Review
from app.schemas.codes import get_codes
from app.schemas.reviews import AreaOutcome, CaseOutcomes, OutcomePoint


class RatingSnapshot(NamedTuple):
    """A look at a child's areas on a day, and how each was rated, 1 (weak) to 4 (strong)."""

    rated_on: date
    record_kind: str
    record_id: UUID
    ratings: dict[str, int]
    is_final: bool
    """Whether it decided for the exit."""


async def get_case_outcomes(session: AsyncSession, case_id: UUID) -> CaseOutcomes:
    """Return how the areas of a child's life changed over a case."""
    case = await get_record(session, Case, case_id)
    found = await list_rating_snapshots(session, case_id)
    areas = [_area_outcome(area, found) for area in get_codes("area")]
    return CaseOutcomes(child_id=case.child_id, case_id=case.id, areas=areas)


async def list_rating_snapshots(session: AsyncSession, case_id: UUID) -> list[RatingSnapshot]:
    """Return every approved assessment of the child and every completed review of a case, the earliest first."""
    return sorted(
        [*await _assessment_snapshots(session, case_id), *await _review_snapshots(session, case_id)],
        key=lambda look: look.rated_on,
    )


async def _assessment_snapshots(session: AsyncSession, case_id: UUID) -> Iterator[RatingSnapshot]:
    query = select(Assessment).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == "child",
        col(Assessment.status) == "approved",
    )
    found = await session.scalars(query.order_by(col(Assessment.submitted_at)))
    return (
        RatingSnapshot(
            a.submitted_at.astimezone(CAMBODIA_TIMEZONE).date(), "assessment", a.id, a.ratings, is_final=False
        )
        for a in found
        if a.submitted_at is not None
    )


async def _review_snapshots(session: AsyncSession, case_id: UUID) -> Iterator[RatingSnapshot]:
    query = select(Review).where(col(Review.case_id) == case_id, col(Review.status) == "completed")
    found = list(await session.scalars(query.order_by(col(Review.number))))
    final = found[-1:] if found and found[-1].decision == "begin_exit" else []
    return (
        RatingSnapshot(review.held_on, "review", review.id, review.ratings, is_final=review in final)
        for review in found
        if review.held_on is not None
    )


def _area_outcome(area: str, found: list[RatingSnapshot]) -> AreaOutcome:
    rated = [look for look in found if area in look.ratings]
    first = rated[0].ratings[area] if rated else None
    latest = rated[-1].ratings[area] if rated else None
    final = next((look.ratings[area] for look in rated if look.is_final), None)
    end = latest if final is None else final
    return AreaOutcome(
        area=area,
        points=[
            OutcomePoint(
                on=look.rated_on,
                record_kind=look.record_kind,
                record_id=look.record_id,
                rating=look.ratings[area],
            )
            for look in rated
        ],
        first=first,
        latest=latest,
        at_exit=final,
        change=None if first is None or end is None else end - first,
    )
