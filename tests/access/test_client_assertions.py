from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwt

from app.access.jwk import export_public_jwk, parse_public_jwk
from app.access.tokens import verify_client_assertion
from app.errors import Unauthenticated
from tests.support.forged_tokens import ISSUER, NOW, SIGNING_KEY, USER_ID, forge_token, is_rejected, omit_key

CLIENT = "9b2d3c1e-8a4f-4c6d-b1e2-7f3a5d9c0b12"
CLIENT_KEY = ec.generate_private_key(ec.SECP256R1())
CLIENT_JWK = export_public_jwk(CLIENT_KEY.public_key())
ASSERTION: dict[str, Any] = {
    "iss": CLIENT,
    "sub": CLIENT,
    "aud": ISSUER,
    "jti": "once",
    "exp": NOW + 300,
    "iat": NOW,
}


def verify_forged_assertion(
    header: Any = None, claims: Any = None, key: Any = CLIENT_KEY, public: Any = CLIENT_JWK
) -> tuple[str, int]:
    assertion = forge_token(header or {"alg": "ES256"}, ASSERTION if claims is None else claims, key)
    return verify_client_assertion(assertion, public, CLIENT, ISSUER, clock=lambda: NOW)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES256"},
        {"alg": "ES256", "typ": "JWT", "kid": "mine"},
        {"alg": "ES256", "typ": "client-authentication+jwt"},
    ],
)
def test_assertion_is_accepted_with_allowed_headers(header: dict[str, str]) -> None:
    assert verify_forged_assertion(header) == ("once", NOW + 300)


def test_assertion_signed_by_library_is_accepted() -> None:
    pem = CLIENT_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assertion = jwt.encode(ASSERTION, pem.decode(), "ES256")
    public = {**CLIENT_JWK, "use": "sig", "alg": "ES256", "kid": "mine"}
    assert verify_client_assertion(assertion, public, CLIENT, ISSUER, clock=lambda: NOW) == (
        "once",
        NOW + 300,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "x"]},
        {"aud": f"{ISSUER}/v1/oauth/token"},
        {"aud": None},
        {"iss": "other"},
        {"sub": "other"},
        {"iss": "other", "sub": "other"},
        {"iss": [CLIENT]},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": NOW + 301},
        {"exp": float(NOW + 100)},
        {"exp": str(NOW + 100)},
        {"exp": True},
        {"exp": None},
        {"jti": ""},
        {"jti": None},
        {"jti": 7},
        {"jti": "x" * 256},
        {"jti": "a\0b"},
        {"jti": "\ud800"},
        {"iat": NOW + 6},
        {"iat": "now"},
        {"nbf": NOW + 6},
        {"nbf": True},
    ],
)
def test_assertion_with_invalid_claim_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verify_forged_assertion(claims={**ASSERTION, **changes})


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "jti", "exp"])
def test_assertion_without_required_claim_is_rejected(name: str) -> None:
    with pytest.raises(Unauthenticated):
        verify_forged_assertion(claims=omit_key(ASSERTION, name))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"typ": "JWT"},
        {"alg": "ES256", "typ": "at+jwt"},
        {"alg": "ES256", "crit": ["x"]},
        {"alg": "ES256", "jku": "https://attacker.example"},
        {"alg": "ES256", "jwk": CLIENT_JWK},
        {"alg": "ES256", "kid": 1},
        b"[" * 380,
    ],
)
def test_assertion_with_invalid_header_is_rejected(header: Any) -> None:
    with pytest.raises(Unauthenticated):
        verify_forged_assertion(header)


def test_assertion_signed_with_another_key_is_rejected() -> None:
    with pytest.raises(Unauthenticated):
        verify_forged_assertion(key=ec.generate_private_key(ec.SECP256R1()))


def test_access_token_and_assertion_are_not_interchangeable() -> None:
    with pytest.raises(Unauthenticated):
        verify_client_assertion(
            forge_token(),
            export_public_jwk(SIGNING_KEY.public_key()),
            str(USER_ID),
            ISSUER,
            clock=lambda: NOW,
        )
    assert is_rejected(forge_token({"alg": "ES256", "typ": "JWT"}, ASSERTION))


INVALID_KEYS: list[Any] = [
    {},
    None,
    "text",
    {**CLIENT_JWK, "kty": "RSA"},
    {**CLIENT_JWK, "kty": "oct", "k": "c2VjcmV0"},
    {**CLIENT_JWK, "crv": "P-384"},
    {**CLIENT_JWK, "d": "c2VjcmV0"},
    {**CLIENT_JWK, "x": CLIENT_JWK["y"], "y": CLIENT_JWK["x"]},
    {**CLIENT_JWK, "x": CLIENT_JWK["x"] + "="},
    {**CLIENT_JWK, "x": CLIENT_JWK["x"][:-1]},
    {**CLIENT_JWK, "x": "A" * 43, "y": "A" * 43},
    {**CLIENT_JWK, "x": 1},
    {**CLIENT_JWK, "x": "ក" * 43},
    omit_key(CLIENT_JWK, "y"),
]


@pytest.mark.parametrize("key", INVALID_KEYS)
def test_jwk_that_is_not_public_p256_key_is_rejected(key: Any) -> None:
    with pytest.raises(ValueError, match="key"):
        parse_public_jwk(key)
    with pytest.raises(Unauthenticated):
        verify_forged_assertion(public=key)


def test_exported_jwk_is_parsed_to_same_key() -> None:
    assert export_public_jwk(parse_public_jwk(CLIENT_JWK)) == CLIENT_JWK
