"""People sign in: slowed down when they guess, the same answer for everything that is wrong, always in the log."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.passwords import verify_password
from app.database.errors import translate_database_errors
from app.errors import Fault, TooManyRequests, Unauthenticated
from app.models import AuthSession, User
from app.schemas.sign_in import SignInCredentials
from app.services.accounts import initial_passwords, refresh_tokens, second_factors, sessions
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sessions import SessionTokens
from app.services.accounts.sign_in_audit import (
    SignInContext,
    record_authenticated_access,
    record_authentication_failure,
    record_throttled_attempt,
)

SIGN_IN_ACTION = "account.sign_in"


@dataclass(frozen=True, slots=True)
class _VerifiedUser:
    """A person whose password was right, and the hash to store where theirs is weaker than today's."""

    user: User
    new_hash: str | None


async def sign_in(visit: SignInContext, said: SignInCredentials, earlier_cookie: str | None) -> SessionTokens:
    """Sign a person in; the sign-in whose refresh token the browser still holds ends (OWASP ASVS 7.2.4).

    Raises:
        Unauthenticated: e-mail or password is wrong, or nobody's; or a code is needed, or wrong.
        TooManyRequests: too many attempts failed.
    """
    network = sign_in_attempts.network_limit(visit.network)
    account = sign_in_attempts.account_limit(said.email, visit.network)
    await _count_attempt(visit, account, network)
    known = await _authenticate_by_password(visit, said)
    if known.user.totp_confirmed_at is not None:
        await _require_code(visit, known.user, said.otp, account, network)
    tokens = await _complete_sign_in(visit, known, said.otp, earlier_cookie)
    await sign_in_attempts.reset_attempts(
        visit.database, account, sign_in_attempts.second_factor_limit(known.user.id)
    )
    await sign_in_attempts.undo_attempt(visit.database, network)
    return tokens


async def _count_attempt(visit: SignInContext, *limits: sign_in_attempts.AttemptLimit) -> None:
    try:
        await sign_in_attempts.count_attempt(visit.database, *limits)
    except TooManyRequests:
        await record_throttled_attempt(visit, SIGN_IN_ACTION)
        raise


async def _authenticate_by_password(visit: SignInContext, said: SignInCredentials) -> _VerifiedUser:
    """Return whose e-mail and password these are. Unknown, wrong and deactivated cost and answer the same."""
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            found = await session.scalar(select(User).where(func.lower(User.email) == func.lower(said.email)))
    stored = initial_passwords.parse_stored_password(
        found.password_hash if found and found.is_active else None
    )
    right, new_hash = await verify_password(said.password, stored.password_hash)
    if not right or found is None:
        await record_authentication_failure(visit, SIGN_IN_ACTION, "person", found.id if found else None)
        raise _wrong_credentials_error()
    return _VerifiedUser(found, None if stored.is_initial else new_hash)


async def _require_code(
    visit: SignInContext,
    user: User,
    otp: str | None,
    account: sign_in_attempts.AttemptLimit,
    network: sign_in_attempts.AttemptLimit,
) -> None:
    """Ask for a code where none came: no guess was made. Where one came, it counts against the person's codes."""
    if otp is not None:
        await _count_attempt(visit, sign_in_attempts.second_factor_limit(user.id))
        return
    await sign_in_attempts.undo_attempt(visit.database, account, network)
    await record_authentication_failure(visit, SIGN_IN_ACTION, "person", user.id)
    raise _code_error("otp_required", "Send the code of your second factor as `otp`.")


async def _complete_sign_in(
    visit: SignInContext, known: _VerifiedUser, otp: str | None, earlier_cookie: str | None
) -> SessionTokens:
    """Use the code up and begin the session, in one transaction; then log it, and only then hand tokens out."""
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            user = await second_factors.get_user_for_update(session, known.user.id)
            proven = _is_unchanged(user, known.user)
            accepted = proven and _verify_code(user, otp)
            if accepted:
                record, secret = await _create_session(session, visit, user, known.new_hash, earlier_cookie)
            await session.commit()
    if not accepted:
        await record_authentication_failure(visit, SIGN_IN_ACTION, "person", user.id)
        raise (
            _code_error("otp_wrong", "This code is wrong, or was used before.")
            if proven
            else _wrong_credentials_error()
        )
    await record_authenticated_access(visit, SIGN_IN_ACTION, "person", user.id, record.id)
    return sessions.issue_session_tokens(user, record, secret)


async def _create_session(
    session: AsyncSession, visit: SignInContext, user: User, new_hash: str | None, cookie: str | None
) -> tuple[AuthSession, str]:
    await refresh_tokens.revoke_session_of_refresh_token(session, cookie, "replaced")
    user.password_hash = new_hash or user.password_hash
    record, secret = sessions.create_user_session(visit, user)
    session.add(record)
    return record, secret


def _is_unchanged(user: User, seen: User) -> bool:
    """Whether nothing the proof rests on was changed while the password was being checked."""
    return user.is_active and user.password_hash == seen.password_hash


def _verify_code(user: User, otp: str | None) -> bool:
    if user.totp_confirmed_at is None:
        return True
    return otp is not None and second_factors.consume_second_factor_code(user, otp)


def _wrong_credentials_error() -> Unauthenticated:
    return Unauthenticated("E-mail or password is wrong.")


def _code_error(code: str, detail: str) -> Unauthenticated:
    error = Unauthenticated(detail)
    error.faults = (Fault("/otp", code, detail),)
    return error
