"""Users: members of staff with their roles and teams, managed by administrators."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.confirmed_roles import CONFIRMED_ROLES
from app.access.passwords import generate_one_time_code, hash_password
from app.access.permissions import Role
from app.access.reader import RecordReader, session_reader
from app.access.session_records import record_function_changes, record_function_insert
from app.errors import Fault, InvalidInput
from app.kit.list_query import ListQuery
from app.kit.pending_changes import (
    call_function,
    get_pending_payload,
    request_change,
    select_pending_changes,
    to_pending_changes,
    withdraw_pending_changes,
)
from app.kit.records import apply_patch, get_version_for_update
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import PendingChange, User
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
from app.schemas.handover import UserWithRemainingWork
from app.schemas.sign_in import StaffRole
from app.schemas.wire import Input
from app.services.accounts import sessions, team_members
from app.services.accounts.account_changes import (
    PASSWORD_RESET,
    REACTIVATION,
    RIGHTS,
    check_role_combination,
    request_rights,
)
from app.services.accounts.remaining_work import count_remaining_work
from app.services.accounts.staff import FILTERS, SORTS, build_patterns
from app.text_folding import fold_email_address, fold_text

COLUMN_FIELDS = [name for name in UserSchema.model_fields if name in User.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "teams": row.teams or [],
        "mfa_enrolled": row.totp_confirmed_at is not None,
        "activation_required": row.activation_required,
        "pending_changes": to_pending_changes(row.pending_changes),
    }


USERS = Resource(
    ListQuery(
        "users",
        User,
        select(
            *(getattr(User, name) for name in COLUMN_FIELDS),
            col(User.totp_confirmed_at),
            team_members.MEMBERSHIPS.label("teams"),
            col(User.activation_digest).is_not(None).label("activation_required"),
            select_pending_changes(col(PendingChange.person_id) == col(User.id)).label("pending_changes"),
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

    Roles with access to children, money or accounts, and the supervision of teams, wait for the confirmation of a second
    person. Until then the user can sign in and set up the account.

    Raises:
        AlreadyExists: the email address or the id is taken.
        InvalidInput: a team does not exist, or the roles exclude each other.
    """
    _validate_role_combination(payload.roles)
    user_id, password = payload.id or new_id(), generate_one_time_code()
    roles = [role for role in payload.roles if role not in CONFIRMED_ROLES]
    call = func.access.insert_user(
        user_id,
        payload.email,
        fold_email_address(payload.email),
        payload.name,
        fold_text(payload.name),
        literal(roles, ARRAY(Text)),
        await hash_password(password),
    )
    await call_function(session, call)
    await record_function_insert(session, User, user_id)
    supervised = await team_members.replace_memberships(session, user_id, payload.teams)
    await request_rights(session, user_id, set(payload.roles).difference(roles), supervised)
    return await _load_schema_with_password(session, user_id, password)


