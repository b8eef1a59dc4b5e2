"""Mark outreach activities and their attachments as entered in error.

Activities belong to no case and to no team. Every caller who can record an activity can therefore mark it.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.entered_in_error import FILTER_NAME, check_not_entered_in_error
from app.kit.records import get_for_update, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import OutreachActivity, OutreachAttachment
from app.models.record import utc_now
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.outreach import OutreachActivity as OutreachActivitySchema
from app.schemas.outreach_attachments import OutreachAttachment as OutreachAttachmentSchema
from app.services.outreach.attachments import OUTREACH_ATTACHMENTS
from app.services.outreach.history import record_outreach_change
from app.services.outreach.responses import OUTREACH_ACTIVITIES


async def mark_outreach_activity(
    session: AsyncSession, caller: Caller, activity_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> OutreachActivitySchema:
    """Mark an activity. Lists and reports omit it by default.

    Raises:
        NotFound: the activity does not exist.
        StaleVersion: the activity was changed since the caller read it.
        GateRefused: the activity is marked already.
    """
    activity = await get_version_for_update(session, OutreachActivity, activity_id, expected_version)
    _set_mark(activity, caller, payload)
    activity.updated_at = utc_now()
    record_outreach_change(session, caller, activity_id, {}, {FILTER_NAME: payload.reason})
    return await OUTREACH_ACTIVITIES.save(session, activity)


async def mark_outreach_attachment(
    session: AsyncSession,
    caller: Caller,
    attachment_id: UUID,
    expected_version: int,
    payload: ErrorMarkCreate,
) -> OutreachAttachmentSchema:
    """Mark an attachment. The activity is locked first, as by every change of its parts.

    Raises:
        NotFound: the attachment does not exist.
        StaleVersion: the attachment was changed since the caller read it.
        GateRefused: the attachment or its activity is marked already.
    """
    activity_id = select(col(OutreachAttachment.activity_id)).where(
        col(OutreachAttachment.id) == attachment_id
    )
    activity = await get_for_update(session, OutreachActivity, activity_id.scalar_subquery())
    raise_if_unmet(check_not_entered_in_error(activity))
    attachment = await get_version_for_update(session, OutreachAttachment, attachment_id, expected_version)
    _set_mark(attachment, caller, payload)
    before = {"attachments": attachment.details["title"]}
    record_outreach_change(session, caller, activity.id, before, {})
    return await OUTREACH_ATTACHMENTS.save(session, attachment)


def _set_mark(
    record: OutreachActivity | OutreachAttachment, caller: Caller, payload: ErrorMarkCreate
) -> None:
    record.entered_in_error_at, record.entered_in_error_by_id = utc_now(), caller.id
    record.entered_in_error_reason = payload.reason
