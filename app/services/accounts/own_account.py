"""The caller's own account: roles, teams, permissions and password."""

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.password_strength import check_password_strength
from app.access.passwords import hash_password, hash_secret
from app.access.permissions import Permission
from app.access.reader import ReadQuery, RecordReader
from app.access.session_records import record_change, record_function_changes
from app.config import get_settings
from app.errors import Fault, InvalidInput
from app.kit.pending_changes import call_function
from app.models import User
from app.schemas.sign_in import AccountActivation, Me, PasswordChange
from app.services.accounts import sessions, sign_in_throttle
from app.services.accounts.reauthentication import reauthenticate
from app.services.accounts.sign_in_audit import SignInContext
from app.services.accounts.team_members import MEMBERSHIPS
from app.text_folding import fold_text

ME_QUERY = ReadQuery(
    select(
        *(getattr(User, name) for name in ("id", "version", "email", "name", "roles", "totp_confirmed_at")),
        col(User.activation_digest).is_not(None).label("activation_required"),
        MEMBERSHIPS.label("teams"),
    ).where(col(User.id) == bindparam("user_id"))
)


async def get_me(reader: RecordReader, caller: Caller) -> Me:
    """Return the caller's account with its teams and permissions."""
    user = await reader.fetch_required(ME_QUERY, user_id=caller.id)
    permissions = (permission.value for permission in Permission if caller.has_permission(permission))
    return Me(
        id=user.id,
        version=user.version,
        email=user.email,
        name=user.name,
        roles=sorted(caller.roles),
        teams=user.teams or [],
        mfa_enrolled=user.totp_confirmed_at is not None,
        mfa_required=get_settings().is_mfa_required,
        activation_required=user.activation_required,
        permissions=sorted(permissions),
    )


async def change_password(
    session: AsyncSession, context: SignInContext, caller: Caller, payload: PasswordChange
) -> None:
    """Change the caller's password. Every other session of the caller ends (OWASP ASVS 7.4.3).

    Raises:
        InvalidInput: the current password or the code is wrong, or the new password is too weak.
        TooManyRequests: too many attempts failed.
    """
    user = await reauthenticate(
        session, context, caller, payload.current_password, payload.code, pointer="/current_password"
    )
    _validate_new_password(user, payload)
    password_hash = await hash_password(payload.new_password)
    async with record_function_changes(session, user):
        await call_function(session, func.access.change_own_password(password_hash))
    await sessions.revoke_sessions(session, user.id, "password_changed", except_session_id=caller.session_id)


async def activate_account(
    session: AsyncSession, context: SignInContext, caller: Caller, payload: AccountActivation
) -> None:
    """Make the confirmed roles of the caller effective.

    Raises:
        InvalidInput: the code is wrong or has expired.
        TooManyRequests: too many codes were wrong.
    """
    limit = sign_in_throttle.reauthentication_limit(caller.id)
    await sign_in_throttle.count_attempt(context.database, limit)
    digest = hash_secret(fold_text(payload.code))
    if not await call_function(session, func.access.activate_account(digest)):
        raise InvalidInput([Fault("/code", "code_wrong", "The activation code is wrong or has expired.")])
    record_change(session, "user", caller.id, {"activation_required": (True, False)})
    await sign_in_throttle.reset_attempts(context.database, limit)


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
