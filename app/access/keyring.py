"""The key ring: every key of this installation, in one private file or one environment variable, never in the database.

    {"encryption": {"active": "<id>", "keys": {"<id>": "<base64, 32 bytes>"}},
     "blind_index": "<base64, 32 bytes>",
     "signing": {"active": "<kid>", "keys": {"<kid>": "<PEM, EC P-256 private key>"}}}

Active keys make new things; the others still read old ones until they are retired. A lost ring is lost data: back it
up, and keep the copy away from the database's backups.
"""

import base64
import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field

from app.errors import Conflict, FirstStepError, NotFound

KEY_BYTES = 32
MAX_RING_BYTES = 1_048_576
RELOAD_INTERVAL_SECONDS = 5.0
"""Seconds after which a running process looks again whether the ring's file has changed."""


class InvalidKeyRing(FirstStepError):
    """The ring cannot be used. Why is not said: parsers quote what they read, and this holds nothing but secrets."""

    def __init__(self) -> None:
        super().__init__("The key ring must exist, be whole, and be readable by its owner only (mode 0600).")


class _KeySet(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    active: str
    keys: dict[Annotated[str, Field(pattern=r"\A[A-Za-z0-9_-]{1,64}\z")], str]


class _KeyRingFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    encryption: _KeySet
    blind_index: str
    signing: _KeySet


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class KeyRing:
    """The keys, checked and ready for use. Never changes: adding a key gives another ring."""

    encryption_active: str
    encryption_keys: Mapping[str, bytes]
    blind_index: bytes
    signing_active: str
    signing_keys: Mapping[str, ec.EllipticCurvePrivateKey]
    path: Path | None = None
    """Its file; None where it came from the environment."""
    file_signature: tuple[int, ...] = ()
    """What the file looked like when it was read."""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Return the ring written in `text` (the value of `FIRSTSTEP_KEYS`). Raises `BadKeyRing`."""
        try:
            return cls._from_file_content(_KeyRingFile.model_validate_json(text))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InvalidKeyRing from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the ring in a file that nobody but its owner may read. Raises `BadKeyRing`."""
        try:
            text, stamp = _read_private_file(path)
        except (OSError, ValueError):
            raise InvalidKeyRing from None
        return replace(cls.parse(text), path=path, file_signature=stamp)

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the ring at `path`, made with fresh keys if there is none; of two starting at once, one makes it."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create_file_if_absent(path, cls.generate().to_json())
        return cls.load(path)

    @classmethod
    def generate(cls) -> Self:
        """Return a new ring that is kept nowhere."""
        key_id, signing = secrets.token_hex(4), _generate_signing_key()
        kid = compute_jwk_thumbprint(export_public_jwk(signing.public_key()))
        return cls(key_id, {key_id: os.urandom(KEY_BYTES)}, os.urandom(KEY_BYTES), kid, {kid: signing})

    @classmethod
    def _from_file_content(cls, ring: _KeyRingFile) -> Self:
        encryption = {key_id: _decode_key(text) for key_id, text in ring.encryption.keys.items()}
        signing = {kid: _load_signing_key(kid, pem) for kid, pem in ring.signing.keys.items()}
        blind_index = _decode_key(ring.blind_index)
        if ring.encryption.active not in encryption or ring.signing.active not in signing:
            raise ValueError
        if len({blind_index, *encryption.values()}) != len(encryption) + 1:
            raise ValueError  # one key for two purposes
        return cls(ring.encryption.active, encryption, blind_index, ring.signing.active, signing)

    def to_json(self) -> str:
        """Return the ring as it is written to its file. Secret."""
        encryption = {key_id: base64.b64encode(key).decode() for key_id, key in self.encryption_keys.items()}
        signing = {kid: _to_pem(key) for kid, key in self.signing_keys.items()}
        ring = {
            "encryption": {"active": self.encryption_active, "keys": encryption},
            "blind_index": base64.b64encode(self.blind_index).decode(),
            "signing": {"active": self.signing_active, "keys": signing},
        }
        return json.dumps(ring, indent=2) + "\n"

    def add_encryption_key(self) -> "KeyRing":
        """Save and return the ring with a new active encryption key. Raises `Conflict` if it has no file."""
        key_id, key = secrets.token_hex(4), os.urandom(KEY_BYTES)
        return self._update_file(
            lambda ring: replace(
                ring, encryption_active=key_id, encryption_keys={**ring.encryption_keys, key_id: key}
            )
        )

    def add_signing_key(self) -> "KeyRing":
        """Save and return the ring with a new active signing key. Raises `Conflict` if it has no file."""
        key = _generate_signing_key()
        kid = compute_jwk_thumbprint(export_public_jwk(key.public_key()))
        return self._update_file(
            lambda ring: replace(ring, signing_active=kid, signing_keys={**ring.signing_keys, kid: key})
        )

    def retire_key(self, key_id: str) -> "KeyRing":
        """Save and return the ring without a key that is no longer active: what only it can read is gone for good.

        Retire an encryption key only when everything has been sealed anew, and at least `LOOK_EVERY` seconds after
        its successor was added: until then another process may still be sealing with it. Retire a signing key when
        its last token has expired. Raises `Conflict` for an active key, `NotFound` for an unknown one.
        """
        return self._update_file(lambda ring: _remove_key(ring, key_id))

    def has_file_changed(self) -> bool:
        """Whether the file has been rewritten since this ring was read from it."""
        with suppress(OSError):
            return self.path is not None and _get_file_signature(self.path.stat()) != self.file_signature
        return False

    def _update_file(self, change: Callable[["KeyRing"], "KeyRing"]) -> "KeyRing":
        """Apply the change to what the file says now, alone: two rotations at once must not lose a key."""
        if self.path is None:
            raise Conflict("The keys come from the environment: change them there.")
        path = self.path.resolve()
        with _lock_file(path):
            _replace_file(path, change(KeyRing.load(path)).to_json())
        return KeyRing.load(self.path)


class ReloadingKeyRing:
    """The ring as its file says now, so that a key added by another process is used here without a restart."""

    __slots__ = ("_reload_at", "_reload_interval", "_ring")

    def __init__(self, ring: KeyRing, reload_interval: float = RELOAD_INTERVAL_SECONDS) -> None:
        self._ring = ring
        self._reload_interval = reload_interval
        self._reload_at = time.monotonic() + reload_interval

    def get(self) -> KeyRing:
        """Return the ring, looked at again if that was more than `look_every` seconds ago."""
        return self.reload_if_changed() if time.monotonic() >= self._reload_at else self._ring

    def reload_if_changed(self) -> KeyRing:
        """Return the ring after looking at its file; one that cannot be read just now leaves the known ring in use."""
        self._reload_at = time.monotonic() + self._reload_interval
        if self._ring.path and self._ring.has_file_changed():
            with suppress(InvalidKeyRing):
                self._ring = KeyRing.load(self._ring.path)
        return self._ring


def encode_base64url(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def export_public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return the required members of a P-256 public key (RFC 7518, section 6.2.1)."""
    numbers = key.public_numbers()
    x, y = (encode_base64url(number.to_bytes(KEY_BYTES, "big")) for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def compute_jwk_thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of what `public_jwk` returned."""
    text = json.dumps(dict(jwk), sort_keys=True, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(text.encode()).digest())


def _decode_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError
    return key


def _load_signing_key(kid: str, pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError
    if compute_jwk_thumbprint(export_public_jwk(key.public_key())) != kid:
        raise ValueError
    return key


def _generate_signing_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _to_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _remove_key(ring: KeyRing, key_id: str) -> KeyRing:
    if key_id in {ring.encryption_active, ring.signing_active}:
        raise Conflict("The active key cannot be retired: add its successor first.")
    if key_id not in ring.encryption_keys and key_id not in ring.signing_keys:
        raise NotFound("The ring has no such key.")
    encryption = {k: v for k, v in ring.encryption_keys.items() if k != key_id}
    signing = {k: v for k, v in ring.signing_keys.items() if k != key_id}
    return replace(ring, encryption_keys=encryption, signing_keys=signing)


def _get_file_signature(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _read_private_file(path: Path) -> tuple[bytes, tuple[int, ...]]:
    """Read a file after checking the very thing opened: a regular file, without rights for group and world."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_size > MAX_RING_BYTES:
            raise ValueError
        return file.read(), _get_file_signature(status)


def _write_temporary_file(path: Path, text: str) -> Path:
    """Write the text durably to a private file beside `path`: what gets its name is whole or not there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return Path(name)


def _replace_file(path: Path, text: str) -> None:
    _write_temporary_file(path, text).replace(path)
    _sync_directory(path.parent)


def _create_file_if_absent(path: Path, text: str) -> None:
    draft = _write_temporary_file(path, text)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)  # atomic, and refuses to overwrite
    finally:
        draft.unlink()
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Make a rename or link survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _lock_file(path: Path) -> Iterator[None]:
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
