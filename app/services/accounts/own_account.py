"""One's own account: who I am here, and my password."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.passwords import check_password_strength, hash_password, verify_password
from app.access.permissions import Permission, has_permission
from app.config import get_settings
from app.errors import Fault, InvalidInput
from app.kit.records import get_record
from app.models import User
from app.schemas.sign_in import Me, PasswordChange
from app.services.accounts import initial_passwords, second_factors, sessions, team_members
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sign_in_audit import SignInContext


async def get_me(session: AsyncSession, caller: Caller) -> Me:
    """Say who is asking, and what they may do."""
    user = await get_record(session, User, caller.id)
    teams = await team_members.list_memberships_by_user(session, [user.id])
    return Me(
        id=user.id,
        version=user.version,
        email=user.email,
        name=user.name,
        roles=sorted(caller.roles),
        teams=teams[user.id],
        mfa_enrolled=user.totp_confirmed_at is not None,
        mfa_required=sessions.needs_second_factor(user),
        permissions=sorted(
            permission.value for permission in Permission if has_permission(caller.roles, permission)
        ),
    )


async def change_password(
    session: AsyncSession, visit: SignInContext, caller: Caller, change: PasswordChange
) -> None:
    """Choose another password; every other sign-in of the person ends (OWASP ASVS 7.4.3).

    Raises:
        InvalidInput: the present password is wrong, or the new one is weak.
        TooManyRequests: the present password was wrong too often.
    """
    limit = sign_in_attempts.reauthentication_limit(caller.id)
    await sign_in_attempts.count_attempt(visit.database, limit)
    user = await second_factors.get_user_for_update(session, caller.id)
    present = initial_passwords.parse_stored_password(user.password_hash).password_hash
    right, _ = await verify_password(change.current_password, present)
    if not right:
        raise InvalidInput([Fault("/current_password", "wrong", "This is not your present password.")])
    await sign_in_attempts.reset_attempts(visit.database, limit)
    _validate_new_password(user, change)
    user.password_hash = await hash_password(change.new_password)
    await sessions.revoke_sessions(session, user.id, "password_changed", except_session_id=caller.session_id)


def _validate_new_password(user: User, change: PasswordChange) -> None:
    words = (user.email, user.name, *user.name.split())
    longer_list = get_settings().breached_passwords_file
    faults = check_password_strength(
        change.new_password, *words, pointer="/new_password", breached_file=longer_list
    )
    if change.new_password == change.current_password:
        faults.append(Fault("/new_password", "unchanged", "This is the password you have."))
    if faults:
        raise InvalidInput(faults)
