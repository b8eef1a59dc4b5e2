"""Blind index: makes encrypted names searchable. The database stores no name in plain text.

Children, the people around them and referrals have separate keys. The tokens of a referral therefore do not show
which child has the same name: a partner who sent a referral and obtains a copy of the database learns nothing from it.

For each name part or phonetic key, the database stores a token: the first bits of its HMAC. Tokens are short, so that
several names have the same token, and a stolen copy of the database does not reveal the names. A search selects rows by
token, then decrypts them and compares the names in memory.

The right length depends on the number of people, so the database knows it (the table `name_token_lengths`). This module
computes the longest tokens, and the functions of `alembic/sql/functions/search_tokens.sql` shorten them.
"""

import hmac
from collections.abc import Iterable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

MIN_TOKEN_BITS = 12
MAX_TOKEN_BITS = 18
"""Length of the tokens in bits: the minimum for up to 16,000 people, the maximum for 520,000 people or more."""


class BlindIndex:
    """Computes tokens and keyed digests with the blind index key of the key ring."""

    __slots__ = ("_key", "_token_keys")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._token_keys: dict[str, bytes] = {}

    def compute_tokens(self, keys: Iterable[str], *, context: str) -> list[int]:
        """Return the distinct longest tokens of normalised search keys, sorted.

        A token is an integer: a leading 1, then the bits. The leading 1 shows the length. A token that is shifted to the
        right by n is the token of the same key with n bits fewer.

        `context` identifies the indexed records ("child"). The same key has unrelated tokens in different contexts.
        The tokens are sorted, because the order of the keys would reveal which token belongs to the family name.
        """
        token_key = self._token_keys.get(context) or self._derive_token_key(context)
        return sorted({_compute_token(token_key, key.encode("utf-8", "surrogatepass")) for key in keys})

    def _derive_token_key(self, context: str) -> bytes:
        info = b"search tokens of " + context.encode()
        return self._token_keys.setdefault(context, HKDFExpand(hashes.SHA256(), 32, info).derive(self._key))

    def compute_digest(self, purpose: bytes, *parts: bytes) -> bytes:
        """Return the full keyed digest (32 bytes) of `parts` for one purpose, such as cursors or sign-in limits."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose, *parts))
        return hmac.digest(self._key, b"\xff\xff" + message, "sha256")


def _compute_token(token_key: bytes, message: bytes) -> int:
    # The length is not part of the message, so that a shorter token is a prefix of a longer one. An old backup and the
    # current database together then reveal no more than the longer token.
    digest = int.from_bytes(hmac.digest(token_key, message, "sha256")[:4], "big")
    return 1 << MAX_TOKEN_BITS | digest >> (32 - MAX_TOKEN_BITS)


def recommend_token_bits(people: int) -> int:
    """Return the recommended token length in bits: the longest at which two or more people share each token on average.

    A longer token could identify one person. With a shorter token, a search must read and compare more people.
    """
    return min(max((people // 2).bit_length() - 1, MIN_TOKEN_BITS), MAX_TOKEN_BITS)
