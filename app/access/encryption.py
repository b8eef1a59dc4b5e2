"""Encryption of database values with AES-256-GCM. Each ciphertext is bound to its table, column and row.

A stored ciphertext consists of:

    1 byte   format version, 1
    1 byte   length n of the key id
    n bytes  key id, ASCII
    12 bytes nonce, random
    rest     AES-GCM ciphertext with its 16-byte tag

The associated data consist of the first 2 + n bytes, the names of the table and the column (each after its length in 2
bytes), and the 16 bytes of the row's id. A ciphertext that is copied to another row, column or table therefore cannot
be decrypted. Random nonces are safe for 2^32 encryptions with one key (NIST SP 800-38D, section 8.3): rotate the key
before that number is reached.
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
    """A ciphertext cannot be decrypted: its tag, key, location or length is wrong. The message does not contain the reason."""

    def __init__(self) -> None:
        super().__init__("A stored value could not be read.")


class EncryptionError(FirstStepError):
    """A value cannot be represented in JSON. The message does not quote the value, which may be about a child."""

    def __init__(self) -> None:
        super().__init__("A value could not be stored.")


class Cipher:
    """Encrypts with the active key and decrypts with any key. Reloads the key ring when its file changes."""

    def __init__(self, keyring: KeyRing) -> None:
        self._key_ring_source = ReloadingKeyRing(keyring)
        self._use_key_ring(keyring)

    def encrypt(self, value: object, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
        """Encrypt a value as JSON. Dates, decimals and UUIDs become strings.

        Raises:
            EncryptionError: the value cannot be represented in JSON.
        """
        try:
            content = to_json(value)
        except (ValueError, RecursionError):
            raise EncryptionError from None
        return self.encrypt_bytes(content, table=table, column=column, row_id=row_id)

    def encrypt_bytes(self, content: bytes, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
        """Encrypt bytes, such as the content of a file."""
        self._refresh_key_ring()
        nonce = os.urandom(NONCE_BYTES)
        header, aes = self._active_key
        associated_data = header + _encode_location(table, column) + row_id.bytes
        return header + nonce + aes.encrypt(nonce, content, associated_data)

    def decrypt(self, ciphertext: bytes, *, table: str, column: str, row_id: uuid.UUID | str) -> Any:
        """Decrypt the ciphertext of a JSON value.

        Raises:
            DecryptionError: the ciphertext was changed or belongs to another location, or its key was retired.
        """
        content = self.decrypt_bytes(ciphertext, table=table, column=column, row_id=row_id)
        try:
            return from_json(content)
        except ValueError:
            raise DecryptionError from None

    def decrypt_bytes(self, ciphertext: bytes, *, table: str, column: str, row_id: uuid.UUID | str) -> bytes:
        """Decrypt the ciphertext of bytes.

        Raises:
            DecryptionError: the ciphertext was changed or belongs to another location, or its key was retired.
        """
        try:
            start = FIXED_HEADER_BYTES + ciphertext[1]
            end = start + NONCE_BYTES
            header = ciphertext[:start]
            aes = self._ciphers.get(header) or self._find_added_key(header)
            associated_data = header + _encode_location(table, column) + _encode_row_id(row_id)
            return aes.decrypt(ciphertext[start:end], ciphertext[end:], associated_data)
        except (InvalidTag, ValueError, LookupError, TypeError, AttributeError, OverflowError):
            raise DecryptionError from None

    def needs_reencryption(self, ciphertext: bytes) -> bool:
        """Return whether a ciphertext was encrypted with a key that is not the active one.

        Raises:
            DecryptionError: the ciphertext is malformed.
        """
        self._refresh_key_ring()
        return get_encryption_key_id(ciphertext) != self._key_ring.encryption_active

    def _refresh_key_ring(self) -> None:
        ring = self._key_ring_source.get()
        if ring is not self._key_ring:
            self._use_key_ring(ring)

    def _use_key_ring(self, ring: KeyRing) -> None:
        self._key_ring = ring
        self._ciphers = {_encode_header(key_id): AESGCM(key) for key_id, key in ring.encryption_keys.items()}
        active_header = _encode_header(ring.encryption_active)
        # Header and cipher are assigned together, so that another thread never combines the header of one key with the
        # cipher of another key.
        self._active_key = (active_header, self._ciphers[active_header])

    def _find_added_key(self, header: bytes) -> AESGCM:
        """Reload the key ring, and return a key that another process has just added to it. Raises `KeyError`."""
        self._use_key_ring(self._key_ring_source.reload_if_changed())
        return self._ciphers[header]


def get_encryption_key_id(ciphertext: bytes) -> str:
    """Return the id of the key of a ciphertext.

    Raises:
        DecryptionError: the ciphertext is malformed.
    """
    try:
        key_id = ciphertext[FIXED_HEADER_BYTES : FIXED_HEADER_BYTES + ciphertext[1]].decode("ascii")
        min_length = FIXED_HEADER_BYTES + len(key_id) + NONCE_BYTES + TAG_BYTES
        if ciphertext[0] == FORMAT_VERSION and len(ciphertext) >= min_length:
            return key_id
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise DecryptionError


def _encode_header(key_id: str) -> bytes:
    return bytes((FORMAT_VERSION, len(key_id))) + key_id.encode("ascii")


def _encode_row_id(row_id: uuid.UUID | str) -> bytes:
    """Return the 16 bytes of an id. Queries of `app.access.reader` return ids as text."""
    return row_id.bytes if isinstance(row_id, uuid.UUID) else bytes.fromhex(row_id.replace("-", ""))


@lru_cache(maxsize=1024)
def _encode_location(table: str, column: str) -> bytes:
    names = (table.encode(), column.encode())
    return b"".join(len(name).to_bytes(2, "big") + name for name in names)
