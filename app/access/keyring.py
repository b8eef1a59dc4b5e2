"""The key ring: all keys of an installation, in one private file or environment variable outside the database.

    {"encryption": {"active": "<id>", "keys": {"<id>": "<base64, 32 bytes>"}},
     "blind_index": "<base64, 32 bytes>",
     "release_draw": "<base64, 32 bytes>",
     "signing": {"active": "<kid>", "keys": {"<kid>": "<PEM, EC P-256 private key>"}}}

The active keys encrypt and sign. The other keys only decrypt and verify, until they are retired. `blind_index` and
`release_draw` never change: a published count must be rounded in the same way in every release. If the key ring is lost,
the encrypted data is lost. Back it up, and store the copy separately from the backups of the database.
"""

import base64
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field

from app.access.jwk import (
    compute_jwk_thumbprint,
    export_pem,
    export_public_jwk,
    generate_signing_key,
    load_signing_key,
)
from app.access.private_files import (
    create_file_if_absent,
    get_file_signature,
    lock_file,
    read_private_file,
    replace_file,
)
from app.config import Settings
from app.errors import Conflict, FirstStepError, NotFound
from app.structured_log import logger

KEY_BYTES = 32
MAX_RING_BYTES = 1_048_576
RELOAD_INTERVAL_SECONDS = 5.0
"""Interval at which a running process checks whether the file has changed."""


class InvalidKeyRing(FirstStepError):
    """The key ring is missing, incomplete or not private. The message does not quote its content."""

    def __init__(self, detail: str = "The key ring is not complete, or is not valid JSON.") -> None:
        super().__init__(detail)


