"""Second factors of users: enrolment, replacement and removal. The secrets and the recovery codes are encrypted.

Every function that reads or changes a second factor locks the user, so that each code is accepted once.
"""

import time

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.configuration_changes import HIDDEN
from app.access.second_factor import (
    build_provisioning_uri,
    generate_recovery_codes,
    generate_totp_secret,
    hash_recovery_code,
    match_totp_step,
)
from app.access.session_records import record_change
from app.errors import Conflict, Fault, InvalidInput, NotFound
from app.kit.pending_changes import call_function
from app.kit.records import get_for_update
from app.models import User
from app.models.accounts import StoredTotpSecret
from app.models.record import utc_now
from app.schemas.sign_in import Reauthentication, TotpConfirmation, TotpEnrolment, TotpRecoveryCodes
from app.services.accounts import sessions
from app.services.accounts.reauthentication import reauthenticate
from app.services.accounts.second_factor_codes import mark_as_stored
from app.services.accounts.sign_in_audit import SignInContext


async def enroll_second_factor(
    session: AsyncSession, context: SignInContext, caller: Caller, payload: Reauthentication
) -> TotpEnrolment:
    """Generate a TOTP secret, to be confirmed with its first code.

    A confirmed second factor stays active until then. Another call replaces an unconfirmed secret.

    Raises:
        InvalidInput, TooManyRequests: see `reauthenticate`.
    """
    user = await reauthenticate(session, context, caller, payload.password, payload.code)
    secret = generate_totp_secret()
    totp = user.totp or StoredTotpSecret(secret=None, recovery=[], pending=None)
    user.totp = {**totp, "pending": secret}
    await _store_second_factor(session, user)
    return TotpEnrolment(
        secret=secret, provisioning_uri=build_provisioning_uri(user.email, secret), confirmed=False
    )


async def confirm_second_factor(
    session: AsyncSession, caller: Caller, payload: TotpConfirmation
) -> TotpRecoveryCodes:
    """Confirm a second factor with its first code. It replaces the previous one. Every other session of the caller ends.

    Raises:
        Conflict: there is no second factor to confirm.
        InvalidInput: the code is wrong.
    """
    user = await get_for_update(session, User, caller.id)
    secret = user.totp["pending"] if user.totp else None
    if secret is None:
        raise Conflict("There is no second factor to confirm. Begin with POST /v1/me/mfa/totp.")
    step = match_totp_step(secret, payload.code, after_step=None, now=time.time())
    if step is None:
        raise InvalidInput([Fault("/code", "code_wrong", "Invalid code. Check the device's clock.")])
    recovery_codes = generate_recovery_codes()
    recovery_hashes = [hash_recovery_code(code).hex() for code in recovery_codes]
    user.totp_last_step, user.totp_confirmed_at = step, utc_now()
    user.totp = StoredTotpSecret(secret=secret, recovery=recovery_hashes, pending=None)
    await _store_second_factor(session, user)
    await sessions.revoke_sessions(
        session, user.id, "second_factor_added", except_session_id=caller.session_id
    )
    return TotpRecoveryCodes(recovery_codes=recovery_codes)


async def remove_second_factor(
    session: AsyncSession, context: SignInContext, caller: Caller, payload: Reauthentication
) -> None:
    """Remove the caller's second factor. Every session of the caller ends, because each was begun or confirmed with it.

    Raises:
        NotFound: no second factor is confirmed.
        InvalidInput, TooManyRequests: see `reauthenticate`.
    """
    user = await reauthenticate(session, context, caller, payload.password, payload.code)
    if user.totp_confirmed_at is None:
        raise NotFound("No second factor is set up.")
    user.totp = user.totp_confirmed_at = user.totp_last_step = None
    await _store_second_factor(session, user)
    await sessions.revoke_sessions(session, user.id, "second_factor_removed")


async def _store_second_factor(session: AsyncSession, user: User) -> None:
    mark_as_stored(user)
    call = func.access.store_own_second_factor(
        user.totp_encrypted, user.totp_confirmed_at, user.totp_last_step
    )
    await call_function(session, call)
    record_change(session, "user", user.id, {"second_factor": (HIDDEN, HIDDEN)})
