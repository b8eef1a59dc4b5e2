"""Detect a key ring that does not belong to a database.

For every key, the database contains a fingerprint and a canary: a known text that is encrypted with a key derived from
it. They reveal nothing about the key. A process compares them with its key ring before it writes any data.
"""

import hmac
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.access.keyring import KeyRing
from app.errors import Conflict

BLIND_INDEX_ID = "blind_index"
RELEASE_DRAW_ID = "release_draw"
CANARY_TEXT = b"First Step"
NONCE_BYTES = 12
FINGERPRINT_BYTES = 16
SELECT_CANARIES_SQL = "SELECT key_id, purpose, fingerprint, canary FROM key_canaries"
INSERT_CANARY_SQL = """
    INSERT INTO key_canaries (key_id, purpose, fingerprint, canary, added_at) VALUES ($1, $2, $3, $4, now())
"""
DELETE_CANARY_SQL = "DELETE FROM key_canaries WHERE key_id = $1"


class KeyMaterial(NamedTuple):
    """A key of the key ring, as bytes."""

    key_id: str
    purpose: str
    secret: bytes


class Canary(NamedTuple):
    """A row of `key_canaries`."""

    key_id: str
    purpose: str
    fingerprint: bytes
    canary: bytes


async def validate_key_ring(connection: asyncpg.Connection, ring: KeyRing) -> None:
    """Check that a key ring belongs to the database of a connection.

    Raises:
        Conflict: a key is missing or differs, or the active key is not registered.
    """
    if problem := find_key_ring_problem(ring, await list_canaries(connection)):
        raise Conflict(problem)


async def list_canaries(connection: asyncpg.Connection) -> list[Canary]:
    """Return the canaries of the database. An empty list means that no key ring was used with it."""
    return [Canary(*row) for row in await connection.fetch(SELECT_CANARIES_SQL)]


async def register_keys(connection: asyncpg.Connection, ring: KeyRing) -> None:
    """Store a canary for every key of a validated key ring that has none."""
    known = {canary.key_id for canary in await list_canaries(connection)}
    for material in _list_materials(ring):
        if material.key_id not in known:
            await connection.execute(INSERT_CANARY_SQL, *create_canary(material))


async def delete_key_canary(connection: asyncpg.Connection, key_id: str) -> None:
    """Delete the canary of a retired key."""
    await connection.execute(DELETE_CANARY_SQL, key_id)


def create_canary(material: KeyMaterial) -> Canary:
    """Return the fingerprint and the canary of a key."""
    nonce = os.urandom(NONCE_BYTES)
    encrypted = AESGCM(_derive(material, b"canary")).encrypt(nonce, CANARY_TEXT, material.key_id.encode())
    return Canary(material.key_id, material.purpose, _fingerprint(material), nonce + encrypted)


def find_key_ring_problem(ring: KeyRing, canaries: Sequence[Canary]) -> str | None:
    """Return why a process with this key ring must not use the database with these canaries, or None."""
    if not canaries:
        return "The database has no registered key. Run `migrate` first."
    if problem := find_foreign_key(ring, canaries):
        return problem
    used = {ring.encryption_active, ring.signing_active, RELEASE_DRAW_ID}
    if unknown := used - {canary.key_id for canary in canaries}:
        place = ring.path or "FIRSTSTEP_KEYS"
        return f"The active key {min(unknown)} of {place} is unknown to the database. Run `migrate` to register it."
    return None


def find_foreign_key(ring: KeyRing, canaries: Sequence[Canary]) -> str | None:
    """Return why a key ring does not belong to the database with these canaries, or None."""
    materials = {material.key_id: material for material in _list_materials(ring)}
    place = ring.path or "FIRSTSTEP_KEYS"
    if any(c.key_id in materials and not _matches(c, materials[c.key_id]) for c in canaries):
        return (
            f"The key ring {place} belongs to another database. Restore the key ring of this database from its copy, "
            "or copy it from the machine that created the database."
        )
    if missing := sorted({canary.key_id for canary in canaries} - materials.keys()):
        return (
            f"The key ring {place} is incomplete: it has no key {', '.join(missing)}. Copy the current key ring from "
            "the machine that added the key."
        )
    return None


def _list_materials(ring: KeyRing) -> Iterator[KeyMaterial]:
    yield KeyMaterial(BLIND_INDEX_ID, BLIND_INDEX_ID, ring.blind_index)
    yield KeyMaterial(RELEASE_DRAW_ID, RELEASE_DRAW_ID, ring.release_draw)
    for key_id, secret in ring.encryption_keys.items():
        yield KeyMaterial(key_id, "encryption", secret)
    for key_id, signing_key in ring.signing_keys.items():
        number = signing_key.private_numbers().private_value
        yield KeyMaterial(key_id, "signing", number.to_bytes(32, "big"))


def _matches(canary: Canary, material: KeyMaterial) -> bool:
    nonce, encrypted = canary.canary[:NONCE_BYTES], canary.canary[NONCE_BYTES:]
    try:
        text = AESGCM(_derive(material, b"canary")).decrypt(nonce, encrypted, material.key_id.encode())
    except InvalidTag:
        return False
    return text == CANARY_TEXT and hmac.compare_digest(canary.fingerprint, _fingerprint(material))


def _fingerprint(material: KeyMaterial) -> bytes:
    return _derive(material, b"fingerprint")[:FINGERPRINT_BYTES]


def _derive(material: KeyMaterial, use: bytes) -> bytes:
    """Derive a key for one use, so that the key itself is used for its purpose only."""
    info = b"first-step key canary: " + use
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(material.secret)
