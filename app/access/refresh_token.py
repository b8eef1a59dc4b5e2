"""Refresh tokens of sessions: "<session id>.<family>.<secret>".

The family is the same in all tokens of a session, so that a token that was replaced long ago can be distinguished from
an invented one. The secret is replaced at every refresh. The successor of a token is derived from it with the key ring,
because the database stores only digests: a client that lost the response gets the same successor again.
"""

import base64
import hashlib
import re
import secrets
from typing import NamedTuple, Self
from uuid import UUID

from app.access.vault import get_vault

FAMILY_BYTES = 16
SECRET_BYTES = 32
_PATTERN = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII
)


class RefreshToken(NamedTuple):
    """The parts of a refresh token."""

    session_id: UUID
    family: str
    secret: str

    @classmethod
    def generate(cls, session_id: UUID) -> Self:
        """Return the first refresh token of a session."""
        return cls(session_id, secrets.token_urlsafe(FAMILY_BYTES), secrets.token_urlsafe(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Return the parts of a refresh token, or None if the text is not one."""
        match = _PATTERN.fullmatch(text or "")
        return cls(UUID(match[1]), match[2], match[3]) if match else None

    def derive_successor(self) -> "RefreshToken":
        """Return the token that replaces this one, always the same."""
        digest = get_vault().blind_index.compute_digest(
            b"refresh-token", self.session_id.bytes, self.family.encode(), self.secret.encode()
        )
        return self._replace(secret=base64.urlsafe_b64encode(digest).decode().rstrip("="))

    @property
    def family_digest(self) -> bytes:
        """The digest that the database stores for the family."""
        return hashlib.sha256(self.family.encode()).digest()

    @property
    def secret_digest(self) -> bytes:
        """The digest that the database stores for the secret."""
        return hashlib.sha256(self.secret.encode()).digest()

    def __str__(self) -> str:
        return f"{self.session_id}.{self.family}.{self.secret}"
