"""The givers whose consent is required, by the age of the child (table `consent_age_bands`)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STRICTNESS = ("not_needed", "sought", "required")
"""Effects that the answer of a giver can have, from the least to the most strict."""


@dataclass(frozen=True, slots=True)
class AgeBand:
    """The givers whose answers count from an age on, up to the next band. Values are those of `STRICTNESS`."""

    min_age: int
    child: str
    caregiver: str


def get_strictest_age_band(bands: Sequence[AgeBand], ages: tuple[int, int] | None) -> AgeBand:
    """Return the effect of the answers of child and caregiver for a range of ages, or for an unknown age (None).

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
    """Return the strictest value, or `required` if there is no value."""
    return max(values, key=STRICTNESS.index, default="required")
