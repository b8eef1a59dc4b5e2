"""Rotate a key of the copied key ring of a test."""

import asyncpg

from app.access import key_canaries
from app.access.keyring import KeyRing
from app.config import Settings
from app.database.urls import get_owner_url, to_driver_url
from app.server import key_rotation


async def register_key_ring(settings: Settings) -> None:
    """Register the key ring in the database of a test, as `migrate` does."""
    owner = await asyncpg.connect(to_driver_url(get_owner_url(settings)))
    try:
        await key_canaries.register_keys(owner, KeyRing.load_configured(settings))
    finally:
        await owner.close()


async def rotate_encryption_key(settings: Settings) -> str:
    """Add an encryption key and activate it. Return its id."""
    key_id = await key_rotation.add_key(settings, "encryption")
    await key_rotation.activate_key(settings, key_id)
    return key_id
