"""Authentication inside a session, before a user's own login data change (OWASP ASVS 7.5.1).

An access token alone, which can be stolen, therefore changes neither the password nor the second factor.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.passwords import get_valid_hash, verify_password
from app.errors import Fault, InvalidInput
from app.fault_codes import FaultCode
from app.kit.records import get_for_update
from app.models import User
from app.services.accounts import sign_in_throttle
from app.services.accounts.second_factor_codes import consume_second_factor_code
from app.services.accounts.sign_in_audit import SignInContext


async def reauthenticate(
    session: AsyncSession,
    context: SignInContext,
    caller: Caller,
    password: str,
    code: str | None,
    *,
    pointer: str = "/password",
) -> User:
    """Lock the caller's user and verify the password, and a code if a second factor is confirmed. Return the user.

    Raises:
        InvalidInput: the password or the code is wrong, or the code is missing.
        TooManyRequests: too many attempts failed.
    """
    user = await get_for_update(session, User, caller.id)
    has_second_factor = user.totp_confirmed_at is not None
    if has_second_factor and code is None:
        raise _build_error("/code", "otp_required", "Send the code of your second factor as `code`.")
    limit = sign_in_throttle.reauthentication_limit(caller.id)
    await sign_in_throttle.count_attempt(context.database, limit)
    current_hash = get_valid_hash(user.password_hash, user.initial_password_expires_at)
    is_correct, _ = await verify_password(password, current_hash)
    if not is_correct:
        raise _build_error(pointer, "wrong", "The password is wrong.")
    if has_second_factor and not await consume_second_factor_code(session, user, code or ""):
        raise _build_error("/code", "otp_wrong", "The code is wrong or was already used.")
    await sign_in_throttle.reset_attempts(context.database, limit)
    return user


def _build_error(pointer: str, code: FaultCode, detail: str) -> InvalidInput:
    return InvalidInput([Fault(pointer, code, detail)])
