"""The keys of this process, and the two words services use with them: seal and unseal."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from app.access.blind_index import BlindIndex
from app.access.encryption import Cipher
from app.access.keyring import KeyRing
from app.access.tokens import AccessTokens
from app.config import get_settings


@dataclass(frozen=True, slots=True)
class Vault:
    """Everything that needs a key."""

    key_ring: KeyRing
    cipher: Cipher
    blind_index: BlindIndex
    access_tokens: AccessTokens


@cache
def get_vault() -> Vault:
    """Return the vault of this process; opened once, follows the key ring's file from then on."""
    chosen = get_settings()
    ring = (
        KeyRing.load(chosen.key_ring_path)
        if chosen.keys is None
        else KeyRing.parse(chosen.keys.get_secret_value())
    )
    return Vault(ring, Cipher(ring), BlindIndex(ring.blind_index), AccessTokens(ring, chosen.issuer))


def encrypt(record: Any, column: str, value: Any) -> None:
    """Write a JSON-able value into a sealed column of a record, bound to that record's id."""
    sealed = get_vault().cipher.encrypt(value, table=record.__tablename__, column=column, row_id=record.id)
    setattr(record, column, sealed)


def decrypt(record: Any, column: str = "sealed") -> Any:
    """Read a sealed column of a record; an empty one is an empty dict.

    Raises:
        CannotOpen: the value was changed, moved here from another row, or its key is gone.
    """
    sealed = getattr(record, column)
    return decrypt_value(record.__tablename__, column, record.id, sealed) if sealed else {}


def decrypt_value(table: str, column: str, row: UUID, sealed: bytes) -> Any:
    """Open a sealed value that was read without its record."""
    return get_vault().cipher.decrypt(sealed, table=table, column=column, row_id=row)
