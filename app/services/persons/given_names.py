"""Comparison of the given names of two persons: spellings of one name, a typing error, or different names.

Siblings often have similar names (Sokha and Sokhom, Vanna and Vanny), which differ in the last syllable. A similarity is
therefore not sufficient: two spellings are one name only if they have the same consonants and interchangeable vowels.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import product
from typing import Final

from rapidfuzz.distance import OSA

from app.services.persons.name_normalization import get_consonants, list_sounds, omit_optional_signs
from app.services.persons.name_similarity import (
    CanonicalName,
    Name,
    get_canonical_name,
    omit_srey,
    part_similarity,
)
from app.text_folding import detect_script

_SYLLABLE: Final = re.compile("([aeiou]?)([^aeiou]|$)")
"""A vowel class before a consonant class, or at the end of a phonetic form."""
_INTERCHANGEABLE_VOWELS: Final = tuple(map(frozenset, ("ae", "ao", ("", "a"), ("", "o"))))
"""Vowel classes that people write for one vowel before a consonant.

`ea` and `a` are one vowel of the second series (Neary, Nary). The inherent vowel is `a`, `o` or not written (Ratha, Rotha).
"""
_OTHER_ONSETS: Final = (frozenset(("d", "th")), frozenset(("b", "ph")))
"""Consonants at the beginning of Latin spellings that have one phonetic class, but not one Khmer letter (Davy, Thavy)."""
_MAX_SPELLING_DISTANCE: Final = {"latin": 2, "khmer": 3}
"""Maximum number of different letters in two spellings of one name in one script, for names of up to nine letters."""
_WHOLE_SYLLABLE: Final = re.compile("[^aeiouy][aeiouy]|[\u1780-\u17b3][\u17b6-\u17c5]")
_MIN_TYPO_LENGTH: Final = 5
"""Minimum length of a name in which one different letter can be a typing error. In a shorter name, it makes a different
name (Sina, Sona).
"""
_SAME_FAMILY_SIMILARITY: Final = 0.8


class GivenNameAgreement(Enum):
    """Degree of agreement between the given names of two persons."""

    same = "same"
    """Spellings of one name."""
    unclear = "unclear"
    """One letter differs, as after a typing error."""
    different = "different"
    unknown = "unknown"
    """At least one person has no given name."""


_ORDER: Final = (
    GivenNameAgreement.same,
    GivenNameAgreement.unknown,
    GivenNameAgreement.unclear,
    GivenNameAgreement.different,
)


def compare_given_names(a_names: Sequence[Name], b_names: Sequence[Name]) -> GivenNameAgreement:
    """Return the best agreement of the given names of two persons, whose family and given name can be exchanged."""
    agreements = {
        _compare_names(get_canonical_name(a), get_canonical_name(b)) for a, b in product(a_names, b_names)
    }
    return next((agreement for agreement in _ORDER if agreement in agreements), GivenNameAgreement.unknown)


def have_full_name(names: Sequence[Name]) -> bool:
    """Return whether a person has a full name: a family and a given name, or several words in one of these fields."""
    return any(_has_several_parts(get_canonical_name(name)) for name in names)


def have_similar_family_names(a_names: Sequence[Name], b_names: Sequence[Name]) -> bool:
    """Return whether two persons have a similar family name, or one of them has no field with a family name."""
    a_full, b_full = (
        [name for name in map(get_canonical_name, names) if name[1]] for names in (a_names, b_names)
    )
    pairs = list(product(a_full, b_full))
    return not pairs or any(_have_same_family(*pair) for pair in pairs)


def _have_same_family(a: CanonicalName, b: CanonicalName) -> bool:
    """Compare the family names of two names, of which one can have the family and the given name exchanged."""
    return part_similarity(a[1], b[1]) >= _SAME_FAMILY_SIMILARITY or any(
        are_same_given_name(*pair) for pair in _list_exchanged_names(*a[1:], *b[1:])
    )


def are_same_given_name(a: str, b: str) -> bool:
    """Return whether two canonical words are spellings of one given name."""
    return _compare_words(a, b) is GivenNameAgreement.same


def _has_several_parts(name: CanonicalName) -> bool:
    _, family, given = name
    return bool(family and given) or " " in omit_srey(family or given)


def _compare_names(a: CanonicalName, b: CanonicalName) -> GivenNameAgreement:
    (_, a_family, a_given), (_, b_family, b_given) = a, b
    if not (a_given or a_family) or not (b_given or b_family):
        return GivenNameAgreement.unknown
    pairs = list(_list_comparisons(a_family, a_given, b_family, b_given))
    agreements = {_compare_words(*pair) for pair in pairs}
    if not pairs:
        return GivenNameAgreement.unknown
    return next(agreement for agreement in _ORDER if agreement in agreements)


def _list_comparisons(a_family: str, a_given: str, b_family: str, b_given: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of texts. If the two texts of a pair are equal, the given names are the same."""
    if a_given and b_given:
        yield a_given, b_given
    for family, given, other_family, other_given in (
        (a_family, a_given, b_family, b_given),
        (b_family, b_given, a_family, a_given),
    ):
        if family and given and not (other_family and other_given):
            part = other_family or other_given
            yield from ((part, family + given), (part, given + family))
            if " " in part:
                yield part.split(" ", 1)[1], given
    yield from _list_exchanged_names(a_family, a_given, b_family, b_given)


