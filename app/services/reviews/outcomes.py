"""Outcomes of a case: the ratings of each area from the first approved assessment to the exit."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Assessment, Case, Review
from app.schemas.codes import get_codes
from app.schemas.reviews import AreaOutcome, CaseOutcomes, OutcomePoint


class RatingSnapshot(NamedTuple):
    """The ratings of the areas in one assessment or review, from 1 (weak) to 4 (strong)."""

    rated_on: date
    record_kind: str
    record_id: str
    ratings: dict[str, int]
    is_final: bool
    """Whether this is the review that decided to begin the exit."""


CASE_QUERY = ReadQuery(
    select(col(Case.id), col(Case.child_id), col(Case.number)).where(col(Case.id) == bindparam("case_id")),
    shows=ShownRecord("case", case_id="id"),
)
ASSESSMENTS_QUERY = ReadQuery(
    select(
        col(Assessment.id),
        col(Assessment.child_id),
        col(Assessment.case_id),
        col(Assessment.submitted_at),
        col(Assessment.ratings),
    )
    .where(
        col(Assessment.case_id) == bindparam("case_id"),
        col(Assessment.subject) == "child",
        col(Assessment.status) == "approved",
        col(Assessment.submitted_at).is_not(None),
    )
    .order_by(col(Assessment.submitted_at)),
    shows=ShownRecord("assessment"),
)
REVIEWS_QUERY = ReadQuery(
    select(
        col(Review.id),
        col(Review.child_id),
        col(Review.case_id),
        col(Review.held_on),
        col(Review.ratings),
        col(Review.decision),
    )
    .where(
        col(Review.case_id) == bindparam("case_id"),
        col(Review.status) == "completed",
        col(Review.held_on).is_not(None),
    )
    .order_by(col(Review.number)),
    shows=ShownRecord("review"),
)


async def get_case_outcomes(reader: RecordReader, case_id: UUID) -> CaseOutcomes:
    """Return the ratings and their change for each area of a case.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    case = await reader.fetch_required(CASE_QUERY, case_id=case_id)
    snapshots = await list_rating_snapshots(reader, case_id)
    areas = [_area_outcome(area, snapshots) for area in get_codes("area")]
    return CaseOutcomes(child_id=case.child_id, case_id=case.id, areas=areas)


async def list_rating_snapshots(reader: RecordReader, case_id: UUID) -> list[RatingSnapshot]:
    """Return the ratings of the child's approved assessments and of the completed reviews, earliest first."""
    assessments = [
        RatingSnapshot(
            row.submitted_at.astimezone(CAMBODIA_TIMEZONE).date(),
            "assessment",
            row.id,
            row.ratings,
            is_final=False,
        )
        for row in await reader.fetch(ASSESSMENTS_QUERY, case_id=case_id)
    ]
    reviews = await reader.fetch(REVIEWS_QUERY, case_id=case_id)
    final_review = reviews[-1] if reviews and reviews[-1].decision == "begin_exit" else None
    return sorted(
        [
            *assessments,
            *(
                RatingSnapshot(row.held_on, "review", row.id, row.ratings, is_final=row is final_review)
                for row in reviews
            ),
        ],
        key=lambda snapshot: snapshot.rated_on,
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
