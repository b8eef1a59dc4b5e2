"""Codes of the second factor: time-based codes (RFC 6238) and recovery codes for a lost telephone."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

import pyotp

STEP_SECONDS = 30
CODE_DIGITS = 6
VALID_WINDOW_STEPS = 1
"""Accepted steps before and after the current one, because the clocks of telephones are not exact."""
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_GROUPS = 6
RECOVERY_CODE_GROUP_LENGTH = 4
"""6 groups of 4 characters hold 120 random bits. From 112 bits on, a fast hash is sufficient (OWASP ASVS 6.5.2)."""

_RECOVERY_CODE_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, which has no i, l, o, u."""
_LOOK_ALIKES = str.maketrans("ilo", "110", " -")


def generate_totp_secret() -> str:
    """Return a new TOTP secret: 160 random bits in base 32. It is stored encrypted and shown once."""
    return pyotp.random_base32()


def build_provisioning_uri(email: str, secret: str, issuer: str = "First Step") -> str:
    """Return the `otpauth:` URI that an authenticator app reads from a QR code. It contains the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def match_totp_step(secret: str, code: str, *, after_step: int | None, now: float) -> int | None:
    """Return the time step that a code belongs to, or None for a wrong code. `now` is in Unix seconds.

    The calling code stores the step and passes it as `after_step` for the next code, so that each code is accepted
    once (RFC 6238, section 5.2).
    """
    digits = code.replace(" ", "")
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
    """Return ten new codes, shown once. `hash_recovery_code` of each is stored until the code is used."""
    return [_generate_recovery_code() for _ in range(RECOVERY_CODE_COUNT)]


def hash_recovery_code(code: str) -> bytes:
    """Return the stored hash of a recovery code. Case, spaces and hyphens of the input are ignored."""
    normalized = code.casefold().translate(_LOOK_ALIKES)
    return hashlib.sha256(normalized.encode("utf-8", "surrogatepass")).digest()


def find_recovery_code_hash(code: str, stored_hashes: Iterable[bytes]) -> bytes | None:
    """Return the stored hash that matches a code, or None. Every hash is compared, in constant time."""
    code_hash = hash_recovery_code(code)
    matches = [stored_hash for stored_hash in stored_hashes if hmac.compare_digest(stored_hash, code_hash)]
    return matches[0] if matches else None


def _generate_recovery_code() -> str:
    groups = (
        "".join(secrets.choice(_RECOVERY_CODE_ALPHABET) for _ in range(RECOVERY_CODE_GROUP_LENGTH))
        for _ in range(RECOVERY_CODE_GROUPS)
    )
    return "-".join(groups)
