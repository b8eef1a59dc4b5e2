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
PLACE: dict[str, Any] = {"table": "children", "column": "names", "row_id": ROW}
SEALER = Cipher(KeyRing.generate())

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON)
@settings(max_examples=100)
def test_what_is_sealed_opens_in_its_place(value: Any) -> None:
    assert SEALER.decrypt(SEALER.encrypt(value, **PLACE), **PLACE) == value


@given(st.binary(max_size=2000))
@settings(max_examples=50)
def test_documents_open_byte_for_byte(content: bytes) -> None:
    assert SEALER.decrypt_bytes(SEALER.encrypt_bytes(content, **PLACE), **PLACE) == content


def test_dates_and_amounts_become_strings() -> None:
    value = {
        "on": date(2012, 2, 29),
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "sum": Decimal("12.50"),
        "id": ROW,
    }
    expected = {"on": "2012-02-29", "at": "2026-01-02T03:04:05Z", "sum": "12.50", "id": str(ROW)}
    assert SEALER.decrypt(SEALER.encrypt(value, **PLACE), **PLACE) == expected


@pytest.mark.parametrize("value", [object(), "lone \ud800", b"\xff"])
def test_what_is_not_json_is_refused_without_being_quoted(value: Any) -> None:
    with pytest.raises(EncryptionError) as refusal:
        SEALER.encrypt({"secret": value}, **PLACE)
    assert str(refusal.value) == str(EncryptionError())


def test_the_layout_is_as_documented() -> None:
    ring = KeyRing.generate()
    sealed = Cipher(ring).encrypt("សុខា", **PLACE)
    key_id = ring.encryption_active.encode()
    assert sealed[: 2 + len(key_id)] == bytes([1, len(key_id)]) + key_id
    assert len(sealed) == 2 + len(key_id) + 12 + len('"សុខា"'.encode()) + 16
    assert get_encryption_key_id(sealed) == ring.encryption_active


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"row_id": uuid.UUID(int=ROW.int ^ 1)},
        {"column": "nickname"},
        {"table": "people"},
        {"table": "childrenn", "column": "ames"},
        {"table": "childre", "column": "nnames"},
        {"table": "", "column": "childrennames"},
    ],
)
def test_a_ciphertext_moved_elsewhere_does_not_open(elsewhere: dict[str, Any]) -> None:
    sealed = SEALER.encrypt("Sokha", **PLACE)
    with pytest.raises(DecryptionError):
        SEALER.decrypt(sealed, **{**PLACE, **elsewhere})


def test_every_flipped_bit_is_noticed_with_the_same_answer() -> None:
    sealed = SEALER.encrypt("Sokha", **PLACE)
    for position in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(DecryptionError) as refusal:
            SEALER.decrypt(bytes(damaged), **PLACE)
        assert str(refusal.value) == str(DecryptionError())


def test_every_truncation_is_noticed() -> None:
    sealed = SEALER.encrypt("Sokha", **PLACE)
    for length in range(len(sealed)):
        with pytest.raises(DecryptionError):
            SEALER.decrypt(sealed[:length], **PLACE)
    with pytest.raises(DecryptionError):
        SEALER.decrypt(sealed + b"\0", **PLACE)


@pytest.mark.parametrize(
    "sealed", [b"", b"\1", b"\1\xff", b"\1\0", b"\1\0" + bytes(40), None, "text", 7, [1, 2]]
)
def test_what_was_never_sealed_does_not_open(sealed: Any) -> None:
    with pytest.raises(DecryptionError):
        SEALER.decrypt(sealed, **PLACE)
    with pytest.raises(DecryptionError):
        SEALER.decrypt(sealed, table="t", column="c", row_id=None)  # type: ignore[arg-type]  # what a damaged caller sends


@pytest.mark.parametrize(
    "sealed", [b"", b"\1", b"\2\1a" + bytes(40), b"\1\1\xff" + bytes(40), b"\1\1a" + bytes(27), None]
)
def test_what_was_never_sealed_has_no_key_id(sealed: Any) -> None:
    with pytest.raises(DecryptionError):
        get_encryption_key_id(sealed)


def test_another_installations_key_does_not_open() -> None:
    with pytest.raises(DecryptionError):
        Cipher(KeyRing.generate()).decrypt(SEALER.encrypt("Sokha", **PLACE), **PLACE)


def test_a_document_that_is_not_json_does_not_open_as_json() -> None:
    with pytest.raises(DecryptionError):
        SEALER.decrypt(SEALER.encrypt_bytes(b"%PDF", **PLACE), **PLACE)


def test_nonces_do_not_repeat() -> None:
    sealed = {SEALER.encrypt_bytes(b"", **PLACE) for _ in range(20_000)}
    assert len(sealed) == 20_000


def test_old_keys_still_open_and_ask_for_resealing(tmp_path: Path) -> None:
    old = KeyRing.load_or_create(tmp_path / "keys.json")
    sealed = Cipher(old).encrypt("Sokha", **PLACE)
    renewed = Cipher(old.add_encryption_key())
    assert renewed.decrypt(sealed, **PLACE) == "Sokha"
    assert renewed.needs_reencryption(sealed)
    assert not renewed.needs_reencryption(renewed.encrypt("Sokha", **PLACE))


def test_a_retired_key_opens_nothing_any_more(tmp_path: Path) -> None:
    old = KeyRing.load_or_create(tmp_path / "keys.json")
    sealed = Cipher(old).encrypt("Sokha", **PLACE)
    with pytest.raises(DecryptionError):
        Cipher(old.add_encryption_key().retire_key(old.encryption_active)).decrypt(sealed, **PLACE)


def test_a_key_added_by_another_process_is_found_at_once(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    running = Cipher(ring)
    sealed = Cipher(ring.add_encryption_key()).encrypt("Sokha", **PLACE)
    assert running.decrypt(sealed, **PLACE) == "Sokha"
    assert not running.needs_reencryption(sealed)


def test_a_running_process_soon_seals_with_the_new_key(tmp_path: Path) -> None:
    ring = KeyRing.load_or_create(tmp_path / "keys.json")
    running = Cipher(ring)
    running._key_ring_source = ReloadingKeyRing(ring, reload_interval=0)
    added = ring.add_encryption_key()
    assert get_encryption_key_id(running.encrypt("Sokha", **PLACE)) == added.encryption_active
