"""Random rounding to base 5: the only form in which a small count is published.

The draw is keyed by the label of the cell and not by its members. A count that is published again with the same label is
therefore rounded in the same way, so that requests of it cannot be averaged. A changed figure does not prove that one
person was added.
"""

import hmac
from collections.abc import Mapping

ROUNDING_BASE = 5
"""A published count is a multiple of this number."""
MAX_ROUNDING_ERROR = ROUNDING_BASE - 1
"""Largest difference between a published count and the true one. A published 0 means 0 to 4."""
DRAW_BITS = 64


def build_cell_label(report: str, period: str, values: Mapping[str, str]) -> bytes:
    """Return the canonical label of a cell, for example `new_cases|2026-Q1|kind=hsb|sex=male`.

    The order of the dimensions does not matter. A total has no values.

    Raises:
        ValueError: A part contains a separator, so that two cells could have the same label.
    """
    parts = [report, period, *(f"{name}={value}" for name, value in sorted(values.items()))]
    if any("|" in part for part in parts) or any("=" in name for name in values):
        raise ValueError("A label must not contain its separators.")
    return "|".join(parts).encode()


def round_randomly(count: int, label: bytes, key: bytes) -> int:
    """Return the count to publish. It is the next lower or the next higher multiple of 5, and on average the true count.

    Raises:
        ValueError: The count is negative.
    """
    if count < 0:
        raise ValueError("A count must not be negative.")
    low, rest = count - count % ROUNDING_BASE, count % ROUNDING_BASE
    draw = int.from_bytes(hmac.digest(key, label, "sha256")[: DRAW_BITS // 8], "big")
    # Integers instead of fractions, so that the result is the same on every machine.
    return low + ROUNDING_BASE * (draw * ROUNDING_BASE < rest << DRAW_BITS)
