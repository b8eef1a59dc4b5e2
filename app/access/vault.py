"""The keys of this process and the mechanisms that use them.

Importing this module registers the cipher of the encrypted fields of all tables.
"""

from dataclasses import dataclass
from functools import cache

from app.access.blind_index import BlindIndex
from app.access.encryption import Cipher
from app.access.keyring import KeyRing
from app.access.tokens import AccessTokens
from app.config import get_settings
from app.models.encrypted_field import register_cipher


@dataclass(frozen=True, slots=True)
class Vault:
    """Every mechanism that needs a key."""

    key_ring: KeyRing
    cipher: Cipher
    blind_index: BlindIndex
    access_tokens: AccessTokens


@cache
def get_vault() -> Vault:
    """Return the vault of this process. Its mechanisms reload the key ring when its file changes."""
    settings = get_settings()
    key_ring = (
        KeyRing.load(settings.key_ring_path)
        if settings.keys is None
        else KeyRing.parse(settings.keys.get_secret_value())
    )
    return Vault(
        key_ring,
        Cipher(key_ring),
        BlindIndex(key_ring.blind_index),
        AccessTokens(key_ring, settings.issuer),
    )


register_cipher(lambda: get_vault().cipher)
