import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwt

from app.access import tokens as tokens_module
from app.access.keyring import KeyRing, ReloadingKeyRing
from app.access.tokens import Claims
from tests.support.forged_tokens import (
    HEADER,
    ISSUER,
    NOW,
    SESSION_ID,
    USER_ID,
    FakeClock,
    create_tokens,
    forge_token,
    is_rejected,
    issue_token,
)


def test_issued_token_contains_requested_claims() -> None:
    tokens = create_tokens()
    claims = tokens.verify_access_token(issue_token(tokens))
    assert claims == Claims(
        subject=USER_ID,
        kind="person",
        session_id=SESSION_ID,
        scope="cases:read",
        jti=claims.jti,
        issued_at=NOW,
        not_before=NOW,
        expires_at=NOW + 600,
        auth_time=NOW - 30,
        amr=("pwd", "otp"),
    )
    assert claims.jti.version == 4


def test_header_has_exactly_three_members() -> None:
    assert jwt.get_unverified_header(issue_token(create_tokens())) == HEADER


def test_token_of_api_client_has_no_auth_time() -> None:
    tokens = create_tokens()
    claims = tokens.verify_access_token(issue_token(tokens, kind="client", auth_time=None, amr=()))
    assert (claims.kind, claims.auth_time, claims.amr) == ("client", None, ())


def test_every_token_has_a_unique_id() -> None:
    tokens = create_tokens()
    assert len({tokens.verify_access_token(issue_token(tokens)).jti for _ in range(20)}) == 20


def test_token_of_the_forging_helper_is_valid_without_changes() -> None:
    assert create_tokens().verify_access_token(forge_token()).subject == USER_ID


@pytest.mark.parametrize(
    "changes", [{"lifetime": 0}, {"lifetime": -1}, {"lifetime": 86_401}, {"scope": "x" * 4000}]
)
def test_token_above_limits_is_not_issued(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exceeds the limit"):
        issue_token(create_tokens(), **changes)


def test_claims_are_immutable() -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        create_tokens().verify_access_token(forge_token()).scope = "everything"  # type: ignore[misc]  # the attempt is the test


def test_cached_token_expires() -> None:
    clock = FakeClock()
    tokens = create_tokens(clock=clock)
    token = issue_token(tokens)
    clock.now = NOW + 599.9
    assert tokens.verify_access_token(token) is tokens.verify_access_token(token)
    clock.now = NOW + 600
    assert is_rejected(token, tokens)
    assert tokens._keys.get_cached_claims(hashlib.sha256(token.encode()).digest(), NOW + 600) is None


def test_cached_token_is_rejected_before_its_start() -> None:
    clock = FakeClock()
    tokens = create_tokens(clock=clock)
    token = issue_token(tokens)
    tokens.verify_access_token(token)
    clock.now = NOW - 6
    assert is_rejected(token, tokens)


def test_rejected_token_is_not_cached() -> None:
    tokens = create_tokens()
    token = forge_token(key=ec.generate_private_key(ec.SECP256R1()))
    assert is_rejected(token, tokens)
    assert is_rejected(token, tokens)
    assert not tokens._keys._cached_claims


def test_cache_is_bounded_and_keeps_recently_used_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "MAX_CACHED_CLAIMS", 3)
    tokens = create_tokens()
    used_token = issue_token(tokens)
    cached_claims = tokens.verify_access_token(used_token)
    for _ in range(5):
        tokens.verify_access_token(issue_token(tokens))
        assert tokens.verify_access_token(used_token) is cached_claims
    assert len(tokens._keys._cached_claims) == 3


def test_cache_contains_digests_instead_of_tokens() -> None:
    tokens = create_tokens()
    token = issue_token(tokens)
    tokens.verify_access_token(token)
    assert list(tokens._keys._cached_claims) == [hashlib.sha256(token.encode()).digest()]


def test_concurrent_verifications_return_their_own_claims() -> None:
    tokens = create_tokens()
    issued_tokens = [issue_token(tokens, scope=str(i)) for i in range(20)]
    start = threading.Barrier(8)

    def verify_all(_: int) -> list[str]:
        start.wait()
        return [tokens.verify_access_token(token).scope for token in issued_tokens * 5]

    with ThreadPoolExecutor(8) as pool:
        assert all(scopes == [str(i) for i in range(20)] * 5 for scopes in pool.map(verify_all, range(8)))


def test_token_of_older_key_is_accepted(tmp_path: Path) -> None:
    old = KeyRing.load_or_create(tmp_path / "keys.json")
    token = issue_token(create_tokens(old))
    new = old.activate_key(old.add_signing_key())
    tokens = create_tokens(new)
    assert tokens.verify_access_token(token).subject == USER_ID
    assert jwt.get_unverified_header(issue_token(tokens))["kid"] == new.signing_active


def test_key_added_by_another_process_verifies_immediately(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    running_tokens = create_tokens(ring)
    assert (
        running_tokens.verify_access_token(
            issue_token(create_tokens(ring.activate_key(ring.add_signing_key())))
        ).subject
        == USER_ID
    )


def test_cached_token_of_retired_key_is_rejected(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    running_tokens = create_tokens(ring)
    running_tokens._key_ring_source = ReloadingKeyRing(ring, reload_interval=0)
    token = issue_token(running_tokens)
    assert running_tokens.verify_access_token(token)
    rotated = ring.activate_key(ring.add_signing_key())
    assert running_tokens.verify_access_token(token)
    rotated.retire_key(ring.signing_active)
    assert is_rejected(token, running_tokens)


def test_token_with_kid_of_another_key_is_rejected(tmp_path: Path) -> None:
    old = KeyRing.load_or_create(tmp_path / "keys.json")
    new = old.activate_key(old.add_signing_key())
    key = new.signing_keys[old.signing_active]
    tokens = create_tokens(new)
    assert tokens.verify_access_token(forge_token({**HEADER, "kid": old.signing_active}, key=key))
    assert is_rejected(forge_token({**HEADER, "kid": new.signing_active}, key=key), tokens)


def test_published_keys_verify_tokens_and_contain_no_private_members(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    ring = ring.activate_key(ring.add_signing_key())
    tokens = create_tokens(ring)
    published = tokens.get_public_jwks()["keys"]
    assert [set(key) for key in published] == [{"kty", "crv", "x", "y", "use", "alg", "kid"}] * 2
    assert published[0]["kid"] == ring.signing_active
    assert {key["kid"] for key in published} == set(ring.signing_keys)
    token = issue_token(tokens)
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    payload = jwt.decode(token, published[0], ["ES256"], options, audience="first-step-api", issuer=ISSUER)
    assert payload["sub"] == str(USER_ID)
