"""Passwords an administrator hands over: made by us, good for three days, and only to choose another one.

Stored as `once <Unix seconds> <argon2id hash>` where a chosen password's hash would stand (OWASP ASVS 6.4.1, 6.4.6).
"""

import secrets
import time
from typing import NamedTuple

from app.access.passwords import hash_password

LIFETIME_SECONDS = 3 * 24 * 3600
"""Seconds."""
GROUPS = 5
GROUP_LENGTH = 4
"""5 groups of 4 characters of 32: 100 random bits, and still fit to be typed from paper."""
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: no i, l, o, u."""
INITIAL_PASSWORD_MARKER = "once"  # noqa: S105 - a marker


class StoredPassword(NamedTuple):
    """What stands in a user's password column."""

    password_hash: str | None
    """None: nothing can be the right password."""
    is_initial: bool


async def issue_initial_password() -> tuple[str, str]:
    """Return a new password, to be shown once, and what is stored of it."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    password = "-".join(groups)
    return (
        password,
        f"{INITIAL_PASSWORD_MARKER} {int(time.time()) + LIFETIME_SECONDS} {await hash_password(password)}",
    )


def parse_stored_password(stored: str | None) -> StoredPassword:
    """Tell a chosen password's hash from an initial one's; an initial one that is over is no password."""
    mark, _, rest = (stored or "").partition(" ")
    if mark != INITIAL_PASSWORD_MARKER:
        return StoredPassword(stored, is_initial=False)
    ends_at, _, password_hash = rest.partition(" ")
    return StoredPassword(password_hash if time.time() < int(ends_at) else None, is_initial=True)
