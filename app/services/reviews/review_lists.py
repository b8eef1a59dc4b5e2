"""The lists of reviews: the review screen of a worker, a team or the programme, and the reviews of a case."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, bindparam, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader, ShownRecord
from app.kit.case_scope import CaseScope, belongs_to_cases
from app.kit.dates import today
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible
from app.kit.reference_names import person_name, team_name, to_ref
from app.models import Case, CaseWorker, Child, Review
from app.schemas.reviews import ReviewFilters, ReviewList, ReviewSummary
from app.schemas.wire import CountedPageQuery
from app.services.cases.cases import build_case_child

COLUMN_FIELDS = [name for name in ReviewSummary.model_fields if name in Review.model_fields]
SELECT_REVIEWS = (
    select(
        *(getattr(Review, name) for name in COLUMN_FIELDS),
        col(Case.number).label("case_number"),
        col(Case.team_id),
        team_name(col(Case.team_id)).label("team_name"),
        col(Case.lead_worker_id),
        person_name(col(Case.lead_worker_id)).label("lead_worker_name"),
        col(Case.risk_level),
        col(Child.sex),
        col(Child.identity_encrypted),
    )
    .join(Case, col(Case.id) == col(Review.case_id))
    .join(Child, col(Child.id) == col(Review.child_id))
)
TODAY = bindparam("today", type_=Date)


REVIEWS = ListQuery(
    "reviews",
    Review,
    SELECT_REVIEWS,
    filters={
        "status": is_one_of(col(Review.status), "status"),
        "due_from": col(Review.due_on) >= bindparam("due_from"),
        "due_before": col(Review.due_on) < bindparam("due_before"),
        "overdue": {
            True: (col(Review.status) == "scheduled") & (col(Review.due_on) < TODAY),
            False: (col(Review.status) != "scheduled") | (col(Review.due_on) >= TODAY),
        },
        "team_id": belongs_to_cases(col(Review.case_id), is_one_of(col(Case.team_id), "team_id")),
        "worker_id": col(Review.case_id).in_(
            select(col(Case.id))
            .where(is_one_of(col(Case.lead_worker_id), "worker_id"))
            .union_all(select(col(CaseWorker.case_id)).where(is_one_of(col(CaseWorker.user_id), "worker_id")))
        ),
        "risk_level": col(Review.case_id).in_(
            select(col(Case.id)).where(is_one_of(col(Case.risk_level), "risk_level"))
        ),
    },
    sorts={"due_on": col(Review.due_on)},
    default_sort="due_on",
    set_filters={"status": col(Review.status)},
    scope=CaseScope(col(Review.case_id), col(Case.id)),
    shows=ShownRecord("review"),
)
CASE_REVIEWS = ListQuery(
    "case_reviews",
    Review,
    SELECT_REVIEWS,
    filters={"case_id": col(Review.case_id) == bindparam("case_id")},
    sorts={"created_at": col(Review.created_at)},
    shows=ShownRecord("review"),
)


async def list_reviews(reader: RecordReader, caller: Caller, filters: ReviewFilters) -> ReviewList:
    """Return the reviews that the caller can see, earliest due date first unless `sort` is given."""
    day = today()
    page = await REVIEWS.fetch_page(reader, caller, filters, today=day)
    return ReviewList.from_trusted_items([_row_to_summary(row, day) for row in page.rows], **page.fields)


async def list_case_reviews(
    reader: RecordReader, caller: Caller, case_id: UUID, page_query: CountedPageQuery
) -> ReviewList:
    """Return the reviews of a case, newest first.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_REVIEWS.fetch_page(reader, caller, page_query, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    day = today()
    return ReviewList.from_trusted_items([_row_to_summary(row, day) for row in page.rows], **page.fields)


def _row_to_summary(row: Any, day: date) -> dict[str, object]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "child": build_case_child(row, day),
        "case_number": row.case_number,
        "team_id": row.team_id,
        "team": to_ref(row.team_id, row.team_name),
        "lead_worker_id": row.lead_worker_id,
        "lead_worker": to_ref(row.lead_worker_id, row.lead_worker_name),
        "risk_level": row.risk_level,
        "is_overdue": row.status == "scheduled" and row.due_on < day,
    }
