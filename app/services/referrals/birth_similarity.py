"""Compare the birth dates of two records: equal, similar as after a writing error, or contradicting."""

from datetime import date
from enum import Enum

from app.kit.dates import BirthRange

_PRECISE_BIRTH_DAYS = 31
"""Maximum length in days of a range of possible birth dates that counts as precise."""
_MAX_ESTIMATE_DISTANCE, _ESTIMATE_CONFLICT_DISTANCE = 0.5, 0.25
"""Similarities of birth dates, of which one is estimated, from which they agree, and below which they contradict."""
_MAX_CORRECTION_DAYS = 183
"""Distance in days up to which two recorded birth dates can be a date and its correction."""


class BirthAgreement(Enum):
    """Degree of agreement between two birth dates."""

    precise = "precise"
    """Equal to the month or the day."""
    compatible = "compatible"
    """Overlapping ranges, or near an estimate."""
    unclear = "unclear"
    near = "near"
    """Different as after a writing error."""
    conflict = "conflict"


def compare_births(a: BirthRange, b: BirthRange) -> tuple[BirthAgreement, float]:
    """Return how two birth dates agree, and their similarity from 0 to 1."""
    similarity = a.similarity_to(b)
    if similarity == 1:
        are_precise = _is_precise(a) and _is_precise(b)
        return (BirthAgreement.precise if are_precise else BirthAgreement.compatible), 1.0
    if a.is_estimated or b.is_estimated:
        if similarity >= _MAX_ESTIMATE_DISTANCE:
            return BirthAgreement.compatible, similarity
        is_conflict = similarity < _ESTIMATE_CONFLICT_DISTANCE
        return (BirthAgreement.conflict if is_conflict else BirthAgreement.unclear), similarity
    return (BirthAgreement.near if _may_be_writing_error(a, b) else BirthAgreement.conflict), similarity


def _is_precise(birth: BirthRange) -> bool:
    return (birth.latest - birth.earliest).days < _PRECISE_BIRTH_DAYS


def _may_be_writing_error(a: BirthRange, b: BirthRange) -> bool:
    """Return whether one of two recorded dates can be a wrong form of the other.

    Day and month are exchanged, one digit is wrong or two digits are exchanged, the years are neighbours, or the dates are
    less than half a year apart.
    """
    gap = max((a.earliest - b.latest).days, (b.earliest - a.latest).days)
    if gap <= _MAX_CORRECTION_DAYS:
        return True
    if _is_day(a) and _is_day(b):
        first, second = a.earliest, b.earliest
        return (
            _are_day_and_month_exchanged(first, second)
            or _differ_in_one_digit(first, second)
            or _are_neighbouring_years(first, second)
        )
    return abs(a.earliest.year - b.earliest.year) == 1 and _have_equal_months(a, b)


def _is_day(birth: BirthRange) -> bool:
    return birth.earliest == birth.latest


def _are_day_and_month_exchanged(first: date, second: date) -> bool:
    is_exchanged = (first.day, first.month) == (second.month, second.day)
    return is_exchanged and abs(first.year - second.year) <= 1


def _differ_in_one_digit(first: date, second: date) -> bool:
    """Return whether the dates, as eight digits, differ in one digit, or in two neighbouring digits that are exchanged."""
    digits, other_digits = f"{first:%Y%m%d}", f"{second:%Y%m%d}"
    positions = [place for place in range(8) if digits[place] != other_digits[place]]
    if len(positions) == 1:
        return True
    is_pair = len(positions) == 2 and positions[1] == positions[0] + 1  # noqa: PLR2004 - two digits
    return is_pair and sorted(digits) == sorted(other_digits)


def _are_neighbouring_years(first: date, second: date) -> bool:
    is_same_day = (first.month, first.day) == (second.month, second.day)
    return is_same_day and abs(first.year - second.year) == 1


def _have_equal_months(a: BirthRange, b: BirthRange) -> bool:
    """Return whether the dates, of which one may have no day, are in the same month, or one has no month."""
    return a.earliest.month == b.earliest.month or a.latest.month == b.latest.month
