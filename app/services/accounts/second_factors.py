"""The second factor of a person: set up, used, removed. The secret and the recovery codes are kept sealed."""

import time
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.passwords import verify_password
from app.access.second_factor import (
    accepted_step,
    matching_recovery_code,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_fingerprint,
)
from app.access.vault import seal, unseal
from app.errors import Conflict, Fault, InvalidInput, NotFound
from app.models import User
from app.models.record import now
from app.schemas.sign_in import RecoveryCodes, SecondFactorRemoval, TotpConfirmation, TotpEnrolment
from app.services.accounts import initial_passwords, sessions
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sign_in_audit import Visit

COLUMN = "totp_sealed"


async def locked(session: AsyncSession, user_id: Any) -> User:
    """Return a person, locked: of two uses of one code at once, one finds it used.

    Raises:
        NotFound: there is none.
    """
    query = select(User).where(col(User.id) == user_id).with_for_update(key_share=True)
    found = await session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


async def enrol(session: AsyncSession, actor: Actor) -> TotpEnrolment:
    """Begin: make a secret, to be confirmed with its first code. Doing it again makes another.

    Raises:
        Conflict: a second factor is confirmed already.
    """
    user = await locked(session, actor.id)
    if user.totp_confirmed_at is not None:
        raise Conflict("A second factor is set up already: remove it first.")
    secret = new_secret()
    user.totp_last_step = None
    seal(user, COLUMN, {"secret": secret, "recovery": []})
    return TotpEnrolment(
        secret=secret, provisioning_uri=provisioning_uri(user.email, secret), confirmed=False
    )


async def confirm(session: AsyncSession, actor: Actor, told: TotpConfirmation) -> RecoveryCodes:
    """Confirm a second factor by its first code; every other sign-in of the person ends.

    Raises:
        Conflict: none was begun, or it is confirmed already.
        InvalidInput: the code is not the present one.
    """
    user = await locked(session, actor.id)
    if user.totp_sealed is None or user.totp_confirmed_at is not None:
        raise Conflict("There is no second factor to confirm: begin with POST /v1/me/mfa/totp.")
    kept, codes = unseal(user, COLUMN), new_recovery_codes()
    step = accepted_step(kept["secret"], told.code, after_step=None, now=time.time())
    if step is None:
        raise InvalidInput(
            [Fault("/code", "code_wrong", "This is not the present code; is the clock right?")]
        )
    user.totp_last_step, user.totp_confirmed_at = step, now()
    seal(user, COLUMN, {**kept, "recovery": [recovery_fingerprint(code).hex() for code in codes]})
    await sessions.end(session, user.id, "second_factor_added", keep=actor.session_id)
    return RecoveryCodes(recovery_codes=codes)


async def remove(session: AsyncSession, visit: Visit, actor: Actor, proof: SecondFactorRemoval) -> None:
    """Remove the second factor of the person who proves to be that person; every other sign-in ends.

    Raises:
        NotFound: there is none.
        InvalidInput: the password or the code is wrong.
        TooManyRequests: too many were wrong.
    """
    limit = sign_in_attempts.of_proofs(actor.id)
    await sign_in_attempts.begin(visit.database, limit)
    user = await locked(session, actor.id)
    if user.totp_confirmed_at is None:
        await sign_in_attempts.excuse(visit.database, limit)
        raise NotFound("There is no second factor.")
    if not await _proven(user, proof):
        pointer = "/password" if proof.code is None else "/code"
        raise InvalidInput([Fault(pointer, "proof_wrong", "This is not right.")])
    await sign_in_attempts.forget(visit.database, limit)
    forget(user)
    await sessions.end(session, user.id, "second_factor_removed", keep=actor.session_id)


def forget(user: User) -> None:
    """Take a person's second factor away."""
    user.totp_sealed = user.totp_confirmed_at = user.totp_last_step = None


def accepts(user: User, code: str) -> bool:
    """Whether a locked person's code is right; if so it is used up, with the transaction (OWASP ASVS 6.5.1)."""
    kept = unseal(user, COLUMN)
    step = accepted_step(kept["secret"], code, after_step=user.totp_last_step, now=time.time())
    if step is not None:
        user.totp_last_step = step
        return True
    found = matching_recovery_code(code, map(bytes.fromhex, kept["recovery"]))
    if found is None:
        return False
    seal(user, COLUMN, {**kept, "recovery": [other for other in kept["recovery"] if other != found.hex()]})
    return True


async def _proven(user: User, proof: SecondFactorRemoval) -> bool:
    if proof.code is not None:
        return accepts(user, proof.code)
    right, _ = await verify_password(
        proof.password or "", initial_passwords.read(user.password_hash).password_hash
    )
    return right
