"""Load reviews and their content."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import PlanArea, Review
from app.models.reviews import StoredReviewContent
from app.schemas.reviews import Review as ReviewSchema
from app.schemas.reviews import ReviewContent
from app.services.care_plans.area_ratings import get_closed_areas, list_review_ratings
from app.services.reviews.period_activity import summarize_review_period

COLUMN_FIELDS = [name for name in ReviewSchema.model_fields if name in Review.model_fields]
REVIEW_QUERY = ReadQuery(
    select(
        *(getattr(Review, name) for name in COLUMN_FIELDS),
        *staff_names(Review, "completed_by"),
        col(Review.content_encrypted),
    ).where(col(Review.id) == bindparam("review_id")),
    shows=ShownRecord("review"),
)
AREAS_WITH_GOALS_QUERY = ReadQuery(
    select(col(PlanArea.id), col(PlanArea.child_id), col(PlanArea.case_id), col(PlanArea.area))
    .where(col(PlanArea.plan_id) == bindparam("plan_id"), col(PlanArea.status) == "goals")
    .order_by(col(PlanArea.area)),
    shows=ShownRecord("plan_area"),
)


async def get_review(reader: RecordReader, review_id: UUID) -> ReviewSchema:
    """Return one review.

    A completed review contains the stored activity of its period. For other reviews the activity is computed.

    Raises:
        NotFound: the review does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(REVIEW_QUERY, review_id=review_id)
    stored = Review.content.decrypt(row.id, row.content_encrypted)
    content = ReviewContent.model_validate(build_review_document(row, stored))
    activity = stored.get("happened") or await summarize_review_period(reader, row.case_id, row.plan_id)
    return ReviewSchema(
        **{
            **dict(zip(COLUMN_FIELDS, row, strict=False)),
            **{name: getattr(content, name) for name in ReviewContent.model_fields},
        },
        **to_staff_refs(row, "completed_by"),
        active_areas=await list_active_areas(reader, row.plan_id, row.number),
        happened=activity,
    )


def build_review_document(review: Any, stored: StoredReviewContent) -> dict[str, object]:
    """Return the content of a review as a document of the form `ReviewContent`.

    `review` is the record or a row with its plain columns, `stored` its decrypted content.
    """
    document = {**stored, "decision": review.decision, "held_on": review.held_on}
    return {name: value for name, value in document.items() if name in ReviewContent.model_fields}


async def list_active_areas(reader: RecordReader, plan_id: UUID | str, review_number: int) -> list[str]:
    """Return the areas with goals, except those that an earlier review of the same plan closed."""
    ratings = await list_review_ratings(reader, plan_id)
    closed = get_closed_areas(earlier for earlier in ratings if earlier.number < review_number)
    areas = await reader.fetch(AREAS_WITH_GOALS_QUERY, plan_id=plan_id)
    return [row.area for row in areas if row.area not in closed]
