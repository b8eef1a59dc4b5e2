"""Encrypt a copy of the key ring with a passphrase, for backups: scrypt (RFC 7914) and AES-256-GCM.

The file is JSON. It contains the parameters of scrypt, so that a later version can raise them and still read old copies.
They are the associated data of the encryption.
"""

import os
import unicodedata
from typing import Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from app.access.keyring import KeyRing
from app.errors import Conflict

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
SCRYPT_COST = 2**17
"""OWASP's recommendation. One guess needs 128 MiB of memory."""
MAX_SCRYPT_COST = 2**20
MAX_COPY_BYTES = 4_194_304


class _Parameters(BaseModel):
    """The parameters of scrypt. The limits bound the memory that a damaged file can make this program use."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    salt: Base64Bytes = Field(min_length=SALT_BYTES)
    cost: int = Field(ge=2**14, le=MAX_SCRYPT_COST)
    block_size: int = Field(default=8, ge=8, le=8)
    parallelism: int = Field(default=1, ge=1, le=1)

    def derive_cipher(self, passphrase: str) -> AESGCM:
        function = Scrypt(
            salt=self.salt, length=KEY_BYTES, n=self.cost, r=self.block_size, p=self.parallelism
        )
        return AESGCM(function.derive(unicodedata.normalize("NFC", passphrase).encode()))


class _KeyRingCopy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["first-step-keys-1"] = "first-step-keys-1"
    scrypt: _Parameters
    nonce: Base64Bytes
    encrypted: Base64Bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            raise Conflict("The copy of the key ring is incomplete, or is another file.") from None

    def bind(self) -> bytes:
        """Return the associated data of the encryption."""
        return self.model_dump_json(include={"format", "scrypt"}).encode()


def encrypt_key_ring(ring: KeyRing, passphrase: str) -> str:
    """Return the content of the file with an encrypted copy of a key ring."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    # Base64Bytes decodes its input, so fields with raw bytes are set without validation.
    parameters = _Parameters.model_construct(salt=salt, cost=SCRYPT_COST, block_size=8, parallelism=1)
    copy = _KeyRingCopy.model_construct(scrypt=parameters, nonce=nonce, encrypted=b"")
    encrypted = parameters.derive_cipher(passphrase).encrypt(nonce, ring.to_json().encode(), copy.bind())
    return copy.model_copy(update={"encrypted": encrypted}).model_dump_json(indent=2) + "\n"


def decrypt_key_ring(text: str, passphrase: str) -> KeyRing:
    """Return the key ring of an encrypted copy.

    Raises:
        Conflict: the passphrase is wrong, or the file was changed.
    """
    copy = _KeyRingCopy.parse(text)
    try:
        content = copy.scrypt.derive_cipher(passphrase).decrypt(copy.nonce, copy.encrypted, copy.bind())
    except (InvalidTag, ValueError):
        raise Conflict(
            "The passphrase is wrong, or the copy of the key ring was changed. Its content was not read."
        ) from None
    return KeyRing.parse(content)
