"""Convert P-256 keys to and from JWK (RFC 7517) and PEM, and bytes to and from base64url (RFC 7515)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

COORDINATE_BYTES = 32
"""Size of the coordinates x and y of a point of P-256."""


def encode_base64url(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def export_public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return the required JWK members of a P-256 public key (RFC 7518, section 6.2.1)."""
    numbers = key.public_numbers()
    x, y = (encode_base64url(number.to_bytes(COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def compute_jwk_thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the thumbprint (RFC 7638) of a JWK. The JWK must contain the required members only."""
    text = json.dumps(dict(jwk), sort_keys=True, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(text.encode()).digest())


def parse_public_jwk(key: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Return the P-256 public key of a JWK.

    Raises:
        ValueError: the JWK is not a P-256 key, or is a private key.
    """
    if not isinstance(key, Mapping) or "d" in key or (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise ValueError("The key must be a public P-256 key (kty EC, crv P-256, x, y).")
    try:
        x, y = (_decode_coordinate(key[name]) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError):
        raise ValueError("`x` and `y` of the key must be a point of P-256.") from None


def decode_base64url(text: str) -> bytes:
    """Decode base64url without padding. Other than canonical encodings are rejected, so that no token has two forms.

    Raises:
        ValueError: the text is not the canonical encoding.
    """
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(raw) != text:
        raise ValueError
    return raw


def _decode_coordinate(text: str) -> int:
    raw = decode_base64url(text)
    if len(raw) != COORDINATE_BYTES:
        raise ValueError
    return int.from_bytes(raw, "big")


def generate_signing_key() -> ec.EllipticCurvePrivateKey:
    """Return a new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def load_signing_key(kid: str, pem: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of a PEM text, whose id must be its thumbprint.

    Raises:
        TypeError: the key is of another kind.
        ValueError: the text contains no key, or the key has another id.
    """
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError
    if compute_jwk_thumbprint(export_public_jwk(key.public_key())) != kid:
        raise ValueError
    return key


def export_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
