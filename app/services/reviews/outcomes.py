"""Outcomes of a case: the ratings of each area from the first approved assessment to the exit."""

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
    """The ratings of the areas in one assessment or review, from 1 (weak) to 4 (strong)."""

    rated_on: date
    record_kind: str
    record_id: UUID
    ratings: dict[str, int]
    is_final: bool
    """Whether this is the review that decided to begin the exit."""


async def get_case_outcomes(session: AsyncSession, case_id: UUID) -> CaseOutcomes:
    """Return the ratings and their change for each area of a case."""
    case = await get_record(session, Case, case_id)
    snapshots = await list_rating_snapshots(session, case_id)
    areas = [_area_outcome(area, snapshots) for area in get_codes("area")]
    return CaseOutcomes(child_id=case.child_id, case_id=case.id, areas=areas)


async def list_rating_snapshots(session: AsyncSession, case_id: UUID) -> list[RatingSnapshot]:
    """Return the ratings of the child's approved assessments and of the completed reviews, earliest first."""
    return sorted(
        [*await _assessment_snapshots(session, case_id), *await _review_snapshots(session, case_id)],
        key=lambda snapshot: snapshot.rated_on,
    )


async def _assessment_snapshots(session: AsyncSession, case_id: UUID) -> Iterator[RatingSnapshot]:
    query = select(Assessment).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == "child",
        col(Assessment.status) == "approved",
    )
    assessments = await session.scalars(query.order_by(col(Assessment.submitted_at)))
    return (
        RatingSnapshot(
            assessment.submitted_at.astimezone(CAMBODIA_TIMEZONE).date(),
            "assessment",
            assessment.id,
            assessment.ratings,
            is_final=False,
        )
        for assessment in assessments
        if assessment.submitted_at is not None
    )


async def _review_snapshots(session: AsyncSession, case_id: UUID) -> Iterator[RatingSnapshot]:
    query = select(Review).where(col(Review.case_id) == case_id, col(Review.status) == "completed")
    reviews = (await session.scalars(query.order_by(col(Review.number)))).all()
    final_review = reviews[-1] if reviews and reviews[-1].decision == "begin_exit" else None
    return (
        RatingSnapshot(review.held_on, "review", review.id, review.ratings, is_final=review is final_review)
        for review in reviews
        if review.held_on is not None
    )


def _area_outcome(area: str, snapshots: list[RatingSnapshot]) -> AreaOutcome:
    rated = [snapshot for snapshot in snapshots if area in snapshot.ratings]
    first = rated[0].ratings[area] if rated else None
    latest = rated[-1].ratings[area] if rated else None
    at_exit = next((snapshot.ratings[area] for snapshot in rated if snapshot.is_final), None)
    last = latest if at_exit is None else at_exit
    return AreaOutcome(
        area=area,
        points=[
            OutcomePoint(
                on=snapshot.rated_on,
                record_kind=snapshot.record_kind,
                record_id=snapshot.record_id,
                rating=snapshot.ratings[area],
            )
            for snapshot in rated
        ],
        first=first,
        latest=latest,
        at_exit=at_exit,
        change=None if first is None or last is None else last - first,
    )
