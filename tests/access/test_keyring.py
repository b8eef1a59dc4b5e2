import base64
import json
import os
from concurrent.futures import ThreadPoolExecutor
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
from app.errors import Conflict, NotFound


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys.json"


def written(**changes: Any) -> str:
    return json.dumps({**json.loads(KeyRing.generate().to_json()), **changes})


def pem_of(key: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    text: bytes = key.private_bytes(encoding, form, serialization.NoEncryption())
    return text.decode()


def test_a_created_ring_is_private_and_loads_again(path: Path) -> None:
    made = KeyRing.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load(path).to_json() == made.to_json()
    assert [p.name for p in path.parent.iterdir()] == ["keys.json"]


def test_creating_never_overwrites(path: Path) -> None:
    assert KeyRing.load_or_create(path).to_json() == KeyRing.load_or_create(path).to_json()


def test_of_many_starting_at_once_all_get_the_same_ring(path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        rings = list(pool.map(lambda _: KeyRing.load_or_create(path).to_json(), range(32)))
    assert len(set(rings)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610, 0o644])
def test_a_ring_others_may_read_is_refused(path: Path, mode: int) -> None:
    KeyRing.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(InvalidKeyRing):
        KeyRing.load(path)


def test_what_is_not_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "absent", "."):
        with pytest.raises(InvalidKeyRing):
            KeyRing.load(tmp_path / name)


def test_a_ring_can_come_from_the_environment() -> None:
    ring = KeyRing.generate()
    assert KeyRing.parse(ring.to_json()).encryption_keys == ring.encryption_keys
    with pytest.raises(Conflict):
        KeyRing.parse(ring.to_json()).add_encryption_key()


SHARED = base64.b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        b"\xff\xfe",
        written(extra=1),
        written(blind_index="c2hvcnQ="),
        written(blind_index=SHARED[:-2] + "!!"),
        written(blind_index=None),
        written(encryption={"active": "a", "keys": {}}),
        written(encryption={"active": "a", "keys": {"b": SHARED}}),
        written(encryption={"active": "", "keys": {"": SHARED}}),
        written(encryption={"active": "ក", "keys": {"ក": SHARED}}),
        written(encryption={"active": "a" * 65, "keys": {"a" * 65: SHARED}}),
        written(encryption={"active": "a\n", "keys": {"a\n": SHARED}}),
        written(encryption={"active": "a", "keys": {"a": SHARED}}, blind_index=SHARED),
        written(encryption={"active": "a", "keys": {"a": SHARED, "b": SHARED}}),
        written(signing={"active": "a", "keys": {"a": "-----BEGIN PRIVATE KEY-----"}}),
        written(signing={"active": "a", "keys": {"a": pem_of(ec.generate_private_key(ec.SECP256R1()))}}),
        written(signing={"active": "a", "keys": {"a": pem_of(ec.generate_private_key(ec.SECP384R1()))}}),
        written(signing={"active": "a", "keys": {"a": pem_of(rsa.generate_private_key(65537, 2048))}}),
    ],
    ids=lambda _: "ring",  # workers must collect the same names: keys are new in each
)
def test_every_bad_ring_gives_the_same_answer_and_quotes_nothing(text: str | bytes) -> None:
    with pytest.raises(InvalidKeyRing) as refusal:
        KeyRing.parse(text)
    assert str(refusal.value) == str(InvalidKeyRing())
    assert refusal.value.__suppress_context__


def test_a_ring_shows_no_key_when_printed() -> None:
    ring = KeyRing.generate()
    assert "keys" not in repr(ring).lower().replace("keyring", "")


def test_adding_keys_keeps_the_old_ones(path: Path) -> None:
    first = KeyRing.load_or_create(path)
    second = first.add_encryption_key().add_signing_key()
    assert first.encryption_keys.items() < second.encryption_keys.items()
    assert set(first.signing_keys) < set(second.signing_keys)
    assert second.encryption_active not in first.encryption_keys
    assert second.signing_active not in first.signing_keys
    assert second.blind_index == first.blind_index
    assert KeyRing.load(path).to_json() == second.to_json()
    assert path.stat().st_mode & 0o777 == 0o600


def test_rotations_at_once_lose_no_key(path: Path) -> None:
    ring = KeyRing.load_or_create(path)
    with ThreadPoolExecutor(8) as pool:
        added = {r.encryption_active for r in pool.map(lambda _: ring.add_encryption_key(), range(16))}
    assert set(KeyRing.load(path).encryption_keys) >= added | {ring.encryption_active}


def test_only_a_key_that_is_not_active_can_be_retired(path: Path) -> None:
    first = KeyRing.load_or_create(path)
    for active in (first.encryption_active, first.signing_active):
        with pytest.raises(Conflict):
            first.retire_key(active)
    with pytest.raises(NotFound):
        first.retire_key("nothing")
    last = first.add_encryption_key().add_signing_key()
    last = last.retire_key(first.encryption_active).retire_key(first.signing_active)
    assert list(last.encryption_keys) == [last.encryption_active]
    assert list(last.signing_keys) == [last.signing_active]


def test_a_running_process_sees_a_rotation_by_another(path: Path) -> None:
    current = ReloadingKeyRing(KeyRing.load_or_create(path), reload_interval=0)
    added = KeyRing.load(path).add_encryption_key()
    assert current.get().encryption_active == added.encryption_active
    assert current.get() is current.get()


def test_a_file_that_went_bad_leaves_the_known_ring_in_use(path: Path) -> None:
    ring = KeyRing.load_or_create(path)
    current = ReloadingKeyRing(ring, reload_interval=0)
    path.write_text("{")
    assert current.get() is ring
    path.unlink()
    assert current.get() is ring


def test_kids_are_the_thumbprints_the_library_would_make_of_the_key() -> None:
    ring = KeyRing.generate()
    published = export_public_jwk(ring.signing_keys[ring.signing_active].public_key())
    theirs = jwk.construct(ring.signing_keys[ring.signing_active].public_key(), "ES256").to_dict()
    assert published == {name: theirs[name] for name in ("crv", "kty", "x", "y")}
    assert compute_jwk_thumbprint(published) == ring.signing_active


def test_the_thumbprint_has_the_form_of_rfc_7638() -> None:
    # computed apart from the code: sha256 of the canonical text, in base64url
    key = {"y": "b", "x": "a", "kty": "EC", "crv": "P-256"}
    assert compute_jwk_thumbprint(key) == "RDgNRYDb79jbk-P-ajJnMZumfDir5astRaQ6H-xiOCM"
