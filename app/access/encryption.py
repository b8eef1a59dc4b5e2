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

from app.access.keyring import CurrentKeyRing, KeyRing
from app.errors import FirstStepError

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
HEAD_BYTES = 2


class CannotOpen(FirstStepError):
    """A sealed value does not open. One answer for every cause: a wrong tag, key, place, or length."""

    def __init__(self) -> None:
        super().__init__("A stored value could not be read.")


class CannotSeal(FirstStepError):
    """A value is not JSON and cannot be sealed. What it was is not said: it may be about a child."""

    def __init__(self) -> None:
        super().__init__("A value could not be stored.")


class Sealer:
    """Seals with the ring's active key, opens with any of its keys; follows the ring's file while running."""

    def __init__(self, keyring: KeyRing) -> None:
        self._current = CurrentKeyRing(keyring)
        self._adopt(keyring)

    def seal(self, value: Any, *, table: str, column: str, row: uuid.UUID) -> bytes:
        """Return `value` sealed as JSON; dates, decimals and UUIDs become strings. Raises `CannotSeal`."""
        try:
            text = to_json(value)
        except (ValueError, RecursionError):
            raise CannotSeal from None
        return self.seal_bytes(text, table=table, column=column, row=row)

    def seal_bytes(self, content: bytes, *, table: str, column: str, row: uuid.UUID) -> bytes:
        """Return a document's bytes sealed; `open_bytes` gives them back."""
        self._follow()
        nonce = os.urandom(NONCE_BYTES)
        head, cipher = self._active
        return head + nonce + cipher.encrypt(nonce, content, head + _place(table, column) + row.bytes)

    def open(self, sealed: bytes, *, table: str, column: str, row: uuid.UUID) -> Any:
        """Return what `seal` was given, as JSON knows it. Raises `CannotOpen`."""
        content = self.open_bytes(sealed, table=table, column=column, row=row)
        try:
            return from_json(content)
        except ValueError:
            raise CannotOpen from None

    def open_bytes(self, sealed: bytes, *, table: str, column: str, row: uuid.UUID) -> bytes:
        """Return what `seal_bytes` was given. Raises `CannotOpen`."""
        try:
            start = HEAD_BYTES + sealed[1]
            end = start + NONCE_BYTES
            head = sealed[:start]
            cipher = self._ciphers.get(head) or self._newly_added(head)
            return cipher.decrypt(sealed[start:end], sealed[end:], head + _place(table, column) + row.bytes)
        except (InvalidTag, ValueError, LookupError, TypeError, AttributeError, OverflowError):
            raise CannotOpen from None

    def needs_resealing(self, sealed: bytes) -> bool:
        """Whether the value was sealed with a key that is no longer the active one. Raises `CannotOpen`."""
        self._follow()
        return key_id_of(sealed) != self._ring.encryption_active

    def _follow(self) -> None:
        ring = self._current.now()
        if ring is not self._ring:
            self._adopt(ring)

    def _adopt(self, ring: KeyRing) -> None:
        self._ring = ring
        self._ciphers = {_head(key_id): AESGCM(key) for key_id, key in ring.encryption_keys.items()}
        active = _head(ring.encryption_active)
        self._active = (
            active,
            self._ciphers[active],
        )  # one assignment: threads must not pair id and key wrongly

    def _newly_added(self, head: bytes) -> AESGCM:
        """Look for a key that another process may have added just now. Raises `KeyError`."""
        self._adopt(self._current.look())
        return self._ciphers[head]


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key a value was sealed with. Raises `CannotOpen`."""
    try:
        key_id = sealed[HEAD_BYTES : HEAD_BYTES + sealed[1]].decode("ascii")
        if sealed[0] == VERSION and len(sealed) >= HEAD_BYTES + len(key_id) + NONCE_BYTES + TAG_BYTES:
            return key_id
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise CannotOpen


def _head(key_id: str) -> bytes:
    return bytes((VERSION, len(key_id))) + key_id.encode("ascii")


@lru_cache(maxsize=1024)
def _place(table: str, column: str) -> bytes:
    names = (table.encode(), column.encode())
    return b"".join(len(name).to_bytes(2, "big") + name for name in names)
