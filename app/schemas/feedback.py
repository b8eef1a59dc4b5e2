"""Schemas of the feedback of children and caregivers."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.dates import PastDate
from app.schemas.references import StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    Id,
    Input,
    Narrative,
    Page,
    PageQuery,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

FeedbackGiver = Annotated[str, CodeOf("feedback_giver")]
FeedbackOccasion = Annotated[str, CodeOf("feedback_occasion")]
FeedbackHelper = Annotated[str, CodeOf("feedback_helper")]
FeedbackRating = Annotated[StrictInteger, Field(ge=1, le=5)]
"""From 1 (very unhappy face) to 5 (very happy face)."""


class FeedbackCreate(Input):
    """The opinion of a child or a caregiver about the support."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    given_by: FeedbackGiver = Field(description="Whether the child or the caregiver gives the feedback.")
    rating: FeedbackRating = Field(
        description="Rating from 1 (very unhappy) to 5 (very happy). For children, show five faces; the list "
        "`feedback_rating` has their labels in this order."
    )
    comment: Narrative | None = Field(None, description="The person's own words.")
    occasion: FeedbackOccasion = Field(description="Occasion: `review`, or `exit` at the end of support.")
    review_id: Id | None = Field(
        None, description="Id of the review of this case at which the feedback is given. Only for `review`."
    )
    given_on: PastDate = Field(
        description="Day on which the feedback was given, on or after the opening of the case."
    )
    helped_by: FeedbackHelper | None = Field(
        None,
        description="The person who helped to answer, for example because the child is younger than about eight years, does "
        "not read, or has a disability. Null: the person answered without help.",
    )


class FeedbackFilters(PageQuery, CorrectableFilters):
    """Query parameters of the list of feedback."""

    given_by: CommaSeparated[FeedbackGiver] | None = Field(
        None, description="Only feedback of these persons, separated by commas."
    )
    occasion: CommaSeparated[FeedbackOccasion] | None = Field(
        None, description="Only feedback on these occasions, separated by commas."
    )


class Feedback(Versioned, Correctable):
    """The opinion of a child or a caregiver about the support. It cannot be changed."""

    collection: ClassVar[str | None] = "feedback"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    given_by: FeedbackGiver = Field(description="Whether the child or the caregiver gave the feedback.")
    rating: int = Field(description="Rating from 1 (very unhappy) to 5 (very happy).")
    comment: str | None = Field(description="The person's own words.")
    occasion: FeedbackOccasion = Field(description="Occasion: `review`, or `exit` at the end of support.")
    review_id: UUID | None = Field(description="Id of the review at which the feedback was given.")
    given_on: date = Field(description="Day on which the feedback was given.")
    helped_by: FeedbackHelper | None = Field(
        description="The person who helped to answer; null if the person answered without help."
    )
    author_id: UUID = Field(description="Id of the staff member who recorded the feedback.")
    author: StaffRef = Field(description="The staff member who recorded the feedback.")
    created_at: UtcDateTime = Field(description="Time at which the feedback was recorded.")


class FeedbackList(Page[Feedback]):
    """One page of feedback, newest first."""
