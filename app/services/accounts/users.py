"""Users: members of staff with their roles and teams, managed by administrators."""

from typing import Any
from uuid import UUID

from sqlalchemy import any_, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.passwords import issue_initial_password
from app.access.permissions import Role
from app.access.reader import RecordReader, session_reader
from app.errors import AlreadyExists, Fault
from app.kit.list_query import ListQuery
from app.kit.records import apply_patch, get_record, get_version_for_update, validate_document
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import User
from app.models.record import new_id
from app.schemas.administration import (
    PasswordReset,
    UserCreate,
    UserFilters,
    UserList,
    UserSettings,
    UserWithPassword,
)
from app.schemas.administration import User as UserSchema
from app.schemas.wire import Input
from app.services.accounts import second_factors, sessions, team_members
from app.services.accounts.staff import FILTERS, SORTS, build_patterns

COLUMN_FIELDS = [name for name in UserSchema.model_fields if name in User.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "teams": row.teams or [],
        "mfa_enrolled": row.totp_confirmed_at is not None,
    }


USERS = Resource(
    ListQuery(
        "users",
        User,
        select(
            *(getattr(User, name) for name in COLUMN_FIELDS),
            col(User.totp_confirmed_at),
            team_members.MEMBERSHIPS.label("teams"),
        ),
        filters=FILTERS,
        sorts=SORTS,
    ),
    UserSchema,
    UserList,
    _row_to_fields,
)


async def create_user(session: AsyncSession, payload: UserCreate) -> UserWithPassword:
    """Create a user with an initial password, which is shown once.

    Raises:
        AlreadyExists: the email address or the id is taken.
        InvalidInput: a team does not exist.
    """
    password, stored_password = await issue_initial_password()
    user = User(
        id=payload.id or new_id(),
        email=payload.email,
        name=payload.name,
        roles=list(payload.roles),
        password_hash=stored_password,
    )
    session.add(user)
    await session.flush()  # the memberships reference the user
    await team_members.replace_memberships(session, user.id, payload.teams)
    return await _load_schema_with_password(session, user, password)


async def create_first_administrator(session: AsyncSession, email: str, name: str) -> tuple[User, str]:
    """Create the first administrator from the command line and return it with its initial password.

    Raises:
        AlreadyExists: an active administrator exists, who can create further users.
        InvalidInput: the email address or the name is not valid.
    """
    active_administrator = select(col(User.id)).where(
        col(User.is_active), literal(Role.administrator.value) == any_(col(User.roles))
    )
    if await session.scalar(active_administrator.limit(1)):
        raise AlreadyExists("An active administrator exists already.")
    document = {"email": email, "name": name, "roles": [Role.administrator.value]}
    created = await create_user(session, validate_document(UserCreate, document))
    return await get_record(session, User, created.id), created.initial_password


async def list_users(reader: RecordReader, caller: Caller, filters: UserFilters) -> UserList:
    """Return one page of the users, in the order of `sort`, or by name if the request has `q`."""
    return await USERS.list_page(reader, caller, filters, patterns=build_patterns(filters))


async def get_user(reader: RecordReader, user_id: UUID) -> UserSchema:
    """Return one user."""
    return await USERS.get(reader, user_id)


async def update_user(
    session: AsyncSession, caller: Caller, user_id: UUID, expected_version: int, patch: Input
) -> UserSchema:
    """Update the name, roles, teams or activation of a user. The change applies to the user's next request.

    Raises:
        GateRefused: administrators add a role or a team to their own account, remove the role of administrator from it,
            or deactivate it.
        InvalidInput: a team does not exist, or the result is not a valid user.
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    document = await _load_settings_document(session, user)
    settings = apply_patch(UserSettings, document, patch)
    if user.id == caller.id:
        raise_if_unmet(_check_own_changes(document, settings))
    user.name, user.roles, user.is_active = settings.name, list(settings.roles), settings.is_active
    if "teams" in patch.model_fields_set:
        await team_members.replace_memberships(session, user.id, settings.teams)
    if not user.is_active:
        await sessions.revoke_sessions(session, user.id, "deactivated")
    return await USERS.save(session, user)


async def reset_user_password(
    session: AsyncSession, user_id: UUID, expected_version: int, payload: PasswordReset
) -> UserWithPassword:
    """Replace the password of a user by an initial one, which is shown once, and revoke the user's sessions.

    The second factor stays unless `remove_second_factor` is set, for a user who lost it (OWASP ASVS 6.4.3).
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    password, user.password_hash = await issue_initial_password()
    if payload.remove_second_factor:
        second_factors.clear_second_factor(user)
    await sessions.revoke_sessions(session, user.id, "password_reset")
    await session.flush()
    return await _load_schema_with_password(session, user, password)


async def end_user_sessions(session: AsyncSession, user_id: UUID, expected_version: int) -> UserSchema:
    """Revoke every session of a user (OWASP ASVS 7.4.5)."""
    user = await get_version_for_update(session, User, user_id, expected_version)
    await sessions.revoke_sessions(session, user.id, "ended_by_administrator")
    return await USERS.save(session, user)


def _check_own_changes(current: dict[str, Any], settings: UserSettings) -> list[Fault]:
    """Return the changes that an administrator must not make to their own account."""
    unmet = []
    if not set(settings.roles) <= set(current["roles"]):
        unmet.append(Fault("/roles", "own_role", "Another administrator must add a role to your account."))
    if any(team.model_dump(mode="json") not in current["teams"] for team in settings.teams):
        unmet.append(Fault("/teams", "own_team", "Another administrator must add a team to your account."))
    if Role.administrator not in settings.roles:
        detail = "Another administrator must remove the role of administrator from your account."
        unmet.append(Fault("/roles", "own_role", detail))
    if not settings.is_active:
        unmet.append(
            Fault("/is_active", "own_account", "Another administrator must deactivate your account.")
        )
    return unmet


async def _load_settings_document(session: AsyncSession, user: User) -> dict[str, Any]:
    memberships = (await USERS.get(session_reader(session), user.id)).teams
    teams = [team.model_dump(mode="json", exclude={"team_name"}) for team in memberships]
    return {"name": user.name, "roles": user.roles, "is_active": user.is_active, "teams": teams}


async def _load_schema_with_password(session: AsyncSession, user: User, password: str) -> UserWithPassword:
    schema = await USERS.get(session_reader(session), user.id)
    return UserWithPassword(**schema.model_dump(), initial_password=password)
