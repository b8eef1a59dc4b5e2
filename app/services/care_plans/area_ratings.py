"""What the reviews of a plan said of its areas: which they closed, and how they rated them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Review
from app.services.care_plans.review_states import COMPLETE

CLOSE_DECISION = "close"


class ReviewRatings(NamedTuple):
    """What one completed review said of the areas, by area."""

    number: int
    completed_at: datetime | None
    ratings: dict[str, int]
    decisions: dict[str, str]


async def list_review_ratings(session: AsyncSession, plan_id: UUID) -> list[ReviewRatings]:
    """Return the completed reviews that looked back on a plan, one after the other."""
    query = select(
        col(Review.number), col(Review.completed_at), col(Review.ratings), col(Review.decisions)
    ).where(col(Review.plan_id) == plan_id, col(Review.status) == COMPLETE.target)
    return [ReviewRatings(*row) for row in await session.execute(query.order_by(col(Review.number)))]


def get_closed_areas(found: Iterable[ReviewRatings]) -> dict[str, int]:
    """Return the areas that were closed, each with the number of the review that did it; what was decided last counts."""
    last = {area: (decision, look.number) for look in found for area, decision in look.decisions.items()}
    return {area: number for area, (decision, number) in last.items() if decision == CLOSE_DECISION}


def get_latest_ratings(found: Iterable[ReviewRatings], since: datetime | None) -> dict[str, int]:
    """Return the newest rating of each area that was looked at since a moment."""
    return {
        area: rating
        for look in found
        if not (since and look.completed_at) or look.completed_at >= since
        for area, rating in look.ratings.items()
    }
