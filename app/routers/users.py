"""Endpoints of users."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import UserManager, UserReader
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
from app.services.accounts import users

router = Router(prefix="/users", tags=["administration"])


@router.post("", status_code=201)
async def create_user(_caller: UserManager, session: Session, payload: UserCreate) -> UserWithPassword:
    """Create a user.

    The response contains the initial password, which is not shown again. It is valid for three days and only allows
    choosing another password.
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
) -> User:
    """Update a user.

    Changes to name, roles, teams and activation apply to the user's next request. Administrators cannot add a role or a
    team to their own account, remove the role of administrator from it, or deactivate it.
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
    factor stays unless `remove_second_factor` is true.
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
