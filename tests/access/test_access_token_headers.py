import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.access.jwk import encode_base64url, export_public_jwk
from tests.support.forged_tokens import (
    CLAIMS,
    HEADER,
    KEY_RING,
    SIGNING_KEY,
    forge_token,
    is_rejected,
    omit_key,
)


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "AT+JWT"},
        {**HEADER, "typ": "application/at+jwt"},
        {**HEADER, "typ": ["at+jwt"]},
        {**HEADER, "typ": None},
        omit_key(HEADER, "typ"),
        omit_key(HEADER, "kid"),
        omit_key(HEADER, "alg"),
        {**HEADER, "alg": ["ES256"]},
        {**HEADER, "alg": None},
        {**HEADER, "crit": ["exp"], "exp": 1},
        {**HEADER, "crit": []},
        {**HEADER, "b64": False},
        {**HEADER, "zip": "DEF"},
        {**HEADER, "cty": "JWT"},
        {**HEADER, "jku": "https://attacker.example/keys"},
        {**HEADER, "x5u": "https://attacker.example/cert"},
        {**HEADER, "x5c": ["MII"]},
        {**HEADER, "jwk": export_public_jwk(SIGNING_KEY.public_key())},
        {**HEADER, "kid": ""},
        {**HEADER, "kid": "../../dev/null"},
        {**HEADER, "kid": "' or 1=1 --"},
        {**HEADER, "kid": KEY_RING.signing_active + "A"},
        {**HEADER, "kid": [KEY_RING.signing_active]},
        {**HEADER, "kid": {"a": 1}},
        {**HEADER, "kid": True},
        {**HEADER, "kid": None},
        {**HEADER, "kid": "k" * 3000},
        [HEADER],
        "ES256",
        None,
        1,
        b"",
        b"{",
        b"\xff\xfe{\0}\0",
        json.dumps(HEADER).encode("utf-16"),
        json.dumps(HEADER).encode("utf-8-sig"),
        json.dumps(HEADER).encode() + b"{}",
        json.dumps(HEADER)[:-1].encode() + b', "alg": "none"}',
        json.dumps(HEADER)[:-1].encode() + b', "alg": "ES256"}',
        json.dumps(HEADER)[:-1].encode() + b', "alg\\u0000": "ES256"}',
    ],
    ids=lambda _: "header",  # test workers must collect the same ids, and each generates other keys
)
def test_invalid_header_is_rejected(header: Any) -> None:
    assert is_rejected(forge_token(header))


def test_key_in_header_is_not_used() -> None:
    attacker_key = ec.generate_private_key(ec.SECP256R1())
    for extra in (
        {"jwk": export_public_jwk(attacker_key.public_key())},
        {"jku": "https://attacker.example/jwks.json"},
    ):
        assert is_rejected(forge_token({**HEADER, **extra}, key=attacker_key))


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
def test_deeply_nested_header_is_rejected(depth: int) -> None:
    for opening in (b"[", b'{"a":'):
        token = f"{encode_base64url(opening * depth)}.{encode_base64url(b'{}')}.{'A' * 86}"
        assert is_rejected(token)


def test_deeply_nested_claims_are_rejected() -> None:
    assert is_rejected(forge_token(claims=b"[" * 2000))
    assert is_rejected(forge_token(claims=b'{"a":' * 500))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "a.b.c.d.e",
        "ក.ខ.គ",
        "\ud800",
        "\0",
        "null",
        "Bearer x",
    ],
)
def test_malformed_token_is_rejected(token: str) -> None:
    assert is_rejected(token)


@pytest.mark.parametrize("token", [None, 1, b"", b"a.b.c", [], {}, object()])
def test_token_that_is_not_text_is_rejected(token: Any) -> None:
    assert is_rejected(token)


def test_valid_token_as_bytes_is_rejected() -> None:
    assert is_rejected(forge_token().encode())


@pytest.mark.parametrize("part", [0, 1, 2])
def test_token_with_empty_part_is_rejected(part: int) -> None:
    parts = forge_token().split(".")
    parts[part] = ""
    assert is_rejected(".".join(parts))


@pytest.mark.parametrize("size", [4097, 100_000, 5_000_000])
def test_oversized_token_is_rejected(size: int) -> None:
    assert is_rejected("A" * size)
    assert is_rejected(forge_token(claims={**CLAIMS, "scope": "x" * size}))


def test_non_ascii_characters_are_rejected() -> None:
    token = forge_token()
    assert is_rejected(token.replace("e", "\u0435", 1))
    assert is_rejected(token + "\u0660")
