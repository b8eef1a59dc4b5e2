"""The caller's own account: roles, teams, permissions and password."""

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.password_strength import check_password_strength
from app.access.passwords import hash_password, parse_stored_password, verify_password
from app.access.permissions import Permission, has_permission
from app.access.reader import ReadQuery, RecordReader
from app.config import get_settings
from app.errors import Fault, InvalidInput
from app.kit.records import get_for_update
from app.models import User
from app.schemas.sign_in import Me, PasswordChange
from app.services.accounts import sessions, sign_in_throttle
from app.services.accounts.sign_in_audit import SignInContext
from app.services.accounts.team_members import MEMBERSHIPS

ME_QUERY = ReadQuery(
    select(
        *(getattr(User, name) for name in ("id", "version", "email", "name", "roles", "totp_confirmed_at")),
        MEMBERSHIPS.label("teams"),
    ).where(col(User.id) == bindparam("user_id"))
)


async def get_me(reader: RecordReader, caller: Caller) -> Me:
    """Return the caller's account with its teams and permissions."""
    user = await reader.fetch_required(ME_QUERY, user_id=caller.id)
    permissions = (permission.value for permission in Permission if has_permission(caller.roles, permission))
    return Me(
        id=user.id,
        version=user.version,
        email=user.email,
        name=user.name,
        roles=sorted(caller.roles),
        teams=user.teams or [],
        mfa_enrolled=user.totp_confirmed_at is not None,
        mfa_required=sessions.needs_second_factor(user.roles),
        permissions=sorted(permissions),
    )


async def change_password(
    session: AsyncSession, context: SignInContext, caller: Caller, payload: PasswordChange
) -> None:
    """Change the caller's password. Every other session of the caller ends (OWASP ASVS 7.4.3).

    Raises:
        InvalidInput: the current password is wrong, or the new one is too weak.
        TooManyRequests: the current password was wrong too often.
    """
    limit = sign_in_throttle.reauthentication_limit(caller.id)
    await sign_in_throttle.count_attempt(context.database, limit)
    user = await get_for_update(session, User, caller.id)
    current_hash = parse_stored_password(user.password_hash).password_hash
    is_correct, _ = await verify_password(payload.current_password, current_hash)
    if not is_correct:
        raise InvalidInput([Fault("/current_password", "wrong", "The current password is wrong.")])
    await sign_in_throttle.reset_attempts(context.database, limit)
    _validate_new_password(user, payload)
    user.password_hash = await hash_password(payload.new_password)
    await sessions.revoke_sessions(session, user.id, "password_changed", except_session_id=caller.session_id)


def _validate_new_password(user: User, payload: PasswordChange) -> None:
    forbidden_words = (user.email, user.name, *user.name.split())
    faults = check_password_strength(
        payload.new_password,
        *forbidden_words,
        pointer="/new_password",
        breached_file=get_settings().breached_passwords_file,
    )
    if payload.new_password == payload.current_password:
        detail = "The new password must differ from the current one."
        faults.append(Fault("/new_password", "unchanged", detail))
    if faults:
        raise InvalidInput(faults)
