"""Whose consent a child needs, by age. The bands are data of the installation (table `consent_age_bands`)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STRICTNESS = ("not_needed", "sought", "required")
"""How the word of a giver counts, from the least to the most strict."""


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Whose word counts from an age on, up to the next band. Values are those of `STRICTNESS`."""

    min_age: int
    child: str
    caregiver: str


def find_needed_words(bands: Sequence[AgeBand], ages: tuple[int, int] | None) -> AgeBand:
    """Return how the words of child and caregiver count for a range of ages, None if the age is unknown.

    If the age can be in several bands, the strictest value of each giver counts.
    """
    lowest, highest = ages or (0, math.inf)
    ordered = sorted(bands, key=lambda band: band.min_age)
    ends = [*(band.min_age for band in ordered[1:]), math.inf]
    possible = [
        band for band, end in zip(ordered, ends, strict=False) if band.min_age <= highest and lowest < end
    ]
    return AgeBand(
        int(lowest),
        _strictest([band.child for band in possible]),
        _strictest([band.caregiver for band in possible]),
    )


def _strictest(values: Sequence[str]) -> str:
    """Return the strictest value, and `required` without any."""
    return max(values, key=STRICTNESS.index, default="required")
