"""The list of cases: the caseload screen of a worker, a team or the programme."""

from datetime import date
from typing import Any

from sqlalchemy import ARRAY, Date, Text, any_, bindparam, not_, or_, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader, ShownRecord
from app.kit.case_scope import CaseScope
from app.kit.dates import today
from app.kit.list_query import RELEVANCE, ListQuery, is_one_of
from app.kit.reference_names import place_names, to_place_ref, to_ref
from app.kit.search_matches import SearchMatches, get_match_parameters
from app.models import Case, Child, Team, User
from app.schemas.cases import CaseFilters, CaseList, CaseSummary
from app.services.cases import search
from app.services.cases.cases import build_case_child
from app.services.cases.next_step import build_overdue_actions, build_review_overdue, build_waiting_for
from app.services.cases.sort_keys import SORT_KEYS

COLUMN_FIELDS = [name for name in CaseSummary.model_fields if name in Case.model_fields]
MATCHES = SearchMatches(col(Case.child_id))
DAY = bindparam("day", type_=Date)
REVIEW_OVERDUE = build_review_overdue(DAY)
CASES = ListQuery(
    "cases",
    Case,
    select(
        *(getattr(Case, name) for name in COLUMN_FIELDS),
        col(User.name).label("lead_worker_name"),
        col(Team.name).label("team_name"),
        place_names(col(Case.province_code)).label("province_names"),
        REVIEW_OVERDUE.label("review_overdue"),
        build_overdue_actions(DAY).label("overdue_actions"),
        build_waiting_for(DAY).label("waiting_for"),
        col(Child.sex),
        col(Child.identity_encrypted),
    )
    .join(Child, col(Child.id) == col(Case.child_id))
    # Joins the names, because for a page of cases a join is faster than the scalar subquery of `person_name`.
    .join(User, col(User.id) == col(Case.lead_worker_id))
    .join(Team, col(Team.id) == col(Case.team_id)),
    filters={
        "q": or_(
            MATCHES.condition,
            col(Case.number) == any_(bindparam("case_numbers", type_=ARRAY(Text))),
        ),
        "status": is_one_of(col(Case.status), "status"),
        "kind": is_one_of(col(Case.kind), "kind"),
        "team_id": is_one_of(col(Case.team_id), "team_id"),
        "lead_worker_id": is_one_of(col(Case.lead_worker_id), "lead_worker_id"),
        "risk_level": is_one_of(col(Case.risk_level), "risk_level"),
        "province_code": is_one_of(col(Case.province_code), "province_code"),
        "review_overdue": {True: REVIEW_OVERDUE, False: not_(REVIEW_OVERDUE)},
        "opened_from": col(Case.opened_on) >= bindparam("opened_from"),
        "opened_to": col(Case.opened_on) <= bindparam("opened_to"),
        "updated_since": col(Case.updated_at) >= bindparam("updated_since"),
        "child_id": col(Case.child_id) == bindparam("child_id"),
        "number": col(Case.number) == bindparam("number"),
    },
    sorts={
        **SORT_KEYS,
        "created_at": col(Case.created_at),
        RELEVANCE: MATCHES.distance,
    },
    scope=CaseScope(),
    set_filters={"lead_worker_id": col(Case.lead_worker_id), "team_id": col(Case.team_id)},
    shows=ShownRecord("case", case_id="id"),
)


async def list_cases(reader: RecordReader, caller: Caller, filters: CaseFilters) -> CaseList:
    """List the cases that the caller can see, newest first unless `sort` or `q` is given."""
    day = today()
    parameters: dict[str, Any] = {"day": day}
    if filters.number is not None:
        numbers = search.parse_case_numbers(filters.number)
        filters = filters.model_copy(update={"number": numbers[0] if len(numbers) == 1 else filters.number})
    if filters.q is not None:
        parameters["case_numbers"] = search.parse_case_numbers(filters.q)
        parameters |= get_match_parameters(await search.find_matching_children(reader, caller, filters.q))
    page = await CASES.fetch_page(reader, caller, filters, **parameters)
    return CaseList.from_trusted_items([_row_to_summary(row, day) for row in page.rows], **page.fields)


def _row_to_summary(row: Any, day: date) -> dict[str, object]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "child": build_case_child(row, day),
        "lead_worker": to_ref(row.lead_worker_id, row.lead_worker_name),
        "team": to_ref(row.team_id, row.team_name),
        "province": to_place_ref(row.province_code, row.province_names),
        "review_overdue": row.review_overdue,
        "overdue_actions": row.overdue_actions,
        "waiting_for": row.waiting_for,
    }
