"""Codes of confirmed second factors. Each code is accepted once. The user must be locked."""

import time

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from app.access.second_factor import find_recovery_code_hash, match_totp_step
from app.kit.pending_changes import call_function
from app.models import User


async def consume_second_factor_code(session: AsyncSession, user: User, code: str) -> bool:
    """Return whether a code is right, and mark it as used (OWASP ASVS 6.5.1)."""
    if not _use_code(user, code):
        return False
    mark_as_stored(user)
    call = func.access.use_second_factor_code(user.id, user.totp_encrypted, user.totp_last_step)
    await call_function(session, call)
    return True


def mark_as_stored(user: User) -> None:
    """Exclude the columns of the second factor from the next flush, because a function of the database writes them."""
    for name in ("totp_encrypted", "totp_confirmed_at", "totp_last_step"):
        set_committed_value(user, name, getattr(user, name))


def _use_code(user: User, code: str) -> bool:
    totp = user.totp
    if totp is None or totp["secret"] is None:
        return False
    step = match_totp_step(totp["secret"], code, after_step=user.totp_last_step, now=time.time())
    if step is not None:
        user.totp_last_step = step
        return True
    recovery_hash = find_recovery_code_hash(code, map(bytes.fromhex, totp["recovery"]))
    if recovery_hash is None:
        return False
    remaining_hashes = [stored_hash for stored_hash in totp["recovery"] if stored_hash != recovery_hash.hex()]
    user.totp = {**totp, "recovery": remaining_hashes}
    return True
