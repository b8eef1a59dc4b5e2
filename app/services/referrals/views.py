"""Read referrals: in the view of staff, as the intake queue, and in the view of the agency that sent them."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Interval, and_, bindparam, case, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.kit.dates import today
from app.kit.filter_audience import narrow_filters
from app.kit.list_query import RELEVANCE, ListQuery, build_day_start, is_one_of
from app.kit.reference_names import (
    agency_name,
    fetch_staff_refs,
    person_name,
    place_names,
    team_name,
    to_place_ref,
    to_ref,
)
from app.kit.search_matches import SearchMatches, get_match_parameters
from app.models import Referral
from app.models.referrals import StoredReferralContent
from app.schemas.referral_content import ReferralContent
from app.schemas.referral_filters import PartnerReferralFilters, ReferralFilters
from app.schemas.referral_responses import (
    PartnerReferral,
    PartnerReferralList,
    ReferralList,
    ReferralListView,
    ReferralScreening,
    ReferralSummary,
    ReferralView,
)
from app.schemas.referral_responses import Referral as ReferralSchema
from app.services.cases.cases import build_age
from app.services.persons.places import load_place_refs
from app.services.referrals import search
from app.services.referrals.intake import to_referral_warnings
from app.services.referrals.questions import fetch_matching_allowances, fetch_questions
from app.services.referrals.scope import ReferralScope
from app.services.referrals.states import OPEN_STATUSES, has_only_open_statuses
from app.text_folding import fold_number

STAFF_COLUMN_FIELDS = [name for name in ReferralSchema.model_fields if name in Referral.model_fields]
SUMMARY_COLUMN_FIELDS = [name for name in ReferralSummary.model_fields if name in Referral.model_fields]
PARTNER_COLUMN_FIELDS = [name for name in PartnerReferral.model_fields if name in Referral.model_fields]
ACKNOWLEDGEMENT_TARGET = func.access.get_target(
    literal("acknowledgement_").concat(col(Referral.urgency)), type_=Interval
)
ACKNOWLEDGEMENT_OVERDUE = and_(
    col(Referral.status) == "received",
    col(Referral.received_at) + ACKNOWLEDGEMENT_TARGET < func.now(),
)
"""The target for the acknowledgement is the same as on the agenda."""
URGENCY_RANK = case({"emergency": 0, "urgent": 1}, value=col(Referral.urgency), else_=2)
"""Rank of the urgency. Emergencies have the lowest rank."""
MATCHES = SearchMatches(col(Referral.id))
NAMES = (
    agency_name(col(Referral.agency_id)).label("agency_name"),
    person_name(col(Referral.handed_to_id)).label("handed_to_name"),
    team_name(col(Referral.team_id)).label("team_name"),
)
SHOWN_REFERRAL = ShownRecord("referral")
IS_REFERRAL = col(Referral.id) == bindparam("referral_id")
STAFF_QUERY = ReadQuery(
    select(
        *(getattr(Referral, name) for name in STAFF_COLUMN_FIELDS),
        *NAMES,
        person_name(col(Referral.received_by_id)).label("received_by_name"),
        person_name(col(Referral.decided_by_id)).label("decided_by_name"),
        col(Referral.content_encrypted),
        col(Referral.outcome_encrypted),
        col(Referral.reversals_encrypted),
    ).where(IS_REFERRAL),
    shows=SHOWN_REFERRAL,
)
SELECT_PARTNER_VIEW = select(
    *(getattr(Referral, name) for name in PARTNER_COLUMN_FIELDS),
    col(Referral.child_id),
    col(Referral.case_id),
    col(Referral.content_encrypted),
    col(Referral.outcome_encrypted),
)
PARTNER_QUERY = ReadQuery(SELECT_PARTNER_VIEW.where(IS_REFERRAL), shows=SHOWN_REFERRAL)
LIST_DECLARATION: dict[str, Any] = {
    "filters": {
        "q": or_(
            MATCHES.condition,
            col(Referral.tracking_number) == bindparam("parsed_tracking_number"),
            col(Referral.external_id_key) == bindparam("external_id_key"),
        ),
        "status": is_one_of(col(Referral.status), "status"),
        "urgency": is_one_of(col(Referral.urgency), "urgency"),
        "concern_kind": is_one_of(col(Referral.concern_kind), "concern_kind"),
        "source": is_one_of(col(Referral.source), "source"),
        "agency_id": is_one_of(col(Referral.agency_id), "agency_id"),
        "team_id": is_one_of(col(Referral.team_id), "team_id"),
        "handed_to_id": is_one_of(col(Referral.handed_to_id), "handed_to_id"),
        "province_code": is_one_of(col(Referral.province_code), "province_code"),
        "external_id": col(Referral.external_id) == bindparam("external_id"),
        "tracking_number": col(Referral.tracking_number) == bindparam("tracking_number"),
        "received_from": col(Referral.received_at) >= build_day_start("received_from"),
        "received_to": col(Referral.received_at) < build_day_start("received_to", 1),
        "updated_since": col(Referral.updated_at) >= bindparam("updated_since"),
        "acknowledgement_overdue": {True: ACKNOWLEDGEMENT_OVERDUE, False: not_(ACKNOWLEDGEMENT_OVERDUE)},
    },
    "sorts": {
        "received_at": col(Referral.received_at),
        "updated_at": col(Referral.updated_at),
        "urgency": (URGENCY_RANK, col(Referral.received_at)),
        RELEVANCE: MATCHES.distance,
    },
    "default_sort": "-received_at",
    "set_filters": {"agency_id": col(Referral.agency_id), "team_id": col(Referral.team_id)},
    "shows": SHOWN_REFERRAL,
}
SELECT_SUMMARY = select(
    *(getattr(Referral, name) for name in SUMMARY_COLUMN_FIELDS),
    *NAMES,
    place_names(col(Referral.province_code)).label("province_names"),
    ACKNOWLEDGEMENT_OVERDUE.label("acknowledgement_overdue"),
    col(Referral.content_encrypted),
)
OPEN_ONLY: dict[str, Any] = {
    "condition": col(Referral.status).in_(sorted(OPEN_STATUSES)),
    "scope": ReferralScope(has_case=False),
}
"""Options of a list of open referrals. Open referrals have no case, and partial indexes contain only them."""
REFERRALS, OPEN_REFERRALS = (
    ListQuery("referrals", Referral, SELECT_SUMMARY, **LIST_DECLARATION, **part)
    for part in ({"scope": search.SCOPE}, OPEN_ONLY)
)
PARTNER_REFERRALS, OPEN_PARTNER_REFERRALS = (
    ListQuery("referrals", Referral, SELECT_PARTNER_VIEW, **LIST_DECLARATION, **part)
    for part in ({"scope": search.SCOPE}, OPEN_ONLY)
)


async def list_referrals(reader: RecordReader, caller: Caller, filters: ReferralFilters) -> ReferralListView:
    """List the referrals that the caller can see, in the partner view or the staff view.

    Raises:
        InvalidInput: An API client uses a filter or an order for staff.
    """
    filters = search.fold_identifiers(filters)
    if caller.is_partner:
        return await _list_partner_referrals(reader, caller, narrow_filters(filters, PartnerReferralFilters))
    day = today()
    parameters = await _build_search_parameters(reader, caller, filters.q)
    is_open = has_only_open_statuses(filters.status) or bool(filters.acknowledgement_overdue)
    staff_list = OPEN_REFERRALS if is_open else REFERRALS
    page = await staff_list.fetch_page(reader, caller, filters, **parameters)
    items = [_row_to_summary(row, day) for row in page.rows]
    return ReferralList.from_trusted_items(items, view="staff", **page.fields)


async def _list_partner_referrals(
    reader: RecordReader, caller: Caller, filters: PartnerReferralFilters
) -> PartnerReferralList:
    parameters = await _build_search_parameters(reader, caller, filters.q)
    partner_list = OPEN_PARTNER_REFERRALS if has_only_open_statuses(filters.status) else PARTNER_REFERRALS
    page = await partner_list.fetch_page(reader, caller, filters, **parameters)
    questions = await fetch_questions(reader, [row.id for row in page.rows])
    items = [_row_to_partner_view(row, questions[row.id]) for row in page.rows]
    return PartnerReferralList.from_trusted_items(items, view="partner", **page.fields)


async def _build_search_parameters(reader: RecordReader, caller: Caller, q: str | None) -> dict[str, Any]:
    if q is None:
        return {}
    similarities = await search.find_matching_referrals(reader, caller, q)
    return {
        "parsed_tracking_number": search.parse_tracking_number(q),
        "external_id_key": fold_number(q),
        **get_match_parameters(similarities),
    }


async def get_referral(reader: RecordReader, caller: Caller, referral_id: UUID) -> ReferralView:
    """Return a referral in the caller's view.

    Raises:
        NotFound: The referral does not exist or the caller cannot see it.
    """
    query = PARTNER_QUERY if caller.is_partner else STAFF_QUERY
    row = await reader.fetch_required(query, referral_id=referral_id)
    questions = (await fetch_questions(reader, [row.id]))[row.id]
    if caller.is_partner:
        return PartnerReferral(**_row_to_partner_view(row, questions))
    return await _row_to_staff_view(reader, row, questions)


async def load_referral_view(session: AsyncSession, caller: Caller, referral_id: UUID) -> ReferralView:
    """Return a referral that the current request has changed."""
    return await get_referral(await open_response_reader(session), caller, referral_id)


def build_new_partner_view(referral: Any, content: StoredReferralContent) -> PartnerReferral:
    """Return the partner view of a new row, which has no decision and no questions, without a query."""
    fields = {name: getattr(referral, name) for name in PARTNER_COLUMN_FIELDS}
    return PartnerReferral.model_construct(
        view="partner", **fields, signposted_to=[], questions=[], warnings=to_referral_warnings(content)
    )


async def _row_to_staff_view(
    reader: RecordReader, row: Any, questions: list[dict[str, Any]]
) -> ReferralSchema:
    stored = Referral.content.decrypt(row.id, row.content_encrypted)
    content = ReferralContent.model_validate(
        {name: stored.get(name) for name in ReferralContent.model_fields}
    )
    outcome = _decrypt_outcome(row)
    screening = outcome.get("screening")
    child_place = content.child.place_code
    caregiver_place = content.caregiver.place_code if content.caregiver else None
    places = await load_place_refs(reader, [child_place, caregiver_place])
    fields = dict(zip(STAFF_COLUMN_FIELDS, row, strict=False))
    fields |= {name: getattr(content, name) for name in ReferralContent.model_fields}
    return ReferralSchema(
        view="staff",
        **fields,
        **_build_refs(row),
        received_by=to_ref(row.received_by_id, row.received_by_name),
        decided_by=to_ref(row.decided_by_id, row.decided_by_name),
        child_place=places.get(child_place),
        caregiver_place=places.get(caregiver_place),
        reason=outcome.get("reason"),
        signposted_to=outcome.get("signposted_to") or [],
        screening=ReferralScreening(**screening) if screening else None,
        reversals=await _build_reversals(reader, row),
        questions=questions,
        warnings=to_referral_warnings(stored),
        unread_values=[
            {"pointer": item["pointer"], "value": item["value"]}
            for item in stored["warnings"]
            if item["value"] is not None
        ],
        waivers=outcome.get("waivers") or [],
        matching_allowances=await fetch_matching_allowances(reader, row.id),
    )


async def _build_reversals(reader: RecordReader, row: Any) -> list[dict[str, Any]]:
    reversals = Referral.reversals.decrypt(row.id, row.reversals_encrypted) or []
    staff = await fetch_staff_refs(reader, {reversal["reversed_by_id"] for reversal in reversals})
    return [
        {
            **{name: value for name, value in reversal.items() if name != "outcome"},
            "reversed_by": staff[reversal["reversed_by_id"]],
            "decision_reason": (reversal["outcome"] or {}).get("reason"),
        }
        for reversal in reversals
    ]


def _row_to_partner_view(row: Any, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the progress of a referral and its questions, without First Step's records of the child."""
    return {
        "view": "partner",
        **dict(zip(PARTNER_COLUMN_FIELDS, row, strict=False)),
        "signposted_to": _decrypt_outcome(row).get("signposted_to") or [],
        "questions": questions,
        "warnings": to_referral_warnings(Referral.content.decrypt(row.id, row.content_encrypted)),
    }


def _row_to_summary(row: Any, day: date) -> dict[str, Any]:
    child = Referral.content.decrypt(row.id, row.content_encrypted)["child"]
    return {
        **dict(zip(SUMMARY_COLUMN_FIELDS, row, strict=False)),
        **_build_refs(row),
        "acknowledgement_overdue": row.acknowledgement_overdue,
        "child_names": child["names"],
        "child_nickname": child["nickname"],
        "child_sex": child["sex"],
        "child_birth": child["birth"],
        "child_age": build_age(child["birth"], day),
        "province": to_place_ref(row.province_code, row.province_names),
    }


def _build_refs(row: Any) -> dict[str, Any]:
    return {
        "agency": to_ref(row.agency_id, row.agency_name),
        "handed_to": to_ref(row.handed_to_id, row.handed_to_name),
        "team": to_ref(row.team_id, row.team_name),
    }


def _decrypt_outcome(row: Any) -> Any:
    if row.outcome_encrypted is None:
        return {}
    return Referral.outcome.decrypt(row.id, row.outcome_encrypted)
