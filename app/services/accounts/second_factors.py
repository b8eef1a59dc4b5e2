"""The second factor of a person: set up, used, removed. The secret and the recovery codes are kept sealed."""

import time
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.passwords import verify_password
from app.access.second_factor import (
    build_provisioning_uri,
    find_recovery_code_hash,
    generate_recovery_codes,
    generate_totp_secret,
    hash_recovery_code,
    match_totp_step,
)
from app.access.vault import decrypt, encrypt
from app.errors import Conflict, Fault, InvalidInput, NotFound
from app.models import User
from app.models.record import utc_now
from app.schemas.sign_in import RecoveryCodes, TotpConfirmation, TotpEnrolment, TotpRemoval
from app.services.accounts import initial_passwords, sessions
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sign_in_audit import SignInContext

TOTP_COLUMN = "totp_sealed"


async def get_user_for_update(session: AsyncSession, user_id: Any) -> User:
    """Return a person, locked: of two uses of one code at once, one finds it used.

    Raises:
        NotFound: there is none.
    """
    query = select(User).where(col(User.id) == user_id).with_for_update(key_share=True)
    found = await session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


async def enroll_second_factor(session: AsyncSession, caller: Caller) -> TotpEnrolment:
    """Begin: make a secret, to be confirmed with its first code. Doing it again makes another.

    Raises:
        Conflict: a second factor is confirmed already.
    """
    user = await get_user_for_update(session, caller.id)
    if user.totp_confirmed_at is not None:
        raise Conflict("A second factor is set up already: remove it first.")
    secret = generate_totp_secret()
    user.totp_last_step = None
    encrypt(user, TOTP_COLUMN, {"secret": secret, "recovery": []})
    return TotpEnrolment(
        secret=secret, provisioning_uri=build_provisioning_uri(user.email, secret), confirmed=False
    )


async def confirm_second_factor(
    session: AsyncSession, caller: Caller, payload: TotpConfirmation
) -> RecoveryCodes:
    """Confirm a second factor by its first code; every other sign-in of the person ends.

    Raises:
        Conflict: none was begun, or it is confirmed already.
        InvalidInput: the code is not the present one.
    """
    user = await get_user_for_update(session, caller.id)
    if user.totp_encrypted is None or user.totp_confirmed_at is not None:
        raise Conflict("There is no second factor to confirm: begin with POST /v1/me/mfa/totp.")
    kept, codes = decrypt(user, TOTP_COLUMN), generate_recovery_codes()
    step = match_totp_step(kept["secret"], payload.code, after_step=None, now=time.time())
    if step is None:
        raise InvalidInput(
            [Fault("/code", "code_wrong", "This is not the present code; is the clock right?")]
        )
    user.totp_last_step, user.totp_confirmed_at = step, utc_now()
    encrypt(user, TOTP_COLUMN, {**kept, "recovery": [hash_recovery_code(code).hex() for code in codes]})
    await sessions.revoke_sessions(
        session, user.id, "second_factor_added", except_session_id=caller.session_id
    )
    return RecoveryCodes(recovery_codes=codes)


async def remove_second_factor(
    session: AsyncSession, visit: SignInContext, caller: Caller, proof: TotpRemoval
) -> None:
    """Remove the second factor of the person who proves to be that person; every other sign-in ends.

    Raises:
        NotFound: there is none.
        InvalidInput: the password or the code is wrong.
        TooManyRequests: too many were wrong.
    """
    limit = sign_in_attempts.reauthentication_limit(caller.id)
    await sign_in_attempts.count_attempt(visit.database, limit)
    user = await get_user_for_update(session, caller.id)
    if user.totp_confirmed_at is None:
        await sign_in_attempts.undo_attempt(visit.database, limit)
        raise NotFound("There is no second factor.")
    if not await _verify_proof(user, proof):
        pointer = "/password" if proof.code is None else "/code"
        raise InvalidInput([Fault(pointer, "proof_wrong", "This is not right.")])
    await sign_in_attempts.reset_attempts(visit.database, limit)
    clear_second_factor(user)
    await sessions.revoke_sessions(
        session, user.id, "second_factor_removed", except_session_id=caller.session_id
    )


def clear_second_factor(user: User) -> None:
    """Take a person's second factor away."""
    user.totp_encrypted = user.totp_confirmed_at = user.totp_last_step = None


def consume_second_factor_code(user: User, code: str) -> bool:
    """Whether a locked person's code is right; if so it is used up, with the transaction (OWASP ASVS 6.5.1)."""
    kept = decrypt(user, TOTP_COLUMN)
    step = match_totp_step(kept["secret"], code, after_step=user.totp_last_step, now=time.time())
    if step is not None:
        user.totp_last_step = step
        return True
    found = find_recovery_code_hash(code, map(bytes.fromhex, kept["recovery"]))
    if found is None:
        return False
    encrypt(
        user, TOTP_COLUMN, {**kept, "recovery": [other for other in kept["recovery"] if other != found.hex()]}
    )
    return True


async def _verify_proof(user: User, proof: TotpRemoval) -> bool:
    if proof.code is not None:
        return consume_second_factor_code(user, proof.code)
    right, _ = await verify_password(
        proof.password or "", initial_passwords.parse_stored_password(user.password_hash).password_hash
    )
    return right
