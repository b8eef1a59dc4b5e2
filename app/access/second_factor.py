"""The second factor: time-based codes (RFC 6238), and recovery codes for a lost telephone."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

import pyotp

STEP_SECONDS = 30
CODE_DIGITS = 6
VALID_WINDOW_STEPS = 1
"""Steps before and after the present one that still count: telephones' clocks are not exact."""
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_GROUPS = 6
RECOVERY_CODE_GROUP_LENGTH = 4
"""6 groups of 4 characters hold 120 random bits: above 112, a plain hash may be stored (OWASP ASVS 6.5.2)."""

_RECOVERY_CODE_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u."""
_LOOK_ALIKES = str.maketrans("ilo", "110", " -")


def generate_totp_secret() -> str:
    """Return a fresh secret, 160 bits in base 32. Stored sealed; shown once, as a QR code."""
    return pyotp.random_base32()


def build_provisioning_uri(email: str, secret: str, issuer: str = "First Step") -> str:
    """Return the `otpauth:` URI an authenticator app reads from a QR code. Holds the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def match_totp_step(secret: str, code: str, *, after_step: int | None, now: float) -> int | None:
    """Return the time step whose code this is, or None. `now` is in seconds since 1970.

    The caller stores the step, by an update that only ever raises it, and passes it as `after_step` next time:
    a code, once used, is used up (RFC 6238, section 5.2).
    """
    digits = code.replace(" ", "")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    present = int(now) // STEP_SECONDS
    used = -1 if after_step is None else after_step
    steps = [
        step for step in range(present - VALID_WINDOW_STEPS, present + VALID_WINDOW_STEPS + 1) if step > used
    ]
    totp = pyotp.TOTP(secret)
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), digits)]
    return max(right, default=None)


def generate_recovery_codes() -> list[str]:
    """Return ten codes, to be shown once; of each, `recovery_fingerprint` is stored and deleted when used."""
    return [_generate_recovery_code() for _ in range(RECOVERY_CODE_COUNT)]


def hash_recovery_code(code: str) -> bytes:
    """Return what is stored of a recovery code, however it was typed: case, spaces and hyphens do not matter."""
    read = code.casefold().translate(_LOOK_ALIKES)
    return hashlib.sha256(read.encode("utf-8", "surrogatepass")).digest()


def find_recovery_code_hash(code: str, stored: Iterable[bytes]) -> bytes | None:
    """Return the stored fingerprint this code has, or None; every one is compared, in constant time."""
    wanted = hash_recovery_code(code)
    found = [candidate for candidate in stored if hmac.compare_digest(candidate, wanted)]
    return found[0] if found else None


def _generate_recovery_code() -> str:
    groups = (
        "".join(secrets.choice(_RECOVERY_CODE_ALPHABET) for _ in range(RECOVERY_CODE_GROUP_LENGTH))
        for _ in range(RECOVERY_CODE_GROUPS)
    )
    return "-".join(groups)
