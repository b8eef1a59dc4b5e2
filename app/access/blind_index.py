"""Short blind indexes: names become searchable without standing in the database.

A name part or phonetic key is replaced by the first few bits of its HMAC. So few, on purpose, that every token belongs
to several people: a stolen dump cannot tell which. Whoever finds rows by token opens and compares them in memory.
"""

import hmac
from collections.abc import Iterable

MIN_BITS = 1
MAX_BITS = 31
"""Tokens fit PostgreSQL's integer."""


class BlindIndex:
    """Makes tokens with the ring's blind index key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def compute_tokens(self, keys: Iterable[str], *, context: str, bits: int = 12) -> list[int]:
        """Return the tokens of already normalised search keys: sorted, each once, below 2^`bits`.

        `context` names what is indexed ("child.name.khmer"): equal keys of different contexts get unrelated tokens.
        Sorted, because their order would tell family from given name. Raises `ValueError` for bits out of range.
        """
        if not MIN_BITS <= bits <= MAX_BITS:
            raise ValueError(f"A blind index has {MIN_BITS} to {MAX_BITS} bits.")
        name = context.encode()
        prefix = len(name).to_bytes(2, "big") + name
        return sorted(
            {self._compute_token(prefix + key.encode("utf-8", "surrogatepass"), bits) for key in keys}
        )

    def compute_digest(self, purpose: bytes, *parts: bytes) -> bytes:
        """Return a whole keyed digest (32 bytes) of parts, for one purpose: cursors, accounts that failed to sign in."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose, *parts))
        return hmac.digest(self._key, b"\xff\xff" + message, "sha256")

    def _compute_token(self, message: bytes, bits: int) -> int:
        # `bits` is deliberately not part of the message: after a change of length, the tokens in an old
        # backup are prefixes of the new ones, or the reverse, and together say no more than the longer.
        return int.from_bytes(hmac.digest(self._key, message, "sha256")[:4], "big") >> (32 - bits)


def recommended_token_bits(rows: int) -> int:
    """Return how long tokens should be for so many people: the middle of 2 ≤ rows / 2^bits ≤ √rows.

    Longer, and a token begins to point at one person; shorter, and a search opens half the table. Below 8 rows the
    two bounds can contradict each other: then privacy wins.
    """
    longest = max(rows // 2, 1).bit_length() - 1
    shortest = (max(rows - 1, 0).bit_length() + 1) // 2
    return max((min(shortest, longest) + longest + 1) // 2, MIN_BITS)