def _list_exchanged_names(
    a_family: str, a_given: str, b_family: str, b_given: str
) -> Iterator[tuple[str, str]]:
    """Yield the given names of two full names, of which one has the family and the given name exchanged."""
    if a_family and b_family and part_similarity(a_family, b_given) >= _SAME_FAMILY_SIMILARITY:
        yield a_given, b_family
    if a_family and b_family and part_similarity(b_family, a_given) >= _SAME_FAMILY_SIMILARITY:
        yield b_given, a_family


def _compare_words(a: str, b: str) -> GivenNameAgreement:
    """Compare two canonical names, of which one may omit words of the other or the prefix Srey."""
    if not a or not b:
        return GivenNameAgreement.unknown
    a_words, b_words = set(a.split()), set(b.split())
    if a_words < b_words or b_words < a_words:
        return GivenNameAgreement.same
    first, second = a.replace(" ", ""), b.replace(" ", "")
    pairs = {(first, second), (omit_srey(first), omit_srey(second))}
    if any(_are_spellings_of_one_name(*pair) for pair in pairs):
        return GivenNameAgreement.same
    first, second = omit_srey(first), omit_srey(second)
    return GivenNameAgreement.unclear if _may_be_typing_error(first, second) else GivenNameAgreement.different


def _are_spellings_of_one_name(a: str, b: str) -> bool:
    if omit_optional_signs(a) == omit_optional_signs(b) or _are_letters_exchanged(a, b):
        return True
    scripts = detect_script(a), detect_script(b)
    if scripts[0] != scripts[1]:
        sounds = product(list_sounds(scripts[0], a), list_sounds(scripts[1], b))
        return any(_is_same_sound(*pair, is_final_interchangeable=True) for pair in sounds)
    limit = max(_MAX_SPELLING_DISTANCE[scripts[0]], max(len(a), len(b)) // 3)
    if frozenset((_get_onset(a), _get_onset(b))) in _OTHER_ONSETS or OSA.distance(a, b) > limit:
        return False
    # The first romanization of a Khmer word contains all its letters. The others omit silent letters.
    first, second = list_sounds(scripts[0], a)[0], list_sounds(scripts[1], b)[0]
    return _is_same_sound(first, second, is_final_interchangeable=scripts[0] == "khmer")


def _get_onset(word: str) -> str:
    return word[:2] if word[:2] in {"th", "ph"} else word[:1]


def _is_same_sound(a: str, b: str, *, is_final_interchangeable: bool) -> bool:
    """Return whether two phonetic forms have the same consonants, and vowels that are written for one another.

    In two Latin spellings, the last vowel must be the same (Chantha, Chanthea).
    """
    if get_consonants(a) != get_consonants(b):
        return False
    slots = zip(_SYLLABLE.findall(a), _SYLLABLE.findall(b), strict=False)
    return all(
        first[0] == second[0]
        or (first[1] and {first[0], second[0]} in _INTERCHANGEABLE_VOWELS)
        or (is_final_interchangeable and {first[0], second[0]} == {"a", "e"})
        for first, second in slots
    )


def _are_letters_exchanged(a: str, b: str) -> bool:
    """Return whether two neighbouring letters are exchanged, but not the first one."""
    is_exchange = len(a) == len(b) and len(a) >= _MIN_TYPO_LENGTH and sorted(a) == sorted(b)
    return is_exchange and a[0] == b[0] and OSA.distance(a, b, score_cutoff=1) == 1


def _may_be_typing_error(a: str, b: str) -> bool:
    """Return whether one letter differs that is neither the first one nor in the last syllable.

    Names in different scripts are compared by sound.
    """
    if detect_script(a) == detect_script(b):
        return _differ_in_one_letter(a, b)
    sounds = product(list_sounds(detect_script(a), a), list_sounds(detect_script(b), b))
    return any(_differ_in_one_letter(*pair) for pair in sounds)


def _differ_in_one_letter(a: str, b: str) -> bool:
    if max(len(a), len(b)) < _MIN_TYPO_LENGTH or OSA.distance(a, b, score_cutoff=1) != 1:
        return False
    end = 1
    while end <= min(len(a), len(b)) and a[-end] == b[-end]:
        end += 1
    rest = a[len(a) - end + 1 :]
    return a[0] == b[0] and _WHOLE_SYLLABLE.search(rest) is not None
