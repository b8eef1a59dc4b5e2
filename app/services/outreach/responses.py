"""Read outreach activities: the columns of a response, the list with its filters, and one activity."""

from typing import Any

from sqlalchemy import JSON, Integer, Text, and_, bindparam, exists, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col

from app.kit.entered_in_error import build_error_filter, error_mark_columns, is_valid, to_error_mark
from app.kit.list_query import RELEVANCE, ListQuery, is_one_of
from app.kit.reference_names import (
    agency_refs,
    place_names,
    staff_names,
    staff_refs,
    to_place_ref,
    to_staff_refs,
)
from app.kit.resources import Resource
from app.models import OutreachActivity, OutreachAttachment, OutreachParticipants
from app.schemas.outreach import OutreachActivity as OutreachActivitySchema
from app.schemas.outreach import OutreachActivityList
from app.schemas.warnings import to_warnings
from app.services.outreach.counts import PARTICIPANT_COLUMNS, row_to_participants
from app.services.outreach.history import NO_CHILD
from app.services.outreach.identifying_texts import check_personal_data

SCHEMA_COLUMN_FIELDS = [
    name for name in OutreachActivitySchema.model_fields if name in OutreachActivity.model_fields
]
SCORE_COLUMNS = ("score_maximum", "tested_before", "mean_before", "tested_after", "mean_after")
_OF_ACTIVITY = col(OutreachParticipants.activity_id) == col(OutreachActivity.id)
_PARTICIPANTS = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_object(
                    *(
                        part
                        for name in PARTICIPANT_COLUMNS
                        for part in (name, getattr(OutreachParticipants, name))
                    )
                ),
                col(OutreachParticipants.audience),
            ),
            type_=JSON,
        )
    )
    .where(_OF_ACTIVITY)
    .correlate(OutreachActivity)
    .scalar_subquery()
)
_ATTACHMENT_COUNT = (
    select(func.count())
    .where(col(OutreachAttachment.activity_id) == col(OutreachActivity.id), is_valid(OutreachAttachment))
    .correlate(OutreachActivity)
    .scalar_subquery()
)
ACTIVITY_COLUMNS = select(
    *(getattr(OutreachActivity, name) for name in SCHEMA_COLUMN_FIELDS),
    *(getattr(OutreachActivity, name) for name in SCORE_COLUMNS),
    *staff_names(OutreachActivity, "recorded_by"),
    *error_mark_columns(OutreachActivity),
    place_names(col(OutreachActivity.place_code)).label("place_names"),
    agency_refs(col(OutreachActivity.partner_ids)).label("partners"),
    staff_refs(col(OutreachActivity.facilitator_ids)).label("facilitators"),
    _PARTICIPANTS.label("participants"),
    _ATTACHMENT_COUNT.label("attachment_count"),
    col(OutreachActivity.description_encrypted),
)
_TEXT_POSITION = func.strpos(
    col(OutreachActivity.search_key), bindparam("text_part", type_=Text), type_=Integer
)
_LAST_DAY = func.coalesce(col(OutreachActivity.ends_on), col(OutreachActivity.starts_on))


def _row_to_fields(row: Any) -> dict[str, Any]:
    participants = [row_to_participants(item) for item in row.participants or []]
    fields = {
        **dict(zip(SCHEMA_COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "recorded_by"),
        **to_error_mark(OutreachActivity, row),
        "place": to_place_ref(row.place_code, row.place_names),
        "partners": row.partners or [],
        "facilitators": row.facilitators or [],
        "persons": sum(item["persons"] for item in participants),
        "attendances": sum(item["attendances"] for item in participants),
        "participants": participants,
        "scores": build_scores(row),
        "description": OutreachActivity.description.decrypt(row.id, row.description_encrypted),
        "attachment_count": row.attachment_count,
    }
    return {**fields, "warnings": to_warnings(check_personal_data(fields))}


def build_scores(activity: Any) -> dict[str, Any] | None:
    """Return the scores of an activity or a row as a JSON document, or None without a test."""
    if activity.score_maximum is None:
        return None
    return {"maximum": activity.score_maximum} | {
        name: tested and {"persons": tested, "mean": mean}
        for name, tested, mean in (
            ("before", activity.tested_before, activity.mean_before),
            ("after", activity.tested_after, activity.mean_after),
        )
    }


OUTREACH_ACTIVITIES = Resource(
    ListQuery(
        "outreach_activities",
        OutreachActivity,
        ACTIVITY_COLUMNS,
        filters={
            **build_error_filter(OutreachActivity),
            # A text without visible characters is contained in every text. It finds no activity instead.
            "q": and_(bindparam("text_part", type_=Text) != "", literal(0) < _TEXT_POSITION),
            "since": bindparam("since") <= _LAST_DAY,
            "until": col(OutreachActivity.starts_on) <= bindparam("until"),
            **{
                name: is_one_of(col(getattr(OutreachActivity, name)), name)
                for name in ("kind", "topic", "programme")
            },
            "audience": exists().where(
                _OF_ACTIVITY, is_one_of(col(OutreachParticipants.audience), "audience")
            ),
            # The code of a place begins with the codes of the places that contain it.
            "place_code": func.starts_with(
                col(OutreachActivity.place_code), bindparam("place_code", type_=Text)
            ),
            "facilitator_id": bindparam("facilitator_id") == func.any(col(OutreachActivity.facilitator_ids)),
            "partner_id": bindparam("partner_id") == func.any(col(OutreachActivity.partner_ids)),
        },
        sorts={
            **{
                name: col(getattr(OutreachActivity, name))
                for name in ("starts_on", "created_at", "updated_at")
            },
            RELEVANCE: _TEXT_POSITION,
        },
        default_sort="-starts_on",
        shows=NO_CHILD,
    ),
    OutreachActivitySchema,
    OutreachActivityList,
    _row_to_fields,
)
"""The list has at most some thousand rows, so only its default order needs an index."""
