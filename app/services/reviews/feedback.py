"""Feedback of children and caregivers at a review or at the end of support.

Row policies show it to its author and to supervisors only, because it can be about the workers of the case.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible, get_for_share
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Feedback, Review
from app.models.record import new_id
from app.schemas.feedback import Feedback as FeedbackSchema
from app.schemas.feedback import FeedbackCreate, FeedbackFilters, FeedbackList
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case

STATUSES_BY_OCCASION = {
    "review": frozenset({"active", "exiting"}),
    "exit": frozenset({"exiting", "closed"}),
}
"""Statuses of a case in which feedback on an occasion can be recorded. Feedback at an exit can follow the closing."""
COLUMN_FIELDS = [name for name in FeedbackSchema.model_fields if name in Feedback.model_fields]
FEEDBACK_COLUMNS = select(
    *(getattr(Feedback, name) for name in COLUMN_FIELDS),
    *staff_names(Feedback, "author"),
    *error_mark_columns(Feedback),
    col(Feedback.comment_encrypted),
)
FEEDBACK_QUERY = ReadQuery(
    FEEDBACK_COLUMNS.where(col(Feedback.id) == bindparam("feedback_id")), shows=ShownRecord("feedback")
)
CASE_FEEDBACK = ListQuery(
    "feedback",
    Feedback,
    FEEDBACK_COLUMNS,
    filters={
        "case_id": col(Feedback.case_id) == bindparam("case_id"),
        **build_error_filter(Feedback),
        "given_by": is_one_of(col(Feedback.given_by), "given_by"),
        "occasion": is_one_of(col(Feedback.occasion), "occasion"),
    },
    sorts={"created_at": col(Feedback.created_at)},
    shows=ShownRecord("feedback"),
)


async def create_case_feedback(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: FeedbackCreate
) -> FeedbackSchema:
    """Record feedback. It cannot be changed afterwards.

    Raises:
        GateRefused: the caller is not staff of the case, its status does not fit the occasion, the feedback is dated
            before the opening of the case, or a field does not fit another one.
        InvalidInput: the case has no such review.
        AlreadyExists: the id is taken.
    """
    case = await get_for_share(session, Case, case_id)
    await _validate_review(session, case, payload.review_id)
    raise_if_unmet([*await check_works_on_case(session, case), *_check_content(case, payload)])
    feedback = Feedback(
        **payload.model_dump(exclude={"id", "comment"}),
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        author_id=caller.id,
    )
    feedback.comment = payload.comment
    session.add(feedback)
    detail = {"given_by": feedback.given_by, "occasion": feedback.occasion}
    case_history.record_case_history(
        session, case, "feedback_recorded", caller, feedback, detail, occurred_at=feedback.given_on
    )
    return await get_feedback(await open_response_reader(session), feedback.id)


async def _validate_review(session: AsyncSession, case: Case, review_id: UUID | None) -> None:
    query = select(col(Review.id)).where(col(Review.id) == review_id, col(Review.case_id) == case.id)
    if review_id is not None and await session.scalar(query) is None:
        raise InvalidInput([Fault("/review_id", "reference_unknown", "The case has no review with this id.")])


def _check_content(case: Case, payload: FeedbackCreate) -> Iterator[Fault]:
    if case.status not in STATUSES_BY_OCCASION[payload.occasion]:
        detail = "Feedback at a review needs an active or exiting case, feedback at an exit an exiting or closed one."
        yield Fault("/occasion", "status", detail)
    if payload.review_id is not None and payload.occasion != "review":
        yield Fault("/review_id", "not_asked", "Only feedback at a review can have a `review_id`.")
    if payload.given_by == payload.helped_by:
        yield Fault("/helped_by", "not_asked", "The caregiver gives the feedback, and is not a helper.")
    if payload.given_on < case.opened_on:
        yield Fault("/given_on", "before_support", "Must not be before the opening of the case.")


async def list_case_feedback(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: FeedbackFilters
) -> FeedbackList:
    """List the feedback of a case that the caller can read, newest first.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_FEEDBACK.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return FeedbackList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def get_feedback(reader: RecordReader, feedback_id: UUID) -> FeedbackSchema:
    """Return one feedback.

    Raises:
        NotFound: the feedback does not exist, or the caller is neither its author nor a supervisor.
    """
    row = await reader.fetch_required(FEEDBACK_QUERY, feedback_id=feedback_id)
    return FeedbackSchema(**_row_to_fields(row))


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "comment": Feedback.comment.decrypt(row.id, row.comment_encrypted),
        **to_staff_refs(row, "author"),
        **to_error_mark(Feedback, row),
    }
