"""Blind index: makes encrypted names searchable. The database stores no name in plain text.

For each name part or phonetic key, the database stores a token: the first bits of its HMAC. Tokens are short, so that
several names have the same token, and a stolen copy of the database does not reveal the names. A search selects rows by
token, then decrypts them and compares the names in memory.
"""

import hmac
from collections.abc import Iterable

MIN_BITS = 1
MAX_BITS = 31
"""The longest token that fits the type `integer` of PostgreSQL."""


class BlindIndex:
    """Computes tokens and keyed digests with the blind index key of the key ring."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def compute_tokens(self, keys: Iterable[str], *, context: str, bits: int = 12) -> list[int]:
        """Return the distinct tokens of normalised search keys, each below 2^`bits`, sorted.

        `context` names the indexed data ("child.name.khmer"). The same key has unrelated tokens in different contexts.
        The tokens are sorted, because the order of the keys would reveal which token belongs to the family name.

        Raises:
            ValueError: `bits` is out of range.
        """
        if not MIN_BITS <= bits <= MAX_BITS:
            raise ValueError(f"A blind index has {MIN_BITS} to {MAX_BITS} bits.")
        name = context.encode()
        prefix = len(name).to_bytes(2, "big") + name
        return sorted(
            {self._compute_token(prefix + key.encode("utf-8", "surrogatepass"), bits) for key in keys}
        )

    def compute_digest(self, purpose: bytes, *parts: bytes) -> bytes:
        """Return the full keyed digest (32 bytes) of `parts` for one purpose, such as cursors or sign-in limits."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose, *parts))
        return hmac.digest(self._key, b"\xff\xff" + message, "sha256")

    def _compute_token(self, message: bytes, bits: int) -> int:
        # `bits` is not part of the message, so that after a change of `bits` the shorter token is a prefix of the
        # longer one. An old backup and the current database together then reveal no more than the longer token.
        return int.from_bytes(hmac.digest(self._key, message, "sha256")[:4], "big") >> (32 - bits)


def recommend_token_bits(rows: int) -> int:
    """Return the recommended token length in bits: the middle of the range 2 ≤ rows / 2^bits ≤ √rows.

    `rows` is the number of people. A longer token could identify one person. With a shorter token, a search must decrypt
    many rows. If the bounds contradict each other (below 8 rows), at least 2 rows share a token.
    """
    longest = max(rows // 2, 1).bit_length() - 1
    shortest = (max(rows - 1, 0).bit_length() + 1) // 2
    return max((min(shortest, longest) + longest + 1) // 2, MIN_BITS)
