"""Record, correct, read and list outreach activities."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.configuration_changes import CONFIGURATION_KINDS
from app.access.reader import RecordReader
from app.access.session_records import record_change
from app.errors import InvalidInput
from app.kit.records import apply_patch, get_version_for_update
from app.models import OutreachActivity, OutreachParticipants
from app.models.record import new_id, utc_now
from app.schemas.outreach import OutreachActivity as OutreachActivitySchema
from app.schemas.outreach import (
    OutreachActivityContent,
    OutreachActivityCreate,
    OutreachActivityList,
    OutreachActivityUpdate,
    OutreachFilters,
)
from app.services.outreach.checks import check_activity
from app.services.outreach.counts import PARTICIPANT_COLUMNS, build_participant_rows, row_to_participants
from app.services.outreach.history import record_outreach_change
from app.services.outreach.responses import OUTREACH_ACTIVITIES, build_scores
from app.text_folding import fold_text, normalize_text

COLUMN_FIELDS = set(OutreachActivityContent.model_fields) & set(OutreachActivity.model_fields)
"""Fields that are stored in a column of the same name."""


async def create_outreach_activity(
    session: AsyncSession, caller: Caller, payload: OutreachActivityCreate
) -> OutreachActivitySchema:
    """Record an outreach activity.

    Raises:
        InvalidInput: fields contradict each other, or refer to an unknown place, agency or member of staff.
        AlreadyExists: the id is taken.
    """
    await _validate_activity(session, payload)
    columns = payload.model_dump(include=COLUMN_FIELDS)
    activity = OutreachActivity(id=payload.id or new_id(), recorded_by_id=caller.id, **columns)
    _store_fields(activity, payload)
    session.add(activity)
    await session.flush()  # the rows of the participants refer to the activity
    await _replace_participants(session, activity.id, payload, [])
    return await OUTREACH_ACTIVITIES.save(session, activity)


async def list_outreach_activities(
    reader: RecordReader, caller: Caller, filters: OutreachFilters
) -> OutreachActivityList:
    """List the outreach activities that match the filters."""
    return await OUTREACH_ACTIVITIES.list_page(reader, caller, filters, text_part=fold_text(filters.q or ""))


async def get_outreach_activity(reader: RecordReader, activity_id: UUID) -> OutreachActivitySchema:
    """Return one outreach activity.

    Raises:
        NotFound: the activity does not exist.
    """
    return await OUTREACH_ACTIVITIES.get(reader, activity_id)


async def update_outreach_activity(
    session: AsyncSession,
    caller: Caller,
    activity_id: UUID,
    expected_version: int,
    patch: OutreachActivityUpdate,
) -> OutreachActivitySchema:
    """Correct an outreach activity. Its history contains the values before and after the change.

    Raises:
        NotFound: the activity does not exist.
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the activity was changed since the caller read it.
        GateRefused: the activity was entered in error.
    """
    activity = await get_version_for_update(session, OutreachActivity, activity_id, expected_version)
    old_participants = await _fetch_participants(session, activity_id)
    before = _build_document(activity, old_participants)
    payload = apply_patch(OutreachActivityContent, before, patch)
    await _validate_activity(session, payload)
    _store_fields(activity, payload)
    activity.updated_at = utc_now()
    participants = await _replace_participants(session, activity_id, payload, old_participants)
    record_outreach_change(session, caller, activity_id, before, _build_document(activity, participants))
    return await OUTREACH_ACTIVITIES.save(session, activity)


async def _validate_activity(session: AsyncSession, payload: OutreachActivityContent) -> None:
    """Check the fields of an activity.

    Raises:
        InvalidInput: with one fault for each problem.
    """
    if faults := await check_activity(session, payload):
        raise InvalidInput(faults)


def _store_fields(activity: OutreachActivity, payload: OutreachActivityContent) -> None:
    for name, value in payload.model_dump(include=COLUMN_FIELDS).items():
        setattr(activity, name, value)
    activity.title = normalize_text(payload.title)
    activity.venue = payload.venue and normalize_text(payload.venue)
    activity.partner_names = [*map(normalize_text, payload.partner_names)]
    activity.facilitator_agencies = [*map(normalize_text, payload.facilitator_agencies)]
    if payload.description != activity.description:
        activity.description = payload.description
    scores = payload.scores
    before, after = (scores.before, scores.after) if scores else (None, None)
    activity.score_maximum = scores.maximum if scores else None
    activity.tested_before, activity.mean_before = (before.persons, before.mean) if before else (None, None)
    activity.tested_after, activity.mean_after = (after.persons, after.mean) if after else (None, None)


def _build_document(activity: OutreachActivity, participants: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the editable fields of an activity as a JSON document."""
    return {
        **activity.model_dump(mode="json", include=COLUMN_FIELDS),
        "description": activity.description,
        "scores": build_scores(activity),
        "participants": participants,
    }


async def _fetch_participants(session: AsyncSession, activity_id: UUID) -> list[dict[str, Any]]:
    """Return the numbers of participants by audience, as JSON documents."""
    query = (
        select(*(getattr(OutreachParticipants, name) for name in PARTICIPANT_COLUMNS))
        .where(col(OutreachParticipants.activity_id) == activity_id)
        .order_by(col(OutreachParticipants.audience))
    )
    return [row_to_participants(row._asdict()) for row in await session.execute(query)]


async def _replace_participants(
    session: AsyncSession, activity_id: UUID, payload: OutreachActivityContent, old: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Replace the rows of the participants if they differ, and return them as JSON documents.

    The rows have no kind in the access log. Their values are a field of the activity there.
    """
    rows = build_participant_rows(activity_id, payload.participants)
    rows.sort(key=lambda row: row.audience)
    new = [row_to_participants(row.model_dump()) for row in rows]
    if new != old:
        is_old = col(OutreachParticipants.activity_id) == activity_id
        await session.execute(delete(OutreachParticipants).where(is_old))
        session.add_all(rows)
        changes = {"participants": (old or None, new or None)}
        record_change(session, CONFIGURATION_KINDS[OutreachActivity], activity_id, changes)
    return new
