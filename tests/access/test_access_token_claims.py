import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.tokens import AccessTokens
from tests.support.forged_tokens import (
    CLAIMS,
    HEADER,
    ISSUER,
    KEY_RING,
    NOW,
    USER_ID,
    create_tokens,
    forge_token,
    is_rejected,
    issue_token,
    omit_key,
)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_token_without_claim_is_rejected(name: str) -> None:
    assert is_rejected(forge_token(claims=omit_key(CLAIMS, name)))


TIME_CLAIMS = ["exp", "nbf", "iat", "auth_time"]
INVALID_SECONDS: list[Any] = [
    True,
    False,
    float(NOW + 100),
    NOW + 0.5,
    1e400,
    str(NOW + 100),
    "",
    None,
    [NOW],
    {},
    -1,
    -(10**30),
    10**30,
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in TIME_CLAIMS
        for value in INVALID_SECONDS
        if (name, value) != ("auth_time", None)
    ],
)
def test_time_that_is_not_whole_seconds_is_rejected(name: str, value: Any) -> None:
    assert is_rejected(forge_token(claims={**CLAIMS, name: value}))


@pytest.mark.parametrize(
    "times",
    [
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": 0},
        {"exp": NOW + 86_401},
        {"nbf": NOW + 6},
        {"iat": NOW + 6},
        {"iat": NOW + 700, "exp": NOW + 800},
        {"iat": 0},
        {"auth_time": NOW + 6},
        {"iat": NOW - 86_400},
    ],
)
def test_inconsistent_times_are_rejected(times: dict[str, int]) -> None:
    assert is_rejected(forge_token(claims={**CLAIMS, **times}))


def test_token_issued_five_seconds_ahead_is_accepted() -> None:
    assert (
        create_tokens()
        .verify_access_token(forge_token(claims={**CLAIMS, "iat": NOW + 5, "nbf": NOW + 5}))
        .issued_at
        == NOW + 5
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", ISSUER + "/"),
        ("iss", ISSUER.upper()),
        ("iss", [ISSUER]),
        ("iss", None),
        ("aud", ["first-step-api"]),
        ("aud", ["first-step-api", "other"]),
        ("aud", "first-step-api "),
        ("aud", "other"),
        ("aud", ""),
        ("aud", None),
        ("aud", {"first-step-api": 1}),
        ("sub", "admin"),
        ("sub", str(USER_ID).upper()),
        ("sub", USER_ID.hex),
        ("sub", f"{{{USER_ID}}}"),
        ("sub", f"urn:uuid:{USER_ID}"),
        ("sub", f"{USER_ID} "),
        ("sub", USER_ID.int),
        ("sub", None),
        ("jti", ""),
        ("jti", 1),
        ("jti", [str(USER_ID)]),
        ("sid", None),
        ("sid", "x"),
        ("kind", "admin"),
        ("kind", ["person"]),
        ("kind", None),
        ("scope", ["cases:read"]),
        ("scope", None),
        ("amr", "pwd"),
        ("amr", [1]),
        ("amr", None),
        ("amr", {"pwd": 1}),
    ],
)
def test_invalid_claim_is_rejected(name: str, value: Any) -> None:
    assert is_rejected(forge_token(claims={**CLAIMS, name: value}))


@pytest.mark.parametrize(
    "claims",
    [
        [CLAIMS],
        None,
        "text",
        b"",
        b"{",
        b"\xff",
        json.dumps(CLAIMS).encode("utf-16"),
        json.dumps(CLAIMS)[:-1].encode() + b', "exp": 4000000000}',
        json.dumps(CLAIMS)[:-1].encode() + b', "other": NaN}',
        json.dumps(CLAIMS)[:-1].encode() + b', "other": Infinity}',
    ],
)
def test_claims_that_are_not_a_json_object_are_rejected(claims: Any) -> None:
    assert is_rejected(forge_token(claims=claims))


def test_token_of_another_issuer_or_audience_with_same_key_is_rejected() -> None:
    assert is_rejected(issue_token(AccessTokens(KEY_RING, "https://other.example", clock=lambda: NOW)))
    assert is_rejected(issue_token(AccessTokens(KEY_RING, ISSUER, "first-step-webhooks", clock=lambda: NOW)))


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_random_text_is_rejected(text: str) -> None:
    assert is_rejected(text)


@given(st.binary(max_size=60), st.binary(max_size=60))
@settings(max_examples=100)
def test_random_bytes_in_header_or_claims_are_rejected(header: bytes, claims: bytes) -> None:
    assert is_rejected(forge_token(header, CLAIMS))
    assert is_rejected(forge_token(HEADER, claims))
