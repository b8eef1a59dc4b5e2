"""Sealing what must not be read outside the application: AES-256-GCM, bound to its place in the database.

A sealed value is

    1 byte   version, 1
    1 byte   length of the key id
    n bytes  key id, ASCII
    12 bytes nonce, random
    rest     ciphertext and 16-byte tag

and its associated data are the first 2 + n bytes, the table and the column, each after its length in 2 bytes, and the
16 bytes of the row's id: moved to another row, column or table, it no longer opens. Random nonces are safe for 2^32
seals under one key (NIST SP 800-38D, section 8.3); rotate long before.
"""

import os
import uuid
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from app.access.keyring import KeyRing, ReloadingKeyRing
from app.errors import FirstStepError

FORMAT_VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
FIXED_HEADER_BYTES = 2


class DecryptionError(FirstStepError):
    """A sealed value does not open. One answer for every cause: a wrong tag, key, place, or length."""

    def __init__(self) -> None:
        super().__init__("A stored value could not be read.")


class EncryptionError(FirstStepError):
    """A value is not JSON and cannot be sealed. What it was is not said: it may be about a child."""

    def __init__(self) -> None:
        super().__init__("A value could not be stored.")


class Cipher:
    """Seals with the ring's active key, opens with any of its keys; follows the ring's file while running."""

    def __init__(self, keyring: KeyRing) -> None:
        self._key_ring_source = ReloadingKeyRing(keyring)
        self._use_key_ring(keyring)

    def encrypt(self, value: Any, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
        """Return `value` sealed as JSON; dates, decimals and UUIDs become strings. Raises `CannotSeal`."""
        try:
            text = to_json(value)
        except (ValueError, RecursionError):
            raise EncryptionError from None
        return self.encrypt_bytes(text, table=table, column=column, row_id=row_id)

    def encrypt_bytes(self, content: bytes, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
        """Return a document's bytes sealed; `open_bytes` gives them back."""
        self._refresh_key_ring()
        nonce = os.urandom(NONCE_BYTES)
        head, cipher = self._active_key
        return (
            head
            + nonce
            + cipher.encrypt(nonce, content, head + _encode_location(table, column) + row_id.bytes)
        )

    def decrypt(self, sealed: bytes, *, table: str, column: str, row_id: uuid.UUID) -> Any:
        """Return what `seal` was given, as JSON knows it. Raises `CannotOpen`."""
        content = self.decrypt_bytes(sealed, table=table, column=column, row_id=row_id)
        try:
            return from_json(content)
        except ValueError:
            raise DecryptionError from None

    def decrypt_bytes(self, sealed: bytes, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
        """Return what `seal_bytes` was given. Raises `CannotOpen`."""
        try:
            start = FIXED_HEADER_BYTES + sealed[1]
            end = start + NONCE_BYTES
            head = sealed[:start]
            cipher = self._ciphers.get(head) or self._find_added_key(head)
            return cipher.decrypt(
                sealed[start:end], sealed[end:], head + _encode_location(table, column) + row_id.bytes
            )
        except (InvalidTag, ValueError, LookupError, TypeError, AttributeError, OverflowError):
            raise DecryptionError from None

    def needs_reencryption(self, sealed: bytes) -> bool:
        """Whether the value was sealed with a key that is no longer the active one. Raises `CannotOpen`."""
        self._refresh_key_ring()
        return get_encryption_key_id(sealed) != self._key_ring.encryption_active

    def _refresh_key_ring(self) -> None:
        ring = self._key_ring_source.get()
        if ring is not self._key_ring:
            self._use_key_ring(ring)

    def _use_key_ring(self, ring: KeyRing) -> None:
        self._key_ring = ring
        self._ciphers = {_encode_header(key_id): AESGCM(key) for key_id, key in ring.encryption_keys.items()}
        active = _encode_header(ring.encryption_active)
        self._active_key = (
            active,
            self._ciphers[active],
        )  # one assignment: threads must not pair id and key wrongly

    def _find_added_key(self, head: bytes) -> AESGCM:
        """Look for a key that another process may have added just now. Raises `KeyError`."""
        self._use_key_ring(self._key_ring_source.reload_if_changed())
        return self._ciphers[head]


def get_encryption_key_id(sealed: bytes) -> str:
    """Return the id of the key a value was sealed with. Raises `CannotOpen`."""
    try:
        key_id = sealed[FIXED_HEADER_BYTES : FIXED_HEADER_BYTES + sealed[1]].decode("ascii")
        if (
            sealed[0] == FORMAT_VERSION
            and len(sealed) >= FIXED_HEADER_BYTES + len(key_id) + NONCE_BYTES + TAG_BYTES
        ):
            return key_id
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise DecryptionError


def _encode_header(key_id: str) -> bytes:
    return bytes((FORMAT_VERSION, len(key_id))) + key_id.encode("ascii")


@lru_cache(maxsize=1024)
def _encode_location(table: str, column: str) -> bytes:
    names = (table.encode(), column.encode())
    return b"".join(len(name).to_bytes(2, "big") + name for name in names)
