import base64
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk

from app.access.jwk import compute_jwk_thumbprint, export_public_jwk
from app.access.keyring import (
    InvalidKeyRing,
    KeyRing,
    ReloadingKeyRing,
)
from app.access.private_files import replace_file
from app.errors import Conflict, NotFound


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys.json"


def build_key_ring_text(**changes: Any) -> str:
    return json.dumps({**json.loads(KeyRing.generate().to_json()), **changes})


def to_pem(key: Any) -> str:
    encoding, key_format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    text: bytes = key.private_bytes(encoding, key_format, serialization.NoEncryption())
    return text.decode()


def test_created_key_ring_has_private_file_and_is_loaded_again(path: Path) -> None:
    created = KeyRing.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load(path).to_json() == created.to_json()
    assert [p.name for p in path.parent.iterdir()] == ["keys.json"]


def test_existing_key_ring_is_not_overwritten(path: Path) -> None:
    assert KeyRing.load_or_create(path).to_json() == KeyRing.load_or_create(path).to_json()


def test_concurrent_starts_get_the_same_key_ring(path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        rings = list(pool.map(lambda _: KeyRing.load_or_create(path).to_json(), range(32)))
    assert len(set(rings)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610, 0o644])
def test_file_accessible_to_other_users_is_rejected(path: Path, mode: int) -> None:
    KeyRing.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(InvalidKeyRing):
        KeyRing.load(path)


def test_path_that_is_not_a_regular_file_is_rejected_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "absent", "."):
        with pytest.raises(InvalidKeyRing):
            KeyRing.load(tmp_path / name)


def test_key_ring_from_environment_is_parsed_but_not_changed() -> None:
    ring = KeyRing.generate()
    assert KeyRing.parse(ring.to_json()).encryption_keys == ring.encryption_keys
    with pytest.raises(Conflict):
        KeyRing.parse(ring.to_json()).add_encryption_key()


ENCRYPTION_KEY = base64.b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        b"\xff\xfe",
        build_key_ring_text(extra=1),
        build_key_ring_text(blind_index="c2hvcnQ="),
        build_key_ring_text(blind_index=ENCRYPTION_KEY[:-2] + "!!"),
        build_key_ring_text(blind_index=None),
        build_key_ring_text(release_draw=None),
        build_key_ring_text(blind_index=ENCRYPTION_KEY, release_draw=ENCRYPTION_KEY),
        build_key_ring_text(encryption={"active": "a", "keys": {}}),
        build_key_ring_text(encryption={"active": "a", "keys": {"b": ENCRYPTION_KEY}}),
        build_key_ring_text(encryption={"active": "", "keys": {"": ENCRYPTION_KEY}}),
        build_key_ring_text(encryption={"active": "ក", "keys": {"ក": ENCRYPTION_KEY}}),
        build_key_ring_text(encryption={"active": "a" * 65, "keys": {"a" * 65: ENCRYPTION_KEY}}),
        build_key_ring_text(encryption={"active": "a\n", "keys": {"a\n": ENCRYPTION_KEY}}),
        build_key_ring_text(
            encryption={"active": "a", "keys": {"a": ENCRYPTION_KEY}}, blind_index=ENCRYPTION_KEY
        ),
        build_key_ring_text(encryption={"active": "a", "keys": {"a": ENCRYPTION_KEY, "b": ENCRYPTION_KEY}}),
        build_key_ring_text(signing={"active": "a", "keys": {"a": "-----BEGIN PRIVATE KEY-----"}}),
        build_key_ring_text(
            signing={"active": "a", "keys": {"a": to_pem(ec.generate_private_key(ec.SECP256R1()))}}
        ),
        build_key_ring_text(
            signing={"active": "a", "keys": {"a": to_pem(ec.generate_private_key(ec.SECP384R1()))}}
        ),
        build_key_ring_text(
            signing={"active": "a", "keys": {"a": to_pem(rsa.generate_private_key(65537, 2048))}}
        ),
    ],
    ids=lambda _: "ring",  # test workers must collect the same ids, and each generates other keys
)
def test_error_for_invalid_key_ring_does_not_quote_its_content(text: str | bytes) -> None:
    with pytest.raises(InvalidKeyRing) as error:
        KeyRing.parse(text)
    assert str(error.value) == str(InvalidKeyRing())
    assert error.value.__suppress_context__


def test_repr_of_key_ring_contains_no_key() -> None:
    ring = KeyRing.generate()
    assert "keys" not in repr(ring).lower().replace("keyring", "")


