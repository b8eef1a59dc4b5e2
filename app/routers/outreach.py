"""Endpoints of outreach activities, their history and their attachments."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.http.permissions import (
    OutreachErrorMarker,
    OutreachReader,
    OutreachRecorder,
)
from app.http.responses import build_attachment_response, describe_attachment
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.outreach import (
    OutreachActivity,
    OutreachActivityCreate,
    OutreachActivityList,
    OutreachActivityUpdate,
    OutreachFilters,
)
from app.schemas.outreach_attachments import (
    OutreachAttachment,
    OutreachAttachmentCreate,
    OutreachAttachmentFilters,
    OutreachAttachmentList,
)
from app.schemas.outreach_history import OutreachHistory, OutreachHistoryFilters
from app.services.outreach import activities, attachments, corrections, history
from app.services.support.media_types import EXTENSIONS

router = Router(tags=["outreach"])


@router.post("/outreach-activities", status_code=201)
async def create_outreach_activity(
    caller: OutreachRecorder,
    session: Session,
    payload: OutreachActivityCreate,
) -> OutreachActivity:
    """Record an outreach activity that took place.

    Participants are numbers by audience, sex, age group and disability. The numbers of each breakdown add up to
    `persons`; `unknown` contains the other persons. Names of participants are not recorded.
    """
    return await activities.create_outreach_activity(session, caller, payload)


@router.get("/outreach-activities")
async def list_outreach_activities(
    caller: OutreachReader,
    reader: Reader,
    filters: Annotated[OutreachFilters, Query()],
) -> OutreachActivityList:
    """List outreach activities, by default the latest first.

    `from` and `to` select the activities with at least one day in the period. `q` searches titles, venues and names of
    organisations. Activities that were entered in error are listed only with `entered_in_error=true`.
    """
    return await activities.list_outreach_activities(reader, caller, filters)


@router.get("/outreach-activities/{outreach_activity_id}")
async def get_outreach_activity(
    _caller: OutreachReader,
    reader: Reader,
    outreach_activity_id: UUID,
) -> OutreachActivity:
    """Get an outreach activity.

    The response contains the numbers of participants and the scores. The attachments are a separate list.
    """
    return await activities.get_outreach_activity(reader, outreach_activity_id)


@router.patch("/outreach-activities/{outreach_activity_id}")
async def update_outreach_activity(
    caller: OutreachRecorder,
    session: Session,
    outreach_activity_id: UUID,
    expected_version: ExpectedVersion,
    payload: OutreachActivityUpdate,
) -> OutreachActivity:
    """Correct an outreach activity.

    `participants` replaces all audiences. The history contains the values before and after the change. An activity that
    was entered in error cannot be changed.
    """
    return await activities.update_outreach_activity(
        session, caller, outreach_activity_id, expected_version, payload
    )


@router.post("/outreach-activities/{outreach_activity_id}/enter-in-error")
async def enter_outreach_activity_in_error(
    caller: OutreachErrorMarker,
    session: Session,
    outreach_activity_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> OutreachActivity:
    """Mark an outreach activity as entered in error.

    The record stays readable with the mark, and cannot be changed again. Lists do not contain it by default, and
    reports do not count it.
    """
    return await corrections.mark_outreach_activity(
        session, caller, outreach_activity_id, expected_version, payload
    )


@router.get("/outreach-activities/{outreach_activity_id}/history")
async def list_outreach_history(
    caller: OutreachReader,
    reader: Reader,
    outreach_activity_id: UUID,
    filters: Annotated[OutreachHistoryFilters, Query()],
) -> OutreachHistory:
    """List the changes of an outreach activity, newest first.

    Each entry contains the changed fields with their values before and after the change, and the person. Added and
    marked attachments are changes of the field `attachments`.
    """
    return await history.list_outreach_history(reader, caller, outreach_activity_id, filters)


@router.post("/outreach-activities/{outreach_activity_id}/attachments", status_code=201)
async def create_outreach_attachment(
    caller: OutreachRecorder,
    session: Session,
    outreach_activity_id: UUID,
    payload: OutreachAttachmentCreate,
) -> OutreachAttachment:
    """Add an attachment to an outreach activity.

    Accepts PDF, JPEG, PNG, WebP, HEIC, Word, Excel and plain text up to 10 MiB. The type is detected from the content.
    An activity has at most 50 attachments. Lists with names of participants do not belong here.
    """
    return await attachments.create_outreach_attachment(session, caller, outreach_activity_id, payload)


@router.get("/outreach-activities/{outreach_activity_id}/attachments")
async def list_outreach_attachments(
    caller: OutreachReader,
    reader: Reader,
    outreach_activity_id: UUID,
    filters: Annotated[OutreachAttachmentFilters, Query()],
) -> OutreachAttachmentList:
    """List the attachments of an outreach activity, newest first by default.

    The list contains no files. Attachments that were entered in error are listed only with `entered_in_error=true`.
    """
    return await attachments.list_outreach_attachments(reader, caller, outreach_activity_id, filters)


@router.get("/outreach-attachments/{outreach_attachment_id}")
async def get_outreach_attachment(
    _caller: OutreachReader,
    reader: Reader,
    outreach_attachment_id: UUID,
) -> OutreachAttachment:
    """Get the metadata of an attachment of an outreach activity.

    The file itself is downloaded from `/content`.
    """
    return await attachments.get_outreach_attachment(reader, outreach_attachment_id)


@router.get(
    "/outreach-attachments/{outreach_attachment_id}/content",
    response_class=Response,
    responses=describe_attachment(*EXTENSIONS),
)
async def download_outreach_attachment(
    _caller: OutreachReader,
    reader: Reader,
    outreach_attachment_id: UUID,
) -> Response:
    """Download the file of an attachment of an outreach activity.

    The response is an attachment with the detected media type.
    """
    return build_attachment_response(
        *await attachments.download_outreach_attachment(reader, outreach_attachment_id)
    )


@router.post("/outreach-attachments/{outreach_attachment_id}/enter-in-error")
async def enter_outreach_attachment_in_error(
    caller: OutreachErrorMarker,
    session: Session,
    outreach_attachment_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> OutreachAttachment:
    """Mark an attachment of an outreach activity as entered in error.

    The attachment stays readable with the mark. Its activity must not be entered in error.
    """
    return await corrections.mark_outreach_attachment(
        session, caller, outreach_attachment_id, expected_version, payload
    )
