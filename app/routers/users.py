"""Administration: members of staff."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import UserManager, UserReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import (
    PasswordReset,
    User,
    UserCreate,
    UserFilters,
    UserUpdate,
    UserWithPassword,
)
from app.schemas.wire import Page
from app.services.accounts import users

router = Router(prefix="/users", tags=["administration"])


@router.post("", status_code=201)
async def create_user(_caller: UserManager, session: Session, payload: UserCreate) -> UserWithPassword:
    """Add a member of staff; the initial password is shown once."""
    return await users.create_user(session, payload)


@router.get("")
async def list_users(
    _caller: UserReader,
    session: Session,
    filters: Annotated[UserFilters, Query()],
) -> Page[User]:
    """List the staff, newest first."""
    return await users.list_users(session, filters)


@router.get("/{user_id}")
async def get_user(_caller: UserReader, session: Session, user_id: UUID) -> User:
    """Read one member of staff."""
    return await users.get_user(session, user_id)


@router.patch("/{user_id}")
async def update_user(
    caller: UserManager,
    session: Session,
    user_id: UUID,
    expected_version: ExpectedVersion,
    payload: UserUpdate,
) -> User:
    """Change name, roles, teams, or whether somebody works here; it holds from the next request on."""
    return await users.update_user(session, caller, user_id, expected_version, payload)


@router.post("/{user_id}/reset-password")
async def reset_user_password(
    _caller: UserManager,
    session: Session,
    user_id: UUID,
    expected_version: ExpectedVersion,
    payload: PasswordReset | None = None,
) -> UserWithPassword:
    """Give somebody a new initial password, shown once, and sign them out everywhere."""
    return await users.reset_user_password(session, user_id, expected_version, payload or PasswordReset())


@router.post("/{user_id}/end-sessions")
async def end_user_sessions(
    _caller: UserManager,
    session: Session,
    user_id: UUID,
    expected_version: ExpectedVersion,
) -> User:
    """Sign somebody out everywhere."""
    return await users.end_user_sessions(session, user_id, expected_version)