def test_activating_a_key_keeps_the_old_keys_in_the_key_ring(path: Path) -> None:
    first = KeyRing.load_or_create(path)
    first.activate_key(first.add_encryption_key())
    second = first.activate_key(first.add_signing_key())
    assert first.encryption_keys.items() < second.encryption_keys.items()
    assert set(first.signing_keys) < set(second.signing_keys)
    assert second.encryption_active not in first.encryption_keys
    assert second.signing_active not in first.signing_keys
    assert second.blind_index == first.blind_index
    assert second.release_draw == first.release_draw
    assert KeyRing.load(path).to_json() == second.to_json()
    assert path.stat().st_mode & 0o777 == 0o600


def test_concurrent_rotations_lose_no_key(path: Path) -> None:
    ring = KeyRing.load_or_create(path)
    with ThreadPoolExecutor(8) as pool:
        added = set(pool.map(lambda _: ring.add_encryption_key(), range(16)))
    assert set(KeyRing.load(path).encryption_keys) >= added | {ring.encryption_active}


def test_active_key_cannot_be_retired(path: Path) -> None:
    first = KeyRing.load_or_create(path)
    for active in (first.encryption_active, first.signing_active):
        with pytest.raises(Conflict):
            first.retire_key(active)
    with pytest.raises(NotFound):
        first.retire_key("nothing")
    first.activate_key(first.add_encryption_key())
    rotated = first.activate_key(first.add_signing_key())
    rotated = rotated.retire_key(first.encryption_active).retire_key(first.signing_active)
    assert list(rotated.encryption_keys) == [rotated.encryption_active]
    assert list(rotated.signing_keys) == [rotated.signing_active]


def test_rotation_by_another_process_is_loaded(path: Path) -> None:
    reloading = ReloadingKeyRing(KeyRing.load_or_create(path), reload_interval=0)
    added = KeyRing.load(path).add_encryption_key()
    assert reloading.get().encryption_active != added
    assert added in reloading.get().encryption_keys
    KeyRing.load(path).activate_key(added)
    assert reloading.get().encryption_active == added
    assert reloading.get() is reloading.get()


def test_added_keys_are_not_active_until_they_are_activated(path: Path) -> None:
    first = KeyRing.load_or_create(path)
    added = {first.add_encryption_key(), first.add_signing_key()}
    second = KeyRing.load(path)
    assert {*second.encryption_keys, *second.signing_keys} >= added
    assert (second.encryption_active, second.signing_active) == (
        first.encryption_active,
        first.signing_active,
    )
    with pytest.raises(NotFound):
        first.activate_key("nothing")


def test_key_ring_of_another_database_is_not_reloaded(path: Path) -> None:
    # Catches: `reload_if_changed` without the comparison of the blind index keys.
    ring = KeyRing.load_or_create(path)
    reloading = ReloadingKeyRing(ring, reload_interval=0)
    replace_file(path, KeyRing.generate().to_json())
    assert reloading.get() is ring


def test_key_ring_with_another_rounding_key_is_not_reloaded(path: Path) -> None:
    ring = KeyRing.load_or_create(path)
    reloading = ReloadingKeyRing(ring, reload_interval=0)
    replace_file(path, replace(ring, release_draw=b"o" * 32).to_json())
    assert reloading.get() is ring


def test_previous_key_ring_stays_in_use_if_file_becomes_unreadable(path: Path) -> None:
    ring = KeyRing.load_or_create(path)
    reloading = ReloadingKeyRing(ring, reload_interval=0)
    path.write_text("{")
    assert reloading.get() is ring
    path.unlink()
    assert reloading.get() is ring


def test_kid_is_thumbprint_of_key_as_exported_by_library() -> None:
    ring = KeyRing.generate()
    exported_jwk = export_public_jwk(ring.signing_keys[ring.signing_active].public_key())
    library_jwk = jwk.construct(ring.signing_keys[ring.signing_active].public_key(), "ES256").to_dict()
    assert exported_jwk == {name: library_jwk[name] for name in ("crv", "kty", "x", "y")}
    assert compute_jwk_thumbprint(exported_jwk) == ring.signing_active


def test_thumbprint_follows_rfc_7638() -> None:
    # Computed independently: SHA-256 of the canonical JSON, in base64url.
    key = {"y": "b", "x": "a", "kty": "EC", "crv": "P-256"}
    assert compute_jwk_thumbprint(key) == "RDgNRYDb79jbk-P-ajJnMZumfDir5astRaQ6H-xiOCM"
