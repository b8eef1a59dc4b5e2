"""The ratings and decisions that completed reviews recorded for the areas of a care plan."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.models import Review
from app.services.care_plans.review_states import COMPLETE

CLOSE_DECISION = "close"


class ReviewRatings(NamedTuple):
    """The ratings and decisions of one completed review, by area."""

    number: int
    completed_at: datetime | None
    ratings: dict[str, int]
    decisions: dict[str, str]


REVIEW_RATINGS_QUERY = ReadQuery(
    select(
        col(Review.id),
        col(Review.child_id),
        col(Review.case_id),
        *(getattr(Review, name) for name in ReviewRatings._fields),
    )
    .where(col(Review.plan_id) == bindparam("plan_id"), col(Review.status) == COMPLETE.target)
    .order_by(col(Review.number)),
    shows=ShownRecord("review"),
)


async def list_review_ratings(reader: RecordReader, plan_id: UUID | str) -> list[ReviewRatings]:
    """Return the ratings of the completed reviews of a care plan, in the order of the reviews."""
    rows = await reader.fetch(REVIEW_RATINGS_QUERY, plan_id=plan_id)
    return [ReviewRatings(*(getattr(row, name) for name in ReviewRatings._fields)) for row in rows]


def get_closed_areas(reviews: Iterable[ReviewRatings]) -> dict[str, int]:
    """Return the closed areas, each with the number of the review that closed it.

    An area is closed if its latest decision is `close`. The reviews must be in ascending order.
    """
    latest_decisions = {
        area: (decision, review.number) for review in reviews for area, decision in review.decisions.items()
    }
    return {
        area: number for area, (decision, number) in latest_decisions.items() if decision == CLOSE_DECISION
    }


def get_latest_ratings(reviews: Iterable[ReviewRatings], since: datetime | None) -> dict[str, int]:
    """Return the latest rating of each area from the reviews completed at or after `since`."""
    return {
        area: rating
        for review in reviews
        if not (since and review.completed_at) or review.completed_at >= since
        for area, rating in review.ratings.items()
    }
