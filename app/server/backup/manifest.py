"""The manifest of a backup: its origin, and the values that a restore compares with the restored database.

The manifest has a message authentication code with a key that is derived from the key ring. A restore runs the statements of
the dump as a superuser, so it accepts only a dump that belongs to an authentic manifest.
"""

import hashlib
import hmac
import stat
from datetime import datetime
from pathlib import Path
from typing import Literal, Self
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.access.key_canaries import Canary
from app.access.keyring import KeyRing
from app.database.schema_revision import get_newest_revision, list_revisions
from app.errors import Conflict

MANIFEST_NAME = "manifest.json"
DUMP_NAME = "database.dump"
MAX_MANIFEST_BYTES = 4_194_304
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64")


class LogEnd(_Part):
    """The size and the end of the access log."""

    events: int
    entries: int
    last_event_id: UUID | None
    last_event_at: datetime | None


class DatabaseFacts(_Part):
    """The state of a database in the snapshot of its dump."""

    taken_at: datetime
    """The time of the snapshot, by the clock of the database."""
    server_version: str
    schema_revision: str
    role_prefix: str
    roles: list[str]
    """All roles that own objects of the database or have privileges on them."""
    canaries: list[Canary]
    rows: dict[str, int]
    """The number of rows of each table."""
    log: LogEnd

    @property
    def server_major(self) -> int:
        """The major version of PostgreSQL."""
        return int(self.server_version.partition(".")[0])


class FileFacts(_Part):
    """The size and the checksum of a file."""

    bytes: int
    sha256: str

    @classmethod
    def compute(cls, path: Path) -> Self:
        """Read a file in parts."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return cls(bytes=file.tell(), sha256=digest.hexdigest())


class Manifest(_Part):
    """The content of the file."""

    format: Literal["first-step-backup-1"] = "first-step-backup-1"
    id: UUID
    program_version: str
    database: DatabaseFacts
    files: dict[str, FileFacts]
    code: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    """The message authentication code of all other fields, in hexadecimal."""

    @classmethod
    def load(cls, backup: Path) -> Self:
        """Read the manifest of a backup.

        Raises:
            Conflict: the backup has no valid manifest.
        """
        path = backup / MANIFEST_NAME
        if not path.is_file():
            raise Conflict(f"{backup} is not a complete backup: it has no {MANIFEST_NAME}.")
        try:
            with path.open("rb") as file:
                return cls.model_validate_json(file.read(MAX_MANIFEST_BYTES))
        except ValidationError:
            raise Conflict(
                f"{path} is incomplete, or a newer version of First Step wrote it. Use another copy of the backup."
            ) from None

    def authenticate(self, ring: KeyRing) -> Self:
        """Return the manifest with its message authentication code."""
        return self.model_copy(update={"code": self._compute_code(ring)})

    def verify_code(self, ring: KeyRing) -> None:
        """Check that the manifest is as `backup` wrote it.

        Raises:
            Conflict: it was changed.
        """
        if not hmac.compare_digest(self.code, self._compute_code(ring)):
            raise Conflict(f"{MANIFEST_NAME} was changed after the backup. Use another copy of the backup.")

    def verify_files(self, backup: Path) -> None:
        """Check the size and the checksum of every file, and that other users cannot change it after this check.

        Raises:
            Conflict: a file is missing, was changed, or can be changed by other users.
        """
        if set(self.files) != {DUMP_NAME}:
            raise Conflict(f"{MANIFEST_NAME} does not list exactly the files of a backup.")
        for name, expected in self.files.items():
            path = backup / name
            if not path.is_file():
                raise Conflict(f"The backup is incomplete: {name} is missing.")
            for writable in (path, backup):
                if writable.stat().st_mode & WRITABLE_BY_OTHERS:
                    raise Conflict(
                        f"Other users can change {writable}. Run `chmod go-w {writable}`, then restore again."
                    )
            if path.stat().st_size != expected.bytes or FileFacts.compute(path) != expected:
                raise Conflict(
                    f"{name} was cut off or changed after the backup. Use another copy of the backup."
                )

    def require_known_revision(self) -> None:
        """Check that this version of First Step knows the schema of the backup.

        Raises:
            Conflict: a newer version wrote it.
        """
        if self.database.schema_revision not in list_revisions():
            raise Conflict(
                f"The backup has the schema revision {self.database.schema_revision}, and this version of First Step knows "
                f"revisions up to {get_newest_revision()}. Restore it with version {self.program_version}."
            )

    def _compute_code(self, ring: KeyRing) -> str:
        function = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"first-step backup manifest")
        content = self.model_dump_json(exclude={"code"}).encode()
        return hmac.digest(function.derive(ring.blind_index), content, "sha256").hex()
