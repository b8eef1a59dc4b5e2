"""Members of staff: who they are, what they may do, where they belong. Their passwords are their own."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.errors import AlreadyExists, Fault
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update, validate_document
from app.kit.state_machine import raise_if_unmet
from app.models import User
from app.models.record import new_id
from app.schemas.administration import (
    PasswordReset,
    UserCreate,
    UserFilters,
    UserSettings,
    UserWithPassword,
)
from app.schemas.administration import (
    User as UserSchema,
)
from app.schemas.sign_in import TeamMembership
from app.schemas.wire import Input, Page
from app.services.accounts import initial_passwords, second_factors, sessions, team_members


async def create_user(session: AsyncSession, appointing: UserCreate) -> UserWithPassword:
    """Add a member of staff; the password is made here, shown once, and only good to choose another.

    Raises:
        AlreadyExists: the e-mail address or the id is taken.
        InvalidInput: a team is not there.
    """
    password, stored = await initial_passwords.issue_initial_password()
    user = User(
        id=appointing.id or new_id(),
        email=appointing.email,
        name=appointing.name,
        roles=list(appointing.roles),
        password_hash=stored,
    )
    session.add(user)
    await session.flush()  # memberships refer to the user
    await team_members.replace_memberships(session, user.id, appointing.teams)
    return await _to_schema_with_password(session, user, password)


async def create_first_administrator(session: AsyncSession, email: str, name: str) -> tuple[User, str]:
    """Add the first administrator and return it with its one password, for the command line.

    Raises:
        AlreadyExists: there is an active administrator; that one can add others.
        InvalidInput: the e-mail address or the name cannot be one.
    """
    if await session.scalar(
        select(col(User.id)).where(col(User.is_active), _has_role(Role.administrator)).limit(1)
    ):
        raise AlreadyExists("There is an administrator already.")
    told = validate_document(UserCreate, {"email": email, "name": name, "roles": [Role.administrator.value]})
    appointed = await create_user(session, told)
    return await get_record(session, User, appointed.id), appointed.initial_password


async def list_users(session: AsyncSession, filters: UserFilters) -> Page[UserSchema]:
    """List the staff, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"})
    paging = Paginator("users", filters.limit, filters.cursor, wanted)
    query = select(User)
    if filters.role is not None:
        query = query.where(_has_role(filters.role))
    if filters.is_active is not None:
        query = query.where(col(User.is_active) == filters.is_active)
    rows, cursor = await paging.fetch_records(session, query, col(User.created_at), col(User.id))
    return Page(items=await _to_schemas(session, rows), next_cursor=cursor)


async def get_user(session: AsyncSession, user_id: UUID) -> UserSchema:
    """Read one member of staff."""
    return await _to_schema(session, await get_record(session, User, user_id))


async def update_user(
    session: AsyncSession, caller: Caller, user_id: UUID, expected_version: int, patch: Input
) -> UserSchema:
    """Change name, roles, teams, or whether somebody works here; all of it holds from the next request on.

    Raises:
        GateRefused: administrators neither take that role from themselves nor deactivate themselves, and put
            themselves into no other role and no team.
        InvalidInput: a team is not there, or the whole would be no user any more.
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    had = _current_settings(user, await team_members.list_memberships_by_user(session, [user.id]))
    wanted = apply_patch(UserSettings, had, patch)
    if user.id == caller.id:
        raise_if_unmet(_check_self_change(had, wanted))
    user.name, user.roles, user.is_active = wanted.name, list(wanted.roles), wanted.is_active
    if "teams" in patch.model_fields_set:
        await team_members.replace_memberships(session, user.id, wanted.teams)
    if not user.is_active:
        await sessions.revoke_sessions(session, user.id, "deactivated")
    await session.flush()  # a conflict must surface before the answer leaves
    return await _to_schema(session, user)


async def reset_user_password(
    session: AsyncSession, user_id: UUID, expected_version: int, reset: PasswordReset
) -> UserWithPassword:
    """Give somebody a new initial password, shown once; whatever was signed in with the old one ends.

    The second factor stays, unless the administrator says that it is lost (OWASP ASVS 6.4.3).
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    password, user.password_hash = await initial_passwords.issue_initial_password()
    if reset.remove_second_factor:
        second_factors.clear_second_factor(user)
    await sessions.revoke_sessions(session, user.id, "password_reset")
    await session.flush()  # a conflict must surface before the answer leaves
    return await _to_schema_with_password(session, user, password)


async def end_user_sessions(session: AsyncSession, user_id: UUID, expected_version: int) -> UserSchema:
    """Sign somebody out everywhere (OWASP ASVS 7.4.5)."""
    user = await get_version_for_update(session, User, user_id, expected_version)
    await sessions.revoke_sessions(session, user.id, "ended_by_administrator")
    await session.flush()  # a conflict must surface before the answer leaves
    return await _to_schema(session, user)


def _has_role(role: str) -> Any:
    return literal(str(role)) == any_(col(User.roles))


def _check_self_change(had: dict[str, Any], wanted: UserSettings) -> list[Fault]:
    unmet = []
    if not set(wanted.roles) <= set(had["roles"]):
        unmet.append(Fault("/roles", "own_role", "Another administrator has to give you a role."))
    if any(place.model_dump(mode="json") not in had["teams"] for place in wanted.teams):
        unmet.append(Fault("/teams", "own_team", "Another administrator has to put you into a team."))
    if Role.administrator not in wanted.roles:
        unmet.append(Fault("/roles", "own_role", "Another administrator has to take this role from you."))
    if not wanted.is_active:
        unmet.append(Fault("/is_active", "own_account", "Another administrator has to deactivate you."))
    return unmet


def _current_settings(user: User, teams: Mapping[UUID, Sequence[TeamMembership]]) -> dict[str, Any]:
    places = [place.model_dump(mode="json", exclude={"team_name"}) for place in teams[user.id]]
    return {"name": user.name, "roles": user.roles, "is_active": user.is_active, "teams": places}


async def _to_schema(session: AsyncSession, user: User) -> UserSchema:
    return (await _to_schemas(session, [user]))[0]


async def _to_schema_with_password(session: AsyncSession, user: User, password: str) -> UserWithPassword:
    shown = await _to_schema(session, user)
    return UserWithPassword(**shown.model_dump(), initial_password=password)


async def _to_schemas(session: AsyncSession, users: Sequence[User]) -> list[UserSchema]:
    teams = await team_members.list_memberships_by_user(session, [user.id for user in users])
    return [
        UserSchema(
            id=user.id,
            version=user.version,
            email=user.email,
            name=user.name,
            roles=user.roles,
            teams=teams[user.id],
            is_active=user.is_active,
            mfa_enrolled=user.totp_confirmed_at is not None,
            created_at=user.created_at,
        )
        for user in users
    ]
