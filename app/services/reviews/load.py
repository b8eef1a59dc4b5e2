"""Load the content of a review, and convert a review to its response format."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import PlanArea, Review
from app.schemas.reviews import Review as ReviewSchema
from app.schemas.reviews import ReviewContent
from app.services.care_plans.area_ratings import get_closed_areas, list_review_ratings
from app.services.reviews.period_activity import summarize_review_period

COLUMN_FIELDS = (
    set(ReviewSchema.model_fields) - {"active_areas", "happened"} - set(ReviewContent.model_fields)
)


def load_review_document(review: Review) -> dict[str, object]:
    """Return the content of a review as a JSON document, from its plain columns and its encrypted content."""
    columns = {"decision": review.decision, "held_on": review.held_on and review.held_on.isoformat()}
    document = {**review.content, **columns}
    return {name: value for name, value in document.items() if name in ReviewContent.model_fields}


async def list_active_areas(session: AsyncSession, review: Review) -> list[str]:
    """Return the areas with goals, except those that an earlier review of the same plan closed."""
    query = select(col(PlanArea.area)).where(
        col(PlanArea.plan_id) == review.plan_id, col(PlanArea.status) == "goals"
    )
    ratings = await list_review_ratings(session, review.plan_id)
    closed = get_closed_areas(earlier for earlier in ratings if earlier.number < review.number)
    return [area for area in await session.scalars(query.order_by(col(PlanArea.area))) if area not in closed]


async def review_to_schema(session: AsyncSession, review: Review) -> ReviewSchema:
    """Return a review in the response format.

    A completed review contains the stored activity of its period. For other reviews the activity is computed.
    """
    activity = review.content.get("happened") or await summarize_review_period(session, review)
    columns = review.model_dump(include=COLUMN_FIELDS)
    content = ReviewContent.model_validate(load_review_document(review))
    fields = {name: getattr(content, name) for name in ReviewContent.model_fields}
    active_areas = await list_active_areas(session, review)
    return ReviewSchema(**{**columns, **fields}, active_areas=active_areas, happened=activity)
