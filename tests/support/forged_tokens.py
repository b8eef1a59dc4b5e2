"""Build and sign access tokens without the code of the application."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from app.access.jwk import encode_base64url
from app.access.keyring import KeyRing
from app.access.tokens import AccessTokens
from app.errors import Unauthenticated

NOW = 1_800_000_000
ISSUER = "https://api.example.org"
USER_ID = uuid.UUID("5f0c9a52-7c55-4f0e-9f0b-0d8f5a3f1a11")
SESSION_ID = uuid.UUID("1b1e6a0c-3a63-4a0b-8a4f-3b6f1d2c9e22")

KEY_RING = KeyRing.generate()
SIGNING_KEY = KEY_RING.signing_keys[KEY_RING.signing_active]
HEADER = {"alg": "ES256", "kid": KEY_RING.signing_active, "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "first-step-api",
    "sub": str(USER_ID),
    "jti": "c7d0d0c4-5d8e-4b57-9b57-0f4f6d1f7a33",
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 600,
    "sid": str(SESSION_ID),
    "kind": "person",
    "scope": "cases:read",
    "auth_time": NOW - 30,
    "amr": ["pwd", "otp"],
}


class FakeClock:
    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        return self.now


def create_tokens(ring: KeyRing = KEY_RING, clock: Callable[[], float] = lambda: NOW) -> AccessTokens:
    return AccessTokens(ring, ISSUER, clock=clock)


def issue_token(tokens: AccessTokens, **changes: Any) -> str:
    claims: dict[str, Any] = {
        "kind": "person",
        "session_id": SESSION_ID,
        "scope": "cases:read",
        "lifetime": 600,
        "auth_time": NOW - 30,
        "amr": ("pwd", "otp"),
    }
    return tokens.issue_access_token(USER_ID, **{**claims, **changes})


def sign_raw(
    message: bytes, key: ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm | None = None
) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(algorithm or hashes.SHA256())))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signing_input(header: Any, claims: Any) -> str:
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    return ".".join(encode_base64url(part) for part in parts)


def forge_token(
    header: Any = HEADER, claims: Any = CLAIMS, key: ec.EllipticCurvePrivateKey = SIGNING_KEY
) -> str:
    """Return a token with a valid signature and arbitrary header and claims."""
    message = signing_input(header, claims)
    return f"{message}.{encode_base64url(sign_raw(message.encode(), key))}"


def is_rejected(token: Any, tokens: AccessTokens | None = None) -> bool:
    """Assert that a token is rejected. Return whether the error hides the reason."""
    with pytest.raises(Unauthenticated) as error:
        (tokens or create_tokens()).verify_access_token(token)
    return str(error.value) == str(Unauthenticated()) and error.value.__suppress_context__


def omit_key(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}
