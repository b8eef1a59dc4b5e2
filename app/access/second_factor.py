"""Second factor: time-based codes (TOTP, RFC 6238) and recovery codes for a lost telephone."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

import pyotp

from app.text_folding import fold_identifier

STEP_SECONDS = 30
CODE_DIGITS = 6
VALID_WINDOW_STEPS = 1
"""Number of time steps before and after the current one that are accepted, because telephone clocks are not exact."""
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_GROUPS = 6
RECOVERY_CODE_GROUP_LENGTH = 4
"""A recovery code has 6 groups of 4 characters: 120 random bits. From 112 bits, a fast hash suffices (ASVS 6.5.2)."""

_RECOVERY_CODE_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, which has no i, l, o, u."""
_LOOK_ALIKES = str.maketrans("ilo", "110")


def generate_totp_secret() -> str:
    """Return a new TOTP secret: 160 random bits in base 32."""
    return pyotp.random_base32()


def build_provisioning_uri(email: str, secret: str, issuer: str = "First Step") -> str:
    """Return the `otpauth:` URI that an authenticator app reads from a QR code. It contains the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def match_totp_step(secret: str, code: str, *, after_step: int | None, now: float) -> int | None:
    """Return the time step of a valid code, or None for an invalid one. `now` is in Unix seconds.

    Store the returned step and pass it as `after_step` with the next code, so that each code is accepted only once
    (RFC 6238, section 5.2).
    """
    digits = fold_identifier(code)
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    current_step = int(now) // STEP_SECONDS
    last_used_step = -1 if after_step is None else after_step
    window = range(current_step - VALID_WINDOW_STEPS, current_step + VALID_WINDOW_STEPS + 1)
    totp = pyotp.TOTP(secret)
    matching_steps = [
        step
        for step in window
        if step > last_used_step and hmac.compare_digest(totp.generate_otp(step), digits)
    ]
    return max(matching_steps, default=None)


def generate_recovery_codes() -> list[str]:
    """Return ten new recovery codes. Store only the result of `hash_recovery_code` for each."""
    return [_generate_recovery_code() for _ in range(RECOVERY_CODE_COUNT)]


def hash_recovery_code(code: str) -> bytes:
    """Return the hash under which a recovery code is stored. Letter case, spaces and hyphens are ignored (see `app.text_folding`)."""
    normalized = fold_identifier(code).translate(_LOOK_ALIKES)
    return hashlib.sha256(normalized.encode("utf-8", "surrogatepass")).digest()


def find_recovery_code_hash(code: str, stored_hashes: Iterable[bytes]) -> bytes | None:
    """Return the stored hash that matches a code, or None. The comparison takes constant time."""
    code_hash = hash_recovery_code(code)
    matches = [stored_hash for stored_hash in stored_hashes if hmac.compare_digest(stored_hash, code_hash)]
    return matches[0] if matches else None


def _generate_recovery_code() -> str:
    groups = (
        "".join(secrets.choice(_RECOVERY_CODE_ALPHABET) for _ in range(RECOVERY_CODE_GROUP_LENGTH))
        for _ in range(RECOVERY_CODE_GROUPS)
    )
    return "-".join(groups)
