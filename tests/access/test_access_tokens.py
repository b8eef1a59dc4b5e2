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


def test_an_issued_token_says_what_was_asked_for() -> None:
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


def test_the_header_has_exactly_three_members() -> None:
    assert jwt.get_unverified_header(issue_token(create_tokens())) == HEADER


def test_a_clients_token_needs_no_auth_time() -> None:
    tokens = create_tokens()
    claims = tokens.verify_access_token(issue_token(tokens, kind="client", auth_time=None, amr=()))
    assert (claims.kind, claims.auth_time, claims.amr) == ("client", None, ())


def test_every_token_has_its_own_id() -> None:
    tokens = create_tokens()
    assert len({tokens.verify_access_token(issue_token(tokens)).jti for _ in range(20)}) == 20


def test_the_hand_made_token_the_attacks_start_from_is_accepted() -> None:
    assert create_tokens().verify_access_token(forge_token()).subject == USER_ID


@pytest.mark.parametrize(
    "changes", [{"lifetime": 0}, {"lifetime": -1}, {"lifetime": 86_401}, {"scope": "x" * 4000}]
)
def test_a_token_that_would_be_refused_is_not_issued(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exceeds the limit"):
        issue_token(create_tokens(), **changes)


def test_claims_cannot_be_changed() -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        create_tokens().verify_access_token(forge_token()).scope = "everything"  # type: ignore[misc]  # the attempt is the test


def test_a_remembered_token_still_expires() -> None:
    clock = FakeClock()
    tokens = create_tokens(clock=clock)
    token = issue_token(tokens)
    clock.now = NOW + 599.9
    assert tokens.verify_access_token(token) is tokens.verify_access_token(token)
    clock.now = NOW + 600
    assert is_rejected(token, tokens)
    assert tokens._keys.get_cached_claims(hashlib.sha256(token.encode()).digest(), NOW + 600) is None


def test_a_remembered_token_is_not_valid_before_its_time() -> None:
    clock = FakeClock()
    tokens = create_tokens(clock=clock)
    token = issue_token(tokens)
    tokens.verify_access_token(token)
    clock.now = NOW - 6
    assert is_rejected(token, tokens)


def test_a_refused_token_is_never_remembered() -> None:
    tokens = create_tokens()
    token = forge_token(key=ec.generate_private_key(ec.SECP256R1()))
    assert is_rejected(token, tokens)
    assert is_rejected(token, tokens)
    assert not tokens._keys._cached_claims


def test_the_memory_is_bounded_and_keeps_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "MAX_CACHED_CLAIMS", 3)
    tokens = create_tokens()
    used = issue_token(tokens)
    kept = tokens.verify_access_token(used)
    for _ in range(5):
        tokens.verify_access_token(issue_token(tokens))
        assert tokens.verify_access_token(used) is kept
    assert len(tokens._keys._cached_claims) == 3


def test_no_token_itself_stays_in_memory() -> None:
    tokens = create_tokens()
    token = issue_token(tokens)
    tokens.verify_access_token(token)
    assert list(tokens._keys._cached_claims) == [hashlib.sha256(token.encode()).digest()]


def test_many_at_once_get_their_own_claims() -> None:
    tokens = create_tokens()
    made = [issue_token(tokens, scope=str(i)) for i in range(20)]
    start = threading.Barrier(8)

    def verify_all(_: int) -> list[str]:
        start.wait()
        return [tokens.verify_access_token(token).scope for token in made * 5]

    with ThreadPoolExecutor(8) as pool:
        assert all(scopes == [str(i) for i in range(20)] * 5 for scopes in pool.map(verify_all, range(8)))


def test_a_token_by_an_older_key_still_verifies(tmp_path: Path) -> None:
    old = KeyRing.load_or_create(tmp_path / "keys.json")
    token = issue_token(create_tokens(old))
    new = old.add_signing_key()
    tokens = create_tokens(new)
    assert tokens.verify_access_token(token).subject == USER_ID
    assert jwt.get_unverified_header(issue_token(tokens))["kid"] == new.signing_active


def test_a_key_added_by_another_process_is_found_at_once(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    running = create_tokens(ring)
    assert running.verify_access_token(issue_token(create_tokens(ring.add_signing_key()))).subject == USER_ID


def test_a_retired_keys_tokens_end_even_where_they_are_remembered(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    running = create_tokens(ring)
    running._key_ring_source = ReloadingKeyRing(ring, reload_interval=0)
    token = issue_token(running)
    assert running.verify_access_token(token)
    rotated = ring.add_signing_key()
    assert running.verify_access_token(token)
    rotated.retire_key(ring.signing_active)
    assert is_rejected(token, running)


def test_a_kid_swapped_for_another_of_our_own_is_refused(tmp_path: Path) -> None:
    old = KeyRing.load_or_create(tmp_path / "keys.json")
    new = old.add_signing_key()
    key = new.signing_keys[old.signing_active]
    tokens = create_tokens(new)
    assert tokens.verify_access_token(forge_token({**HEADER, "kid": old.signing_active}, key=key))
    assert is_rejected(forge_token({**HEADER, "kid": new.signing_active}, key=key), tokens)


def test_the_published_keys_verify_our_tokens_and_hold_nothing_private(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json").add_signing_key()
    tokens = create_tokens(ring)
    published = tokens.get_public_jwks()["keys"]
    assert [set(key) for key in published] == [{"kty", "crv", "x", "y", "use", "alg", "kid"}] * 2
    assert published[0]["kid"] == ring.signing_active
    assert {key["kid"] for key in published} == set(ring.signing_keys)
    token = issue_token(tokens)
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    said = jwt.decode(token, published[0], ["ES256"], options, audience="first-step-api", issuer=ISSUER)
    assert said["sub"] == str(USER_ID)
