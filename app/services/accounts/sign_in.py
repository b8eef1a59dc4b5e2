"""Sign-in of people. Attempts are throttled and logged, and wrong credentials always give the same response."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.acts import ActWithoutPermission
from app.access.passwords import get_valid_hash, verify_password
from app.database.errors import translate_database_errors
from app.errors import Fault, TooManyRequests, Unauthenticated
from app.fault_codes import FaultCode
from app.kit.records import get_for_update
from app.models import User
from app.schemas.sign_in import SignInCredentials
from app.services.accounts import refresh_tokens, sessions, sign_in_throttle
from app.services.accounts.second_factor_codes import consume_second_factor_code
from app.services.accounts.sessions import SessionTokens
from app.services.accounts.sign_in_audit import (
    SignInContext,
    record_authenticated_access,
    record_authentication_failure,
    record_throttled_attempt,
)
from app.services.accounts.sign_in_throttle import AttemptLimit
from app.services.accounts.users import find_user_by_email


@dataclass(frozen=True, slots=True)
class _VerifiedUser:
    """A user whose password is verified, with a new hash of the password if the stored hash has weaker parameters."""

    user: User
    new_hash: str | None


async def sign_in_user(
    context: SignInContext, payload: SignInCredentials, previous_cookie: str | None
) -> SessionTokens:
    """Sign in and begin a session. The session of the browser's previous refresh token ends (OWASP ASVS 7.2.4).

    Raises:
        Unauthenticated: the email address, password or code is wrong, or the code is missing.
        TooManyRequests: too many attempts failed.
    """
    network = sign_in_throttle.network_limit(context.network)
    account = sign_in_throttle.account_limit(payload.email, context.network)
    await _count_attempt(context, account, network)
    verified = await _authenticate_by_password(context, payload)
    if verified.user.totp_confirmed_at is not None:
        await _require_code(context, verified.user, payload.otp, account, network)
    tokens = await _complete_sign_in(context, verified, payload.otp, previous_cookie)
    codes = sign_in_throttle.second_factor_limit(verified.user.id)
    await sign_in_throttle.reset_attempts(context.database, account, codes)
    await sign_in_throttle.undo_attempt(context.database, network)
    return tokens


async def _count_attempt(context: SignInContext, *limits: AttemptLimit) -> None:
    try:
        await sign_in_throttle.count_attempt(context.database, *limits)
    except TooManyRequests:
        await record_throttled_attempt(context, ActWithoutPermission.account_sign_in)
        raise


async def _authenticate_by_password(context: SignInContext, payload: SignInCredentials) -> _VerifiedUser:
    """Return the user with this email address and password.

    An unknown address, a wrong password and a deactivated user give the same error after the same time.
    """
    with translate_database_errors():
        async with context.database.session_factory() as session:
            user = await find_user_by_email(session, payload.email)
    stored_hash = None
    if user is not None and user.is_active:
        stored_hash = get_valid_hash(user.password_hash, user.initial_password_expires_at)
    is_correct, new_hash = await verify_password(payload.password, stored_hash)
    if not is_correct or user is None:
        await record_authentication_failure(
            context, ActWithoutPermission.account_sign_in, "person", user.id if user else None
        )
        raise _wrong_credentials_error()
    return _VerifiedUser(user, new_hash)


async def _require_code(
    context: SignInContext, user: User, otp: str | None, account: AttemptLimit, network: AttemptLimit
) -> None:
    """Require a code of the second factor, and count it as an attempt.

    A request without a code is not counted as a failed attempt, because its password is correct.
    """
    if otp is not None:
        await _count_attempt(context, sign_in_throttle.second_factor_limit(user.id))
        return
    await sign_in_throttle.undo_attempt(context.database, account, network)
    await record_authentication_failure(context, ActWithoutPermission.account_sign_in, "person", user.id)
    raise _code_error("otp_required", "Send the code of your second factor as `otp`.")


async def _complete_sign_in(
    context: SignInContext, verified: _VerifiedUser, otp: str | None, previous_cookie: str | None
) -> SessionTokens:
    """Consume the code and store the session in one transaction, write the access log, then issue the tokens."""
    with translate_database_errors():
        async with context.database.session_factory() as session:
            # The lock makes concurrent sign-ins with the same code wait, so that the code is accepted once.
            user = await get_for_update(session, User, verified.user.id)
            is_unchanged = _is_unchanged(user, verified.user)
            is_accepted = is_unchanged and await _verify_code(session, user, otp)
            if is_accepted:
                tokens = await _begin_session(session, context, user, previous_cookie)
            await session.commit()
    if not is_accepted:
        await record_authentication_failure(context, ActWithoutPermission.account_sign_in, "person", user.id)
        if not is_unchanged:
            raise _wrong_credentials_error()
        raise _code_error("otp_wrong", "The code is wrong or was already used.")
    await record_authenticated_access(
        context,
        ActWithoutPermission.account_sign_in,
        "person",
        user.id,
        tokens.session_id,
        change=None if verified.new_hash is None else func.access.rehash_own_password(verified.new_hash),
    )
    return tokens


async def _begin_session(
    session: AsyncSession,
    context: SignInContext,
    user: User,
    previous_cookie: str | None,
) -> SessionTokens:
    await refresh_tokens.revoke_session_of_refresh_token(session, previous_cookie, "replaced")
    return await sessions.begin_user_session(session, context, user)


def _is_unchanged(user: User, verified_user: User) -> bool:
    """Return whether the user is still active and has the password that was verified."""
    return user.is_active and user.password_hash == verified_user.password_hash


async def _verify_code(session: AsyncSession, user: User, otp: str | None) -> bool:
    if user.totp_confirmed_at is None:
        return True
    return otp is not None and await consume_second_factor_code(session, user, otp)


def _wrong_credentials_error() -> Unauthenticated:
    return Unauthenticated("The email address or the password is wrong.")


def _code_error(code: FaultCode, detail: str) -> Unauthenticated:
    error = Unauthenticated(detail)
    error.faults = (Fault("/otp", code, detail),)
    return error
