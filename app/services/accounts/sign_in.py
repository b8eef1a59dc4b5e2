"""People sign in: slowed down when they guess, the same answer for everything that is wrong, always in the log."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.passwords import verify_password
from app.database.errors import translated
from app.errors import Fault, TooManyRequests, Unauthenticated
from app.models import SignIn, User
from app.schemas.sign_in import SignInIn
from app.services.accounts import initial_passwords, second_factors, sessions
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sessions import Tokens
from app.services.accounts.sign_in_audit import Visit, let_in, slow_down, turn_away

ACT = "account.sign_in"


@dataclass(frozen=True, slots=True)
class _Known:
    """A person whose password was right, and the hash to store where theirs is weaker than today's."""

    user: User
    new_hash: str | None


async def sign_in(visit: Visit, said: SignInIn, earlier_cookie: str | None) -> Tokens:
    """Sign a person in; the sign-in whose refresh token the browser still holds ends (OWASP ASVS 7.2.4).

    Raises:
        Unauthenticated: e-mail or password is wrong, or nobody's; or a code is needed, or wrong.
        TooManyRequests: too many attempts failed.
    """
    network = sign_in_attempts.of_network(visit.network)
    account = sign_in_attempts.of_account(said.email, visit.network)
    await _begin(visit, account, network)
    known = await _with_password(visit, said)
    if known.user.totp_confirmed_at is not None:
        await _expect_code(visit, known.user, said.otp, account, network)
    tokens = await _signed_in(visit, known, said.otp, earlier_cookie)
    await sign_in_attempts.forget(visit.database, account, sign_in_attempts.of_codes(known.user.id))
    await sign_in_attempts.excuse(visit.database, network)
    return tokens


async def _begin(visit: Visit, *limits: sign_in_attempts.Limit) -> None:
    try:
        await sign_in_attempts.begin(visit.database, *limits)
    except TooManyRequests:
        await slow_down(visit, ACT)
        raise


async def _with_password(visit: Visit, said: SignInIn) -> _Known:
    """Return whose e-mail and password these are. Unknown, wrong and deactivated cost and answer the same."""
    with translated():
        async with visit.database.sessions() as session:
            found = await session.scalar(select(User).where(func.lower(User.email) == func.lower(said.email)))
    stored = initial_passwords.read(found.password_hash if found and found.is_active else None)
    right, new_hash = await verify_password(said.password, stored.password_hash)
    if not right or found is None:
        await turn_away(visit, ACT, "person", found.id if found else None)
        raise _wrong()
    return _Known(found, None if stored.is_initial else new_hash)


async def _expect_code(
    visit: Visit,
    user: User,
    otp: str | None,
    account: sign_in_attempts.Limit,
    network: sign_in_attempts.Limit,
) -> None:
    """Ask for a code where none came: no guess was made. Where one came, it counts against the person's codes."""
    if otp is not None:
        await _begin(visit, sign_in_attempts.of_codes(user.id))
        return
    await sign_in_attempts.excuse(visit.database, account, network)
    await turn_away(visit, ACT, "person", user.id)
    raise _code_fault("otp_required", "Send the code of your second factor as `otp`.")


async def _signed_in(visit: Visit, known: _Known, otp: str | None, earlier_cookie: str | None) -> Tokens:
    """Use the code up and begin the session, in one transaction; then log it, and only then hand tokens out."""
    with translated():
        async with visit.database.sessions() as session:
            user = await second_factors.locked(session, known.user.id)
            proven = _still_as_proven(user, known.user)
            accepted = proven and _code_accepted(user, otp)
            if accepted:
                record, secret = await _begun(session, visit, user, known.new_hash, earlier_cookie)
            await session.commit()
    if not accepted:
        await turn_away(visit, ACT, "person", user.id)
        raise _code_fault("otp_wrong", "This code is wrong, or was used before.") if proven else _wrong()
    await let_in(visit, ACT, "person", user.id, record.id)
    return sessions.tokens_for(user, record, secret)


async def _begun(
    session: AsyncSession, visit: Visit, user: User, new_hash: str | None, cookie: str | None
) -> tuple[SignIn, str]:
    await sessions.end_presented(session, cookie, "replaced")
    user.password_hash = new_hash or user.password_hash
    record, secret = sessions.begin(visit, user)
    session.add(record)
    return record, secret


def _still_as_proven(user: User, seen: User) -> bool:
    """Whether nothing the proof rests on was changed while the password was being checked."""
    return user.is_active and user.password_hash == seen.password_hash


def _code_accepted(user: User, otp: str | None) -> bool:
    if user.totp_confirmed_at is None:
        return True
    return otp is not None and second_factors.accepts(user, otp)


def _wrong() -> Unauthenticated:
    return Unauthenticated("E-mail or password is wrong.")


def _code_fault(code: str, detail: str) -> Unauthenticated:
    error = Unauthenticated(detail)
    error.faults = (Fault("/otp", code, detail),)
    return error
