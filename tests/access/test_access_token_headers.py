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
    ids=lambda _: "header",  # workers must collect the same names: keys are new in each
)
def test_a_header_with_anything_but_the_three_members_is_refused(header: Any) -> None:
    assert is_rejected(forge_token(header))


def test_an_attackers_own_key_in_the_header_is_not_used() -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    for extra in (
        {"jwk": export_public_jwk(own.public_key())},
        {"jku": "https://attacker.example/jwks.json"},
    ):
        assert is_rejected(forge_token({**HEADER, **extra}, key=own))


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
def test_a_nested_header_is_refused_like_any_other(depth: int) -> None:
    for opening in (b"[", b'{"a":'):
        token = f"{encode_base64url(opening * depth)}.{encode_base64url(b'{}')}.{'A' * 86}"
        assert is_rejected(token)


def test_nested_claims_are_refused_like_any_other() -> None:
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
def test_what_is_no_token_is_refused(token: str) -> None:
    assert is_rejected(token)


@pytest.mark.parametrize("token", [None, 1, b"", b"a.b.c", [], {}, object()])
def test_what_is_no_text_is_refused(token: Any) -> None:
    assert is_rejected(token)


def test_bytes_of_a_good_token_are_no_token() -> None:
    assert is_rejected(forge_token().encode())


@pytest.mark.parametrize("part", [0, 1, 2])
def test_an_empty_part_is_refused(part: int) -> None:
    parts = forge_token().split(".")
    parts[part] = ""
    assert is_rejected(".".join(parts))


@pytest.mark.parametrize("size", [4097, 100_000, 5_000_000])
def test_a_huge_token_is_refused(size: int) -> None:
    assert is_rejected("A" * size)
    assert is_rejected(forge_token(claims={**CLAIMS, "scope": "x" * size}))


def test_non_ascii_digits_and_letters_are_refused() -> None:
    token = forge_token()
    assert is_rejected(token.replace("e", "\u0435", 1))
    assert is_rejected(token + "\u0660")
