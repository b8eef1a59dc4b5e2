"""Reviews: what is due, what a review says, completing it; and the outcomes they add up to."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.reviews import EarlyReview, Outcomes, ReviewFilters, ReviewItem, ReviewOut, ReviewPatch
from app.schemas.wire import Page, PageQuery
from app.services.reviews import outcomes, reviews

router = Router(tags=["reviews"])


@router.get("/reviews")
async def due(
    actor: Annotated[Actor, Depends(Requires(Permission.review_read))],
    session: Session,
    filters: Annotated[ReviewFilters, Query()],
) -> Page[ReviewItem]:
    """List the reviews that are still to be held, the soonest due first."""
    return await reviews.due(session, actor, filters)


@router.post("/cases/{case_id}/reviews", status_code=201)
async def bring_forward(
    actor: Annotated[Actor, Depends(Requires(Permission.review_hold))],
    session: Session,
    case_id: UUID,
    body: EarlyReview,
) -> ReviewOut:
    """Call for a review sooner than scheduled: the next review becomes due earlier."""
    return await reviews.bring_forward(session, actor, case_id, body)


@router.get("/cases/{case_id}/reviews")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.review_read))],
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[ReviewItem]:
    """List a case's reviews, newest first."""
    return await reviews.listed(session, actor, case_id, page)


@router.get("/cases/{case_id}/outcomes")
async def read_outcomes(
    actor: Annotated[Actor, Depends(Requires(Permission.outcome_read))],  # noqa: ARG001 - the door
    session: Session,
    case_id: UUID,
) -> Outcomes:
    """Read how each area changed from the first assessment to the exit."""
    return await outcomes.read(session, case_id)


@router.get("/reviews/{review_id}")
async def read(
    actor: Annotated[Actor, Depends(Requires(Permission.review_read))],  # noqa: ARG001 - the door
    session: Session,
    review_id: UUID,
) -> ReviewOut:
    """Read a review, with what has happened since the last one."""
    return await reviews.read(session, review_id)


@router.patch("/reviews/{review_id}")
async def write(
    actor: Annotated[Actor, Depends(Requires(Permission.review_hold))],  # noqa: ARG001 - the door
    session: Session,
    review_id: UUID,
    seen: Seen,
    body: ReviewPatch,
) -> ReviewOut:
    """Write down a piece of a review, until it is completed."""
    return await reviews.write(session, review_id, seen, body)


@router.post("/reviews/{review_id}/complete")
async def complete(
    actor: Annotated[Actor, Depends(Requires(Permission.review_hold))],
    session: Session,
    review_id: UUID,
    seen: Seen,
) -> ReviewOut:
    """Complete a review: the next one is scheduled, and the case goes on as decided."""
    return await reviews.complete(session, actor, review_id, seen)