class _KeySet(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    active: str
    keys: dict[Annotated[str, Field(pattern=r"\A[A-Za-z0-9_-]{1,64}\z")], str]


class _KeyRingFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    encryption: _KeySet
    blind_index: str
    release_draw: str
    signing: _KeySet


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class KeyRing:
    """The validated keys. Immutable: changes are written to the file and read from there."""

    encryption_active: str
    encryption_keys: Mapping[str, bytes]
    blind_index: bytes
    release_draw: bytes
    """Key of the random rounding of released statistics."""
    signing_active: str
    signing_keys: Mapping[str, ec.EllipticCurvePrivateKey]
    path: Path | None = None
    """Path of the file; None if the key ring comes from the environment."""
    file_signature: tuple[int, ...] = ()
    """Inode, modification time and size of the file when it was read."""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Parse a key ring from JSON, such as the value of `FIRSTSTEP_KEYS`.

        Raises:
            InvalidKeyRing: the text is not a valid key ring.
        """
        try:
            return cls._from_file_content(_KeyRingFile.model_validate_json(text))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InvalidKeyRing from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key ring from a file.

        Raises:
            InvalidKeyRing: the file cannot be read, is readable by other users, or is not a valid key ring.
        """
        try:
            text, signature = read_private_file(path, MAX_RING_BYTES)
        except FileNotFoundError:
            raise InvalidKeyRing(f"The key ring {path} does not exist.") from None
        except PermissionError:
            raise InvalidKeyRing(f"This user cannot read the key ring {path}.") from None
        except (OSError, ValueError):
            raise InvalidKeyRing(
                f"The key ring {path} must be a file that only its owner can read. Run `chmod 600 {path}`."
            ) from None
        try:
            return replace(cls.parse(text), path=path, file_signature=signature)
        except InvalidKeyRing:
            raise InvalidKeyRing(f"The key ring {path} is not complete, or is not valid JSON.") from None

    @classmethod
    def load_configured(cls, settings: Settings) -> Self:
        """Read the key ring from `FIRSTSTEP_KEYS`, or else from its file.

        Raises:
            InvalidKeyRing: there is no valid key ring.
        """
        if settings.keys is not None:
            return cls.parse(settings.keys.get_secret_value())
        return cls.load(settings.key_ring_path)

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the key ring at `path`, or create it with new keys. Several processes can call this at the same time."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_file_if_absent(path, cls.generate().to_json())
        return cls.load(path)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key ring without storing it."""
        key_id, signing = secrets.token_hex(4), generate_signing_key()
        kid = compute_jwk_thumbprint(export_public_jwk(signing.public_key()))
        secret, blind_index, release_draw = (os.urandom(KEY_BYTES) for _ in range(3))
        return cls(key_id, {key_id: secret}, blind_index, release_draw, kid, {kid: signing})

    @classmethod
    def _from_file_content(cls, ring: _KeyRingFile) -> Self:
        encryption = {key_id: _decode_key(text) for key_id, text in ring.encryption.keys.items()}
        signing = {kid: load_signing_key(kid, pem) for kid, pem in ring.signing.keys.items()}
        blind_index, release_draw = _decode_key(ring.blind_index), _decode_key(ring.release_draw)
        if ring.encryption.active not in encryption or ring.signing.active not in signing:
            raise ValueError
        if len({blind_index, release_draw, *encryption.values()}) != len(encryption) + 2:
            raise ValueError  # the same key is used for two purposes
        return cls(
            ring.encryption.active, encryption, blind_index, release_draw, ring.signing.active, signing
        )

    def to_json(self) -> str:
        """Return the content of the key ring's file. It contains every secret."""
        encryption = {key_id: base64.b64encode(key).decode() for key_id, key in self.encryption_keys.items()}
        signing = {kid: export_pem(key) for kid, key in self.signing_keys.items()}
        ring = {
            "encryption": {"active": self.encryption_active, "keys": encryption},
            "blind_index": base64.b64encode(self.blind_index).decode(),
            "release_draw": base64.b64encode(self.release_draw).decode(),
            "signing": {"active": self.signing_active, "keys": signing},
        }
        return json.dumps(ring, indent=2) + "\n"

    def add_encryption_key(self) -> str:
        """Add a new encryption key to the file, without activating it, and return its id.

        Raises:
            Conflict: the key ring has no file.
        """
        key_id, key = secrets.token_hex(4), os.urandom(KEY_BYTES)
        self._update_file(lambda ring: replace(ring, encryption_keys={**ring.encryption_keys, key_id: key}))
        return key_id

    def add_signing_key(self) -> str:
        """Add a new signing key to the file, without activating it, and return its id.

        Raises:
            Conflict: the key ring has no file.
        """
        key = generate_signing_key()
        kid = compute_jwk_thumbprint(export_public_jwk(key.public_key()))
        self._update_file(lambda ring: replace(ring, signing_keys={**ring.signing_keys, kid: key}))
        return kid

    def activate_key(self, key_id: str) -> "KeyRing":
        """Make a key the active one of its kind in the file, and return the new key ring.

        Every process that shares the data must have the key before, because it cannot read data that other processes
        encrypt with it.

        Raises:
            Conflict: the key ring has no file.
            NotFound: the key ring has no such key.
        """
        return self._update_file(lambda ring: _activate_key(ring, key_id))

    def retire_key(self, key_id: str) -> "KeyRing":
        """Remove an inactive key from the file and return the new key ring.

        Afterwards, values that were encrypted with the key cannot be decrypted, and tokens that were signed with it are
        rejected. Retire an encryption key only after all its values were re-encrypted, and at least
        `RELOAD_INTERVAL_SECONDS` after its successor was activated, because until then another process may still use it.
        Retire a signing key only after the last token that was signed with it has expired.

        Raises:
            Conflict: the key is active, or the key ring has no file.
            NotFound: the key ring has no such key.
        """
        return self._update_file(lambda ring: _remove_key(ring, key_id))

    def has_file_changed(self) -> bool:
        """Return whether the file has changed since this key ring was read."""
        with suppress(OSError):
            return self.path is not None and get_file_signature(self.path.stat()) != self.file_signature
        return False

    def _update_file(self, change: Callable[["KeyRing"], "KeyRing"]) -> "KeyRing":
        """Apply a change to the current content of the file, under a lock so that no concurrent change is lost."""
        if self.path is None:
            raise Conflict("The keys come from the environment. Change them there.")
        path = self.path.resolve()
        with lock_file(path):
            replace_file(path, change(KeyRing.load(path)).to_json())
        return KeyRing.load(self.path)


class ReloadingKeyRing:
    """Reloads the key ring when its file changes, so that a new key needs no restart of the server.

    A file with another key that never changes belongs to another database. It is logged and ignored.
    """

    __slots__ = ("_reload_at", "_reload_interval", "_ring")

    def __init__(self, ring: KeyRing, reload_interval: float = RELOAD_INTERVAL_SECONDS) -> None:
        self._ring = ring
        self._reload_interval = reload_interval
        self._reload_at = time.monotonic() + reload_interval

    def get(self) -> KeyRing:
        """Return the key ring. Checks the file for changes if the last check is older than the reload interval."""
        return self.reload_if_changed() if time.monotonic() >= self._reload_at else self._ring

    def reload_if_changed(self) -> KeyRing:
        """Return the key ring, reloaded if its file has changed. If the file is unreadable, keep the old key ring."""
        self._reload_at = time.monotonic() + self._reload_interval
        if self._ring.path and self._ring.has_file_changed():
            with suppress(InvalidKeyRing):
                changed = KeyRing.load(self._ring.path)
                if hmac.compare_digest(_get_permanent_keys(changed), _get_permanent_keys(self._ring)):
                    self._ring = changed
                else:
                    logger.error("key_ring_of_another_database", path=str(self._ring.path))
        return self._ring


def _get_permanent_keys(ring: KeyRing) -> bytes:
    return ring.blind_index + ring.release_draw


def _decode_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError
    return key


def _activate_key(ring: KeyRing, key_id: str) -> KeyRing:
    if key_id in ring.encryption_keys:
        return replace(ring, encryption_active=key_id)
    if key_id in ring.signing_keys:
        return replace(ring, signing_active=key_id)
    raise NotFound(f"The key ring has no key {key_id}.")


def _remove_key(ring: KeyRing, key_id: str) -> KeyRing:
    if key_id in {ring.encryption_active, ring.signing_active}:
        raise Conflict("The active key cannot be retired. Activate its successor first.")
    if key_id not in ring.encryption_keys and key_id not in ring.signing_keys:
        raise NotFound("The key ring has no such key.")
    encryption = {other_id: key for other_id, key in ring.encryption_keys.items() if other_id != key_id}
    signing = {other_id: key for other_id, key in ring.signing_keys.items() if other_id != key_id}
    return replace(ring, encryption_keys=encryption, signing_keys=signing)
