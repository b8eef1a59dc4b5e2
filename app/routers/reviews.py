"""Three-monthly reviews, and the outcomes of a case."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from app.http.permissions import OutcomeReader, ReviewEditor, ReviewReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.reviews import CaseOutcomes, Review, ReviewCreate, ReviewFilters, ReviewList, ReviewUpdate
from app.schemas.wire import CountedPageQuery
from app.services.reviews import complete, load, outcomes, review_lists, reviews

router = Router(tags=["reviews"])

CaseId = Annotated[UUID, Path(description="Id of the case.")]
ReviewId = Annotated[UUID, Path(description="Id of the review.")]


@router.get("/reviews")
async def list_reviews(
    caller: ReviewReader,
    reader: Reader,
    filters: Annotated[ReviewFilters, Query()],
) -> ReviewList:
    """List the reviews of all cases that the caller can see.

    Without `status`, the list contains the scheduled reviews. The review with the earliest due date comes first, unless
    `sort` is given.
    """
    return await review_lists.list_reviews(reader, caller, filters)


@router.post("/cases/{case_id}/reviews", status_code=201)
async def create_case_review(
    caller: ReviewEditor,
    session: Session,
    case_id: CaseId,
    payload: ReviewCreate,
) -> Review:
    """Bring forward the scheduled review of a case.

    The request changes the due date of the scheduled review and creates no second review. The new date must be between
    today and the scheduled date.
    """
    return await reviews.bring_forward_review(session, caller, case_id, payload)


@router.get("/cases/{case_id}/reviews")
async def list_case_reviews(
    caller: ReviewReader,
    reader: Reader,
    case_id: CaseId,
    page: Annotated[CountedPageQuery, Query()],
) -> ReviewList:
    """List the reviews of a case, newest first.

    The list contains scheduled, completed and cancelled reviews, without their texts.
    """
    return await review_lists.list_case_reviews(reader, caller, case_id, page)


@router.get("/cases/{case_id}/outcomes")
async def get_case_outcomes(
    _caller: OutcomeReader,
    reader: Reader,
    case_id: CaseId,
) -> CaseOutcomes:
    """Get the outcomes of a case.

    The response contains the ratings of each area from the first approved assessment of the child to the exit.
    """
    return await outcomes.get_case_outcomes(reader, case_id)


@router.get("/reviews/{review_id}")
async def get_review(
    _caller: ReviewReader,
    reader: Reader,
    review_id: ReviewId,
) -> Review:
    """Get a review.

    The response contains the recorded activity since the previous review. It is computed for each request until the
    review is completed, and stored at the completion.
    """
    return await load.get_review(reader, review_id)


@router.patch("/reviews/{review_id}")
async def update_review(
    _caller: ReviewEditor,
    session: Session,
    review_id: ReviewId,
    expected_version: ExpectedVersion,
    payload: ReviewUpdate,
) -> Review:
    """Update the content of a scheduled review.

    Omitted fields keep their value. A completed or cancelled review is frozen.
    """
    return await reviews.update_review(session, review_id, expected_version, payload)


@router.post("/reviews/{review_id}/complete")
async def complete_review(
    caller: ReviewEditor,
    session: Session,
    review_id: ReviewId,
    expected_version: ExpectedVersion,
) -> Review:
    """Complete a review.

    Every active area requires a rating, progress and a decision, and the case requires a decision. The decision `adapt`
    creates a draft of the next edition of the care plan, `begin_exit` moves the case to `exiting`. The next review is
    scheduled three calendar months after the date of this one.
    """
    return await complete.complete_review(session, caller, review_id, expected_version)
