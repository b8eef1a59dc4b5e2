"""The vault: the key ring of this process and the objects that use it.

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
    """The key ring, and one object for each use of its keys."""

    key_ring: KeyRing
    cipher: Cipher
    blind_index: BlindIndex
    access_tokens: AccessTokens


@cache
def get_vault() -> Vault:
    """Return the vault of this process."""
    settings = get_settings()
    key_ring = KeyRing.load_configured(settings)
    return Vault(
        key_ring,
        Cipher(key_ring),
        BlindIndex(key_ring.blind_index),
        AccessTokens(key_ring, settings.issuer),
    )


register_cipher(lambda: get_vault().cipher)
