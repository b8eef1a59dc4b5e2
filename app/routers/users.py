"""Endpoints of users."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import UserManager, UserReader, WorkHandover
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.administration import (
    PasswordReset,
    User,
    UserCreate,
    UserFilters,
    UserList,
    UserUpdate,
    UserWithPassword,
)
from app.schemas.handover import Handover, HandoverRequest, UserWithRemainingWork
from app.services.accounts import users
from app.services.agenda import handover

router = Router(prefix="/users", tags=["administration"])


@router.post("", status_code=201)
async def create_user(_caller: UserManager, session: Session, payload: UserCreate) -> UserWithPassword:
    """Create a user.

    The response contains the initial password, which is not shown again. It is valid for three days and only allows
    choosing another password. Roles with access to children, money or accounts, and the supervision of teams, are in
    `pending_changes` until a second person confirms them.
    """
    return await users.create_user(session, payload)


@router.get("")
async def list_users(
    caller: UserReader, reader: Reader, filters: Annotated[UserFilters, Query()]
) -> UserList:
    """List users, newest first unless `sort` or `q` is given.

    The list includes deactivated users unless `is_active` is `true`.
    """
    return await users.list_users(reader, caller, filters)


@router.get("/{user_id}")
async def get_user(_caller: UserReader, reader: Reader, user_id: UUID) -> User:
    """Get a user.

    The response contains the roles and teams, and whether a second factor is confirmed.
    """
    return await users.get_user(reader, user_id)


@router.patch("/{user_id}")
async def update_user(
    caller: UserManager,
    session: Session,
    user_id: UUID,
    expected_version: ExpectedVersion,
    payload: UserUpdate,
) -> UserWithRemainingWork:
    """Update a user.

    Changes to name, roles, teams and activation apply to the user's next request. New roles with access to children, money
    or accounts, the supervision of further teams, and the reactivation of a user with such a role are in `pending_changes`
    until a second person confirms them. A newer request replaces an open one. Administrators cannot add a role or a
    team to their own account, remove the role of administrator from it, or deactivate it.

    Deactivation takes effect immediately, even if the user has open work. `remaining_work` contains the numbers of open
    items. They are on the agenda of the supervisors, or of the programme managers, until they are handed over.
    """
    return await users.update_user(session, caller, user_id, expected_version, payload)


@router.post("/{user_id}/reset-password")
async def reset_user_password(
    _caller: UserManager,
    session: Session,
    user_id: UUID,
    expected_version: ExpectedVersion,
    payload: PasswordReset | None = None,
) -> UserWithPassword:
    """Reset the password of a user.

    The response contains a new initial password, which is not shown again. Every session of the user ends. The second
    factor stays unless `remove_second_factor` is true. If it is, or the user has access to children, money or accounts, the
    reset is in `pending_changes` until a second person confirms it, and the password is valid only after that.
    """
    return await users.reset_user_password(session, user_id, expected_version, payload or PasswordReset())


@router.post("/{user_id}/end-sessions")
async def end_user_sessions(
    _caller: UserManager, session: Session, user_id: UUID, expected_version: ExpectedVersion
) -> User:
    """End all sessions of a user.

    The access tokens of the user are rejected from the next request on, and the calendar feeds are revoked.
    """
    return await users.end_user_sessions(session, user_id, expected_version)


@router.post("/{user_id}/handover")
async def hand_over_work(
    caller: WorkHandover,
    session: Session,
    user_id: UUID,
    expected_version: ExpectedVersion,
    payload: HandoverRequest,
) -> Handover:
    """Hand over the work of a user to another user.

    Transfers the cases, planned support sessions and open referrals of the user in one act, with an entry per child in the
    access log. Supervisors hand over the work in their teams, programme managers the work in all teams. A case stays with
    the user if the receiver does not belong to its team, or because of a conflict wall. The response lists it, and it is
    `unstaffed` on the agenda once the user cannot act. Repeating the request has no further effect.
    """
    return await handover.hand_over_work(session, caller, user_id, expected_version, payload)
