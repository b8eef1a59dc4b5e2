import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.encryption import Cipher, DecryptionError, EncryptionError, get_encryption_key_id
from app.access.keyring import KeyRing, ReloadingKeyRing

ROW = uuid.UUID("8c6f2a34-95c1-4a0e-8f4e-2f1d1f3c9a01")
LOCATION: dict[str, Any] = {"table": "children", "column": "names", "row_id": ROW}
CIPHER = Cipher(KeyRing.generate())

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8")),
    lambda nested: (
        st.lists(nested, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), nested, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON)
@settings(max_examples=100)
def test_encrypted_json_is_decrypted_at_its_location(value: Any) -> None:
    assert CIPHER.decrypt(CIPHER.encrypt(value, **LOCATION), **LOCATION) == value


@given(st.binary(max_size=2000))
@settings(max_examples=50)
def test_encrypted_bytes_are_decrypted_unchanged(content: bytes) -> None:
    assert CIPHER.decrypt_bytes(CIPHER.encrypt_bytes(content, **LOCATION), **LOCATION) == content


def test_dates_decimals_and_uuids_are_decrypted_as_strings() -> None:
    value = {
        "on": date(2012, 2, 29),
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "sum": Decimal("12.50"),
        "id": ROW,
    }
    expected = {"on": "2012-02-29", "at": "2026-01-02T03:04:05Z", "sum": "12.50", "id": str(ROW)}
    assert CIPHER.decrypt(CIPHER.encrypt(value, **LOCATION), **LOCATION) == expected


@pytest.mark.parametrize("value", [object(), "lone \ud800", b"\xff"])
def test_value_that_is_not_json_is_rejected_without_quoting_it(value: Any) -> None:
    with pytest.raises(EncryptionError) as error:
        CIPHER.encrypt({"secret": value}, **LOCATION)
    assert str(error.value) == str(EncryptionError())


def test_ciphertext_has_documented_layout() -> None:
    ring = KeyRing.generate()
    ciphertext = Cipher(ring).encrypt("សុខា", **LOCATION)
    key_id = ring.encryption_active.encode()
    assert ciphertext[: 2 + len(key_id)] == bytes([1, len(key_id)]) + key_id
    assert len(ciphertext) == 2 + len(key_id) + 12 + len('"សុខា"'.encode()) + 16
    assert get_encryption_key_id(ciphertext) == ring.encryption_active


@pytest.mark.parametrize(
    "other_location",
    [
        {"row_id": uuid.UUID(int=ROW.int ^ 1)},
        {"column": "nickname"},
        {"table": "people"},
        {"table": "childrenn", "column": "ames"},
        {"table": "childre", "column": "nnames"},
        {"table": "", "column": "childrennames"},
    ],
)
def test_ciphertext_is_not_decrypted_at_another_location(other_location: dict[str, Any]) -> None:
    ciphertext = CIPHER.encrypt("Sokha", **LOCATION)
    with pytest.raises(DecryptionError):
        CIPHER.decrypt(ciphertext, **{**LOCATION, **other_location})


def test_every_flipped_bit_raises_the_same_decryption_error() -> None:
    ciphertext = CIPHER.encrypt("Sokha", **LOCATION)
    for position in range(len(ciphertext) * 8):
        damaged = bytearray(ciphertext)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(DecryptionError) as error:
            CIPHER.decrypt(bytes(damaged), **LOCATION)
        assert str(error.value) == str(DecryptionError())


def test_truncated_or_extended_ciphertext_is_rejected() -> None:
    ciphertext = CIPHER.encrypt("Sokha", **LOCATION)
    for length in range(len(ciphertext)):
        with pytest.raises(DecryptionError):
            CIPHER.decrypt(ciphertext[:length], **LOCATION)
    with pytest.raises(DecryptionError):
        CIPHER.decrypt(ciphertext + b"\0", **LOCATION)


@pytest.mark.parametrize(
    "ciphertext", [b"", b"\1", b"\1\xff", b"\1\0", b"\1\0" + bytes(40), None, "text", 7, [1, 2]]
)
def test_value_that_is_not_a_ciphertext_is_not_decrypted(ciphertext: Any) -> None:
    with pytest.raises(DecryptionError):
        CIPHER.decrypt(ciphertext, **LOCATION)
    with pytest.raises(DecryptionError):
        CIPHER.decrypt(ciphertext, table="t", column="c", row_id=None)  # type: ignore[arg-type]  # the wrong type is the test


@pytest.mark.parametrize(
    "ciphertext", [b"", b"\1", b"\2\1a" + bytes(40), b"\1\1\xff" + bytes(40), b"\1\1a" + bytes(27), None]
)
def test_value_that_is_not_a_ciphertext_has_no_key_id(ciphertext: Any) -> None:
    with pytest.raises(DecryptionError):
        get_encryption_key_id(ciphertext)


def test_ciphertext_of_another_key_ring_is_not_decrypted() -> None:
    with pytest.raises(DecryptionError):
        Cipher(KeyRing.generate()).decrypt(CIPHER.encrypt("Sokha", **LOCATION), **LOCATION)


def test_encrypted_bytes_are_not_decrypted_as_json() -> None:
    with pytest.raises(DecryptionError):
        CIPHER.decrypt(CIPHER.encrypt_bytes(b"%PDF", **LOCATION), **LOCATION)


def test_nonces_do_not_repeat() -> None:
    ciphertexts = {CIPHER.encrypt_bytes(b"", **LOCATION) for _ in range(20_000)}
    assert len(ciphertexts) == 20_000


def test_ciphertext_of_old_key_is_decrypted_and_needs_reencryption(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    ciphertext = Cipher(ring).encrypt("Sokha", **LOCATION)
    rotated = Cipher(ring.activate_key(ring.add_encryption_key()))
    assert rotated.decrypt(ciphertext, **LOCATION) == "Sokha"
    assert rotated.needs_reencryption(ciphertext)
    assert not rotated.needs_reencryption(rotated.encrypt("Sokha", **LOCATION))


def test_ciphertext_of_retired_key_is_not_decrypted(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    ciphertext = Cipher(ring).encrypt("Sokha", **LOCATION)
    with pytest.raises(DecryptionError):
        Cipher(ring.activate_key(ring.add_encryption_key()).retire_key(ring.encryption_active)).decrypt(
            ciphertext, **LOCATION
        )


def test_key_added_by_another_process_decrypts_immediately(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    cipher = Cipher(ring)
    ciphertext = Cipher(ring.activate_key(ring.add_encryption_key())).encrypt("Sokha", **LOCATION)
    assert cipher.decrypt(ciphertext, **LOCATION) == "Sokha"
    assert not cipher.needs_reencryption(ciphertext)


def test_cipher_encrypts_with_new_key_after_reload(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    cipher = Cipher(ring)
    cipher._key_ring_source = ReloadingKeyRing(ring, reload_interval=0)
    added = ring.activate_key(ring.add_encryption_key())
    assert get_encryption_key_id(cipher.encrypt("Sokha", **LOCATION)) == added.encryption_active
