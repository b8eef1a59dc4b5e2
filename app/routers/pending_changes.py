"""Endpoints of changes that wait for the confirmation of a second person."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import PendingChangeDecider, PendingChangeReader, PendingChangeWithdrawer
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.pending_changes import (
    ConfirmedChange,
    PendingChange,
    PendingChangeFilters,
    PendingChangeList,
    PendingChangeRejection,
)
from app.services.confirmation import decide, pending_changes

router = Router(prefix="/pending-changes", tags=["administration"])


@router.get("")
async def list_pending_changes(
    caller: PendingChangeReader, reader: Reader, filters: Annotated[PendingChangeFilters, Query()]
) -> PendingChangeList:
    """List changes that need a second person, newest first.

    The list contains the changes that the caller requested or that concern the caller's account. Data protection officers
    and programme managers see all changes. `awaiting=me` selects those that the caller can confirm or reject.
    """
    return await pending_changes.list_pending_changes(reader, caller, filters)


@router.get("/{change_id}")
async def get_pending_change(_caller: PendingChangeReader, reader: Reader, change_id: UUID) -> PendingChange:
    """Get a pending change.

    The response contains the change, the person concerned, and the decision.
    """
    return await pending_changes.get_pending_change(reader, change_id)


@router.post("/{change_id}/confirm")
async def confirm_pending_change(
    caller: PendingChangeDecider, session: Session, change_id: UUID, expected_version: ExpectedVersion
) -> ConfirmedChange:
    """Confirm a pending change, which takes effect immediately.

    The caller is a data protection officer or programme manager, and neither the requester nor the person concerned. If
    `activation_code` is not null, give it to the person concerned yourself, not to the requester.
    """
    return await decide.confirm_pending_change(session, caller, change_id, expected_version)


@router.post("/{change_id}/reject")
async def reject_pending_change(
    caller: PendingChangeDecider,
    session: Session,
    change_id: UUID,
    expected_version: ExpectedVersion,
    payload: PendingChangeRejection,
) -> PendingChange:
    """Reject a pending change.

    The people who can confirm a change can also reject it. The requester and the person concerned can read the reason.
    """
    return await decide.reject_pending_change(session, caller, change_id, expected_version, payload)


@router.post("/{change_id}/withdraw")
async def withdraw_pending_change(
    caller: PendingChangeWithdrawer, session: Session, change_id: UUID, expected_version: ExpectedVersion
) -> PendingChange:
    """Withdraw a pending change.

    Only the requester can withdraw a change, and only while it waits.
    """
    return await decide.withdraw_pending_change(session, caller, change_id, expected_version)
