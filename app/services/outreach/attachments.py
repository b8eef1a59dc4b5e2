"""Add, list, read and download attachments of outreach activities. Files are stored encrypted."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import (
    build_error_filter,
    check_not_entered_in_error,
    error_mark_columns,
    is_valid,
    to_error_mark,
)
from app.kit.list_query import ListQuery
from app.kit.records import ensure_visible, get_for_update
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import OutreachActivity, OutreachAttachment, OutreachAttachmentContent
from app.models.record import new_id
from app.schemas.outreach_attachments import OutreachAttachment as OutreachAttachmentSchema
from app.schemas.outreach_attachments import (
    OutreachAttachmentCreate,
    OutreachAttachmentFilters,
    OutreachAttachmentList,
)
from app.schemas.warnings import to_warnings
from app.services.outreach.history import NO_CHILD, record_outreach_change
from app.services.outreach.identifying_texts import check_personal_data
from app.services.support import media_types
from app.services.support.uploaded_files import build_file_name, decode_file

MAX_ATTACHMENTS = 50
"""Maximum number of attachments of an activity. Marked attachments do not count."""
COLUMN_FIELDS = [
    name for name in OutreachAttachmentSchema.model_fields if name in OutreachAttachment.model_fields
]
DOWNLOAD_QUERY = ReadQuery(
    select(
        col(OutreachAttachment.id),
        col(OutreachAttachment.media_type),
        col(OutreachAttachment.details_encrypted),
        col(OutreachAttachmentContent.content_encrypted),
    )
    .join(OutreachAttachmentContent, col(OutreachAttachmentContent.id) == col(OutreachAttachment.id))
    .where(col(OutreachAttachment.id) == bindparam("attachment_id")),
    shows=NO_CHILD,
)


class AttachmentFile(NamedTuple):
    """The decrypted file of an attachment, for download."""

    name: str
    media_type: str
    content: bytes


def _row_to_fields(row: Any) -> dict[str, Any]:
    details = OutreachAttachment.details.decrypt(row.id, row.details_encrypted)
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **details,
        **to_staff_refs(row, "recorded_by"),
        **to_error_mark(OutreachAttachment, row),
        "warnings": to_warnings(check_personal_data(details)),
    }


OUTREACH_ATTACHMENTS = Resource(
    ListQuery(
        "outreach_attachments",
        OutreachAttachment,
        select(
            *(getattr(OutreachAttachment, name) for name in COLUMN_FIELDS),
            *staff_names(OutreachAttachment, "recorded_by"),
            *error_mark_columns(OutreachAttachment),
            col(OutreachAttachment.details_encrypted),
        ),
        filters={
            **build_error_filter(OutreachAttachment),
            "activity_id": col(OutreachAttachment.activity_id) == bindparam("activity_id"),
        },
        sorts={"created_at": col(OutreachAttachment.created_at)},
        shows=NO_CHILD,
    ),
    OutreachAttachmentSchema,
    OutreachAttachmentList,
    _row_to_fields,
)


async def create_outreach_attachment(
    session: AsyncSession, caller: Caller, activity_id: UUID, payload: OutreachAttachmentCreate
) -> OutreachAttachmentSchema:
    """Add an attachment to an activity.

    Raises:
        NotFound: the activity does not exist.
        GateRefused: the activity was entered in error, or has the maximum number of attachments.
        InvalidInput: the file is empty, too large or of a type that is not accepted.
        AlreadyExists: the id is taken.
    """
    activity = await get_for_update(session, OutreachActivity, activity_id)
    raise_if_unmet([*check_not_entered_in_error(activity), *await _check_number(session, activity_id)])
    content, media_type = await asyncio.to_thread(decode_file, payload.content)
    if media_types.is_recording(media_type):
        detail = "Recordings show or name participants and are not accepted."
        raise InvalidInput([Fault("/content", "media_type_unsupported", detail)])
    attachment = OutreachAttachment(
        id=payload.id or new_id(),
        activity_id=activity_id,
        media_type=media_type,
        size=len(content),
        recorded_by_id=caller.id,
    )
    attachment.details = {
        "title": payload.title,
        "file_name": build_file_name(payload.file_name or payload.title, media_type),
        "description": payload.description,
    }
    session.add(attachment)
    await session.flush()  # the content refers to the attachment
    stored_content = OutreachAttachmentContent(id=attachment.id)
    stored_content.content = content
    session.add(stored_content)
    record_outreach_change(session, caller, activity_id, {}, {"attachments": payload.title})
    return await OUTREACH_ATTACHMENTS.save(session, attachment)


async def _check_number(session: AsyncSession, activity_id: UUID) -> list[Fault]:
    """Return a fault if the locked activity has the maximum number of attachments."""
    query = select(func.count()).where(
        col(OutreachAttachment.activity_id) == activity_id, is_valid(OutreachAttachment)
    )
    if (await session.scalar(query) or 0) < MAX_ATTACHMENTS:
        return []
    return [Fault(None, "too_many", f"An activity has at most {MAX_ATTACHMENTS} attachments.")]


async def list_outreach_attachments(
    reader: RecordReader, caller: Caller, activity_id: UUID, filters: OutreachAttachmentFilters
) -> OutreachAttachmentList:
    """List the attachments of an activity. Reads no file content.

    Raises:
        NotFound: the activity does not exist.
    """
    page = await OUTREACH_ATTACHMENTS.list_page(reader, caller, filters, within={"activity_id": activity_id})
    if not page.items:
        await ensure_visible(reader, OutreachActivity, activity_id)
    return page


async def get_outreach_attachment(reader: RecordReader, attachment_id: UUID) -> OutreachAttachmentSchema:
    """Return the metadata of one attachment.

    Raises:
        NotFound: the attachment does not exist.
    """
    return await OUTREACH_ATTACHMENTS.get(reader, attachment_id)


async def download_outreach_attachment(reader: RecordReader, attachment_id: UUID) -> AttachmentFile:
    """Return the decrypted file of an attachment.

    Raises:
        NotFound: the attachment does not exist.
        DecryptionError: the stored content was changed, or belongs to another attachment.
    """
    row = await reader.fetch_required(DOWNLOAD_QUERY, attachment_id=attachment_id)
    # Decrypting a large file in a thread does not block other requests.
    content = await asyncio.to_thread(
        OutreachAttachmentContent.content.decrypt, row.id, row.content_encrypted
    )
    details = OutreachAttachment.details.decrypt(row.id, row.details_encrypted)
    return AttachmentFile(details["file_name"], row.media_type, content)
