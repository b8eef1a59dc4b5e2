"""Second factors of users: enrolment, verification and removal. The secret and the recovery codes are encrypted.

Every function that reads or changes a second factor locks the user, so that each code is accepted once.
"""

import time

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.passwords import parse_stored_password, verify_password
from app.access.second_factor import (
    build_provisioning_uri,
    find_recovery_code_hash,
    generate_recovery_codes,
    generate_totp_secret,
    hash_recovery_code,
    match_totp_step,
)
from app.errors import Conflict, Fault, InvalidInput, NotFound
from app.kit.records import get_for_update
from app.models import User
from app.models.accounts import StoredTotpSecret
from app.models.record import utc_now
from app.schemas.sign_in import TotpConfirmation, TotpEnrolment, TotpRecoveryCodes, TotpRemoval
from app.services.accounts import sessions, sign_in_throttle
from app.services.accounts.sign_in_audit import SignInContext


async def enroll_second_factor(session: AsyncSession, caller: Caller) -> TotpEnrolment:
    """Generate a TOTP secret, to be confirmed with its first code. Another call replaces an unconfirmed secret.

    Raises:
        Conflict: a second factor is confirmed already.
    """
    user = await get_for_update(session, User, caller.id)
    if user.totp_confirmed_at is not None:
        raise Conflict("A second factor is set up already. Remove it first.")
    secret = generate_totp_secret()
    user.totp_last_step = None
    user.totp = StoredTotpSecret(secret=secret, recovery=[])
    return TotpEnrolment(
        secret=secret, provisioning_uri=build_provisioning_uri(user.email, secret), confirmed=False
    )


async def confirm_second_factor(
    session: AsyncSession, caller: Caller, payload: TotpConfirmation
) -> TotpRecoveryCodes:
    """Confirm a second factor with its first code. Every other session of the caller ends.

    Raises:
        Conflict: there is no second factor to confirm.
        InvalidInput: the code is wrong.
    """
    user = await get_for_update(session, User, caller.id)
    totp = user.totp
    if totp is None or user.totp_confirmed_at is not None:
        raise Conflict("There is no second factor to confirm. Begin with POST /v1/me/mfa/totp.")
    step = match_totp_step(totp["secret"], payload.code, after_step=None, now=time.time())
    if step is None:
        raise InvalidInput([Fault("/code", "code_wrong", "Invalid code. Check the device's clock.")])
    recovery_codes = generate_recovery_codes()
    recovery_hashes = [hash_recovery_code(code).hex() for code in recovery_codes]
    user.totp_last_step, user.totp_confirmed_at = step, utc_now()
    user.totp = StoredTotpSecret(secret=totp["secret"], recovery=recovery_hashes)
    await sessions.revoke_sessions(
        session, user.id, "second_factor_added", except_session_id=caller.session_id
    )
    return TotpRecoveryCodes(recovery_codes=recovery_codes)


async def remove_second_factor(
    session: AsyncSession, context: SignInContext, caller: Caller, payload: TotpRemoval
) -> None:
    """Remove the caller's second factor after verifying the password or a code. Every other session ends.

    Raises:
        NotFound: no second factor is confirmed.
        InvalidInput: the password or the code is wrong.
        TooManyRequests: too many attempts failed.
    """
    limit = sign_in_throttle.reauthentication_limit(caller.id)
    await sign_in_throttle.count_attempt(context.database, limit)
    user = await get_for_update(session, User, caller.id)
    if user.totp_confirmed_at is None:
        await sign_in_throttle.undo_attempt(context.database, limit)
        raise NotFound("No second factor is set up.")
    if not await _verify_proof(user, payload):
        field = "password" if payload.code is None else "code"
        raise InvalidInput([Fault(f"/{field}", "proof_wrong", f"The {field} is wrong.")])
    await sign_in_throttle.reset_attempts(context.database, limit)
    clear_second_factor(user)
    await sessions.revoke_sessions(
        session, user.id, "second_factor_removed", except_session_id=caller.session_id
    )


def clear_second_factor(user: User) -> None:
    """Delete the second factor of a user."""
    user.totp = user.totp_confirmed_at = user.totp_last_step = None


def consume_second_factor_code(user: User, code: str) -> bool:
    """Return whether a code is right, and mark it as used (OWASP ASVS 6.5.1). The user must be locked."""
    totp = user.totp
    if totp is None:
        return False
    step = match_totp_step(totp["secret"], code, after_step=user.totp_last_step, now=time.time())
    if step is not None:
        user.totp_last_step = step
        return True
    recovery_hash = find_recovery_code_hash(code, map(bytes.fromhex, totp["recovery"]))
    if recovery_hash is None:
        return False
    remaining_hashes = [stored_hash for stored_hash in totp["recovery"] if stored_hash != recovery_hash.hex()]
    user.totp = StoredTotpSecret(secret=totp["secret"], recovery=remaining_hashes)
    return True


async def _verify_proof(user: User, payload: TotpRemoval) -> bool:
    if payload.code is not None:
        return consume_second_factor_code(user, payload.code)
    current_hash = parse_stored_password(user.password_hash).password_hash
    is_correct, _ = await verify_password(payload.password or "", current_hash)
    return is_correct
