"""Confirm, reject and withdraw pending changes.

The functions of the database check again who may decide, so that the checks here only give the reasons.
"""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.passwords import generate_one_time_code, hash_secret
from app.access.reader import session_reader
from app.access.session_records import record_function_changes
from app.errors import Fault
from app.kit.pending_changes import call_function
from app.kit.records import get_for_update, get_record, get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import PendingChange, User
from app.models.record import Record
from app.schemas.pending_changes import ConfirmedChange, PendingChangeRejection
from app.schemas.pending_changes import PendingChange as PendingChangeSchema
from app.services.confirmation.kinds import KINDS
from app.services.confirmation.pending_changes import CHANGES
from app.services.confirmation.states import CONFIRM, REJECT, WITHDRAW


async def confirm_pending_change(
    session: AsyncSession, caller: Caller, change_id: UUID, expected_version: int
) -> ConfirmedChange:
    """Confirm a change and make it, in one transaction.

    Raises:
        GateRefused: the change is not open, the caller requested it or is the person concerned, the requester could not
            request it, or the change has become impossible.
    """
    change, target = await _get_change_for_update(session, change_id, expected_version)
    kind = KINDS[change.kind]
    raise_if_unmet(
        [
            *_check_open(CONFIRM, change),
            *_check_second_person(change, caller),
            *await _check_requester(session, change),
            *await kind.check(session, change),
        ]
    )
    await session.flush()  # the function changes the row too
    code = generate_one_time_code()
    async with AsyncExitStack() as stack:
        for record in filter(None, (change, target)):
            await stack.enter_async_context(record_function_changes(session, record))
        needs_code = await call_function(session, func.access.confirm_change(change.id, hash_secret(code)))
    if kind.complete is not None:
        await kind.complete(session, change)
    schema = await CHANGES.get(session_reader(session), change.id)
    return ConfirmedChange(**schema.model_dump(), activation_code=code if needs_code else None)


async def reject_pending_change(
    session: AsyncSession,
    caller: Caller,
    change_id: UUID,
    expected_version: int,
    payload: PendingChangeRejection,
) -> PendingChangeSchema:
    """Reject a change.

    Raises:
        GateRefused: the change is not open, or the caller requested it or is the person concerned.
    """
    change, _ = await _get_change_for_update(session, change_id, expected_version)
    raise_if_unmet([*_check_open(REJECT, change), *_check_second_person(change, caller)])
    await session.flush()  # the function changes the row too
    async with record_function_changes(session, change):
        await call_function(session, func.access.reject_change(change.id, payload.reason))
    return await CHANGES.get(session_reader(session), change.id)


async def withdraw_pending_change(
    session: AsyncSession, caller: Caller, change_id: UUID, expected_version: int
) -> PendingChangeSchema:
    """Withdraw a change.

    Raises:
        GateRefused: the change is not open, or another person requested it.
    """
    change, _ = await _get_change_for_update(session, change_id, expected_version)
    unmet = _check_open(WITHDRAW, change)
    if change.requested_by_id != caller.id:
        unmet.append(Fault(None, "not_yours", "Only the person who requested the change can withdraw it."))
    raise_if_unmet(unmet)
    await session.flush()  # the function changes the row too
    async with record_function_changes(session, change):
        await call_function(session, func.access.withdraw_change(change.id))
    return await CHANGES.get(session_reader(session), change.id)


async def _get_change_for_update(
    session: AsyncSession, change_id: UUID, expected_version: int
) -> tuple[PendingChange, Record | None]:
    """Lock a change, and the person or record that it changes. Return both."""
    change = await get_record(session, PendingChange, change_id)
    # An update of a user or API client locks it before its pending changes. The same order prevents deadlocks.
    model, target_id = KINDS[change.kind].target, change.person_id or change.record_id
    target = None
    if model is not None and target_id is not None:
        target = await get_for_update(session, model, target_id)
    return await get_version_for_update(session, PendingChange, change_id, expected_version), target


def _check_open(transition: Transition, change: PendingChange) -> list[Fault]:
    unmet = check_status(transition, change.status)
    if not unmet and change.expires_at <= datetime.now(UTC):
        unmet.append(Fault("/expires_at", "change_expired", "The change has expired. Request it again."))
    return unmet


def _check_second_person(change: PendingChange, caller: Caller) -> list[Fault]:
    if caller.id == change.requested_by_id:
        return [Fault(None, "own_request", "Another person must decide on a change that you requested.")]
    if caller.id == change.person_id:
        return [Fault(None, "own_account", "Another person must decide on a change of your account.")]
    return []


async def _check_requester(session: AsyncSession, change: PendingChange) -> list[Fault]:
    if change.requested_by_id is None:
        return []  # an operator requested it on the command line
    requester = await get_record(session, User, change.requested_by_id)
    if requester.is_active and not KINDS[change.kind].requester_roles.isdisjoint(requester.roles):
        return []
    detail = "The person who requested the change is inactive, or has lost the role that this requires."
    return [Fault("/requested_by_id", "requester_unfit", detail)]