async def find_user_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the user with an email address, or None. Letter case and Unicode form make no difference."""
    return await session.scalar(select(User).where(col(User.email_key) == fold_email_address(email)))


async def list_users(reader: RecordReader, caller: Caller, filters: UserFilters) -> UserList:
    """Return one page of the users, in the order of `sort`, or by name if the request has `q`."""
    return await USERS.list_page(reader, caller, filters, patterns=build_patterns(filters))


async def get_user(reader: RecordReader, user_id: UUID) -> UserSchema:
    """Return one user."""
    return await USERS.get(reader, user_id)


async def update_user(
    session: AsyncSession, caller: Caller, user_id: UUID, expected_version: int, patch: Input
) -> UserWithRemainingWork:
    """Update the name, roles, teams or activation of a user. The change applies to the user's next request.

    New rights, and the reactivation of a user who has them, wait for the confirmation of a second person. Everything else
    takes effect immediately.

    Raises:
        GateRefused: administrators add a role or a team to their own account, remove the role of administrator from it,
            or deactivate it.
        InvalidInput: a team does not exist, or the result is not a valid user.
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    document = await _load_settings_document(session, user)
    settings = apply_patch(UserSettings, document, patch)
    _validate_role_combination(settings.roles)
    if user.id == caller.id:
        raise_if_unmet(_check_own_changes(document, settings))
    await session.flush()  # the function changes the row too
    roles = [role for role in settings.roles if role in user.roles or role not in CONFIRMED_ROLES]
    needs_reactivation = settings.is_active and not user.is_active and not CONFIRMED_ROLES.isdisjoint(roles)
    is_active = settings.is_active and not needs_reactivation
    call = func.access.update_user(
        user.id, settings.name, fold_text(settings.name), literal(roles, ARRAY(Text)), is_active
    )
    async with record_function_changes(session, user):
        await call_function(session, call)
    await _update_rights(session, user.id, settings, set(settings.roles).difference(roles), patch)
    if needs_reactivation:
        await request_change(session, REACTIVATION.name, {}, person_id=user.id)
    elif "is_active" in patch.model_fields_set:
        await withdraw_pending_changes(session, REACTIVATION.name, user.id)
    if not is_active:
        await sessions.revoke_sessions(session, user.id, "deactivated")
    schema = await USERS.get(session_reader(session), user.id)
    return UserWithRemainingWork(
        **schema.model_dump(), remaining_work=await count_remaining_work(session, user.id)
    )


async def _update_rights(
    session: AsyncSession, user_id: UUID, settings: UserSettings, new_roles: set[StaffRole], patch: Input
) -> None:
    """Replace the teams, and request the roles and supervised teams that need a confirmation.

    For a part that the patch omits, an earlier request of the caller is kept.
    """
    fields = patch.model_fields_set & {"roles", "teams"}
    if not fields:
        return
    requested = await get_pending_payload(session, RIGHTS.name, user_id)
    supervised = set(requested.get("supervised_team_ids", ()))
    if "teams" in fields:
        supervised = await team_members.replace_memberships(session, user_id, settings.teams)
    roles = new_roles if "roles" in fields else set(requested.get("roles", ()))
    await request_rights(session, user_id, roles, supervised)


async def reset_user_password(
    session: AsyncSession, user_id: UUID, expected_version: int, payload: PasswordReset
) -> UserWithPassword:
    """Replace the password of a user by an initial one, which is shown once, and revoke the user's sessions.

    The second factor stays unless `remove_second_factor` is set, for a user who lost it (OWASP ASVS 6.4.3). If it is set, or
    the user has access to children, money or accounts, a second person must confirm the reset. Until then the previous
    password stays valid.
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    await session.flush()  # the function changes the row too
    password = generate_one_time_code()
    password_hash = await hash_password(password)
    removes_second_factor = payload.remove_second_factor and user.totp_confirmed_at is not None
    if removes_second_factor or not CONFIRMED_ROLES.isdisjoint(user.roles):
        content = {"password_hash": password_hash, "remove_second_factor": removes_second_factor}
        await request_change(session, PASSWORD_RESET.name, content, person_id=user.id)
    else:
        async with record_function_changes(session, user):
            await call_function(session, func.access.issue_initial_password(user.id, password_hash))
        await sessions.revoke_sessions(session, user.id, "password_reset")
    return await _load_schema_with_password(session, user.id, password)


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


def _validate_role_combination(roles: Collection[str]) -> None:
    if faults := check_role_combination(roles):
        raise InvalidInput(faults)


async def _load_settings_document(session: AsyncSession, user: User) -> dict[str, Any]:
    memberships = (await USERS.get(session_reader(session), user.id)).teams
    teams = [team.model_dump(mode="json", exclude={"team_name"}) for team in memberships]
    return {"name": user.name, "roles": user.roles, "is_active": user.is_active, "teams": teams}


async def _load_schema_with_password(session: AsyncSession, user_id: UUID, password: str) -> UserWithPassword:
    schema = await USERS.get(session_reader(session), user_id)
    return UserWithPassword(**schema.model_dump(), initial_password=password)
