"""Reviews: what is due, what a review says, completing it; and the outcomes they add up to."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import OutcomeReader, ReviewEditor, ReviewReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.reviews import CaseOutcomes, Review, ReviewCreate, ReviewFilters, ReviewSummary, ReviewUpdate
from app.schemas.wire import Page, PageQuery
from app.services.reviews import outcomes, reviews

router = Router(tags=["reviews"])


@router.get("/reviews")
async def list_reviews(
    caller: ReviewReader,
    session: Session,
    filters: Annotated[ReviewFilters, Query()],
) -> Page[ReviewSummary]:
    """List the reviews that are still to be held, the soonest due first."""
    return await reviews.list_due_reviews(session, caller, filters)


@router.post("/cases/{case_id}/reviews", status_code=201)
async def create_case_review(
    caller: ReviewEditor,
    session: Session,
    case_id: UUID,
    payload: ReviewCreate,
) -> Review:
    """Call for a review sooner than scheduled: the next review becomes due earlier."""
    return await reviews.bring_forward_review(session, caller, case_id, payload)


@router.get("/cases/{case_id}/reviews")
async def list_case_reviews(
    caller: ReviewReader,
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[ReviewSummary]:
    """List a case's reviews, newest first."""
    return await reviews.list_case_reviews(session, caller, case_id, page)


@router.get("/cases/{case_id}/outcomes")
async def get_case_outcomes(
    caller: OutcomeReader,  # noqa: ARG001 - the door
    session: Session,
    case_id: UUID,
) -> CaseOutcomes:
    """Read how each area changed from the first assessment to the exit."""
    return await outcomes.get_case_outcomes(session, case_id)


@router.get("/reviews/{review_id}")
async def get_review(
    caller: ReviewReader,  # noqa: ARG001 - the door
    session: Session,
    review_id: UUID,
) -> Review:
    """Read a review, with what has happened since the last one."""
    return await reviews.get_review(session, review_id)


@router.patch("/reviews/{review_id}")
async def update_review(
    caller: ReviewEditor,  # noqa: ARG001 - the door
    session: Session,
    review_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReviewUpdate,
) -> Review:
    """Write down a piece of a review, until it is completed."""
    return await reviews.update_review(session, review_id, expected_version, payload)


@router.post("/reviews/{review_id}/complete")
async def complete_review(
    caller: ReviewEditor,
    session: Session,
    review_id: UUID,
    expected_version: ExpectedVersion,
) -> Review:
    """Complete a review: the next one is scheduled, and the case goes on as decided."""
    return await reviews.complete_review(session, caller, review_id, expected_version)
