"""Similarity of names in Khmer and Latin script.

Names in one script are compared by spelling and sound, names in different scripts by sound. The script is detected from
the text, because the declared script is sometimes wrong.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

from rapidfuzz.distance import Jaro, JaroWinkler, Levenshtein

from app.models.contents import StoredPersonName
from app.services.persons.name_normalization import (
    canonical_form,
    get_consonants,
    list_sounds,
    omit_optional_signs,
)
from app.text_folding import Script, detect_script

Name: TypeAlias = StoredPersonName
"""A name with the keys `script`, `family` and `given`."""

CanonicalName: TypeAlias = tuple[Script, str, str]
"""The script, the family name and the given name."""

_SREY_PREFIX = re.compile("(?:sre[yi]|\u179f\u17d2\u179a\u17b8)(?=..)")
"""Prefix `Srey` (girl). It is removed because so many given names begin with it that only the remaining letters
distinguish them.
"""

_WHOLE_NAME_THRESHOLD, _WHOLE_NAME_SOUND_THRESHOLD = 0.95, 0.86
"""Lowest similarity of a full name without a space and the joined parts of another one, in one script and in two."""
_SINGLE_PART_WEIGHT = 0.9
"""Similarity of names of which one has a single part that is equal to the given name of the other."""
_PHONETIC_WEIGHT = {"latin": 0.6, "khmer": 0.4}
"""Weight of the phonetic similarity, by script. It is lower for Khmer, because a Khmer spelling is more reliable than a
Latin transcription.
"""
_OMITTED_SIGNS_SIMILARITY = 0.98
"""Similarity of Khmer spellings that differ only in register signs or signs of short vowels."""
_MAX_SOUND_SIMILARITY = 0.98
"""Similarity of names in different scripts with the same sound. Different names can have the same sound."""
_SHORT_KEY_LENGTH = 2
_CONSONANT_WEIGHT, _SHORT_CONSONANT_WEIGHT = 0.65, 0.45
"""Weight of the consonants when the sound of different scripts is compared, and for names with at most two consonants.

Vowels have no fixed spelling, but only they distinguish short names (Heng, Hong).
"""
_SECOND_SERIES_A_SIMILARITY = 0.97
"""Factor of the similarity if `ea` and `a` are not distinguished: both are spellings of one vowel (Neary, Nary)."""
_OMITTED_SREY_SIMILARITY, _OMITTED_WORD_SIMILARITY = 0.95, 0.9
"""Lowest similarity of two parts of which one omits the prefix Srey, or any other word."""
SAME_SOUND_THRESHOLD = 0.85
_CACHE_SIZE = 256
"""Maximum number of cached names and pairs. It is too small to keep the names of many people in memory."""


@lru_cache(maxsize=_CACHE_SIZE)
def omit_srey(word: str) -> str:
    """Return a canonical word without the prefix Srey."""
    return _SREY_PREFIX.sub("", word, count=1).strip()


def have_common_script(a_names: Sequence[Name], b_names: Sequence[Name]) -> bool:
    """Return whether both persons have a name in the same script."""
    return bool(
        {get_canonical_name(name)[0] for name in a_names} & {get_canonical_name(name)[0] for name in b_names}
    )


def name_similarity(a_names: Sequence[Name], b_names: Sequence[Name]) -> float:
    """Return the similarity, 0 to 1, of the best pair of names. Equal full names in one script have 1.

    The given name has more weight than the family name. Exchanged parts reduce the similarity a little, a missing part
    reduces it more. A nickname is passed as a name with only `given`.
    """
    pairs = ((get_canonical_name(a), get_canonical_name(b)) for a in a_names for b in b_names)
    return max((canonical_name_similarity(a, b) for a, b in pairs), default=0.0)


def get_canonical_name(name: Name) -> CanonicalName:
    """Return the script of most letters of a name, and the compared form of each part in its own script."""
    return _canonicalize(name.get("family") or "", name.get("given") or "")


@lru_cache(maxsize=_CACHE_SIZE)
def _canonicalize(family: str, given: str) -> CanonicalName:
    script = detect_script(family + given)
    return script, canonical_form(family, detect_script(family)), canonical_form(given, detect_script(given))


def canonical_name_similarity(a: CanonicalName, b: CanonicalName) -> float:
    """Return the similarity of two names, 0 to 1."""
    return max(
        _split_similarity(a_parts, b_parts)
        for a_parts in _possible_splits(a)
        for b_parts in _possible_splits(b)
    )


def _possible_splits(name: CanonicalName) -> list[tuple[str, ...]]:
    """Return the possible family and given names of a name. Several words in a single field may contain both."""
    parts = tuple(part for part in name[1:] if part)
    words = parts[0].split(" ", 1) if len(parts) == 1 else []
    return [parts, tuple(words)] if len(words) > 1 else [parts]


def _split_similarity(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    if len(a) > len(b):
        a, b = b, a
    if not a:
        return 0.0
    if len(b) == 1:
        return _SINGLE_PART_WEIGHT * part_similarity(a[0], b[0])
    if len(a) == 1:
        return _single_part_similarity(a[0], *b)
    same_order = 0.4 * part_similarity(a[0], b[0]) + 0.6 * part_similarity(a[1], b[1])
    exchanged = 0.5 * part_similarity(a[0], b[1]) + 0.5 * part_similarity(a[1], b[0])
    return max(same_order, 0.97 * exchanged)


def _single_part_similarity(part: str, family: str, given: str) -> float:
    """Compare one part with a full name: it may be the given name, the family name, or both without a space."""
    whole_name = max(part_similarity(part, family + given), part_similarity(part, given + family))
    single = max(_SINGLE_PART_WEIGHT * part_similarity(part, given), 0.7 * part_similarity(part, family))
    is_one_script = detect_script(part) == detect_script(given)
    threshold = _WHOLE_NAME_THRESHOLD if is_one_script else _WHOLE_NAME_SOUND_THRESHOLD
    return max(single, whole_name if whole_name >= threshold else 0.0)


@lru_cache(maxsize=_CACHE_SIZE)
def part_similarity(a: str, b: str) -> float:
    """Return the similarity of two canonical parts. One part may omit words of the other."""
    joined_a, joined_b = sorted((a.replace(" ", ""), b.replace(" ", "")))
    if joined_a == joined_b:
        return 1.0
    if _SREY_PREFIX.match(joined_a) and _SREY_PREFIX.match(joined_b):
        return part_similarity(omit_srey(joined_a), omit_srey(joined_b))
    scripts = {detect_script(joined_a), detect_script(joined_b)}
    if len(scripts) > 1:
        similarity = cross_script_similarity(joined_a, joined_b)
    else:
        similarity = _same_script_similarity(scripts.pop(), joined_a, joined_b)
    if _omits_srey(a, b) or _omits_srey(b, a):
        return max(similarity, _OMITTED_SREY_SIMILARITY)
    a_words, b_words = set(a.split()), set(b.split())
    return max(similarity, _OMITTED_WORD_SIMILARITY) if a_words < b_words or b_words < a_words else similarity


def _same_script_similarity(script: Script, a: str, b: str) -> float:
    """Compare two words by spelling (Jaro-Winkler) and by sound (Jaro).

    The sound is compared without Winkler's bonus for a common prefix, because many names have the same beginning
    (Soph-, Srey).
    """
    if script == "khmer" and omit_optional_signs(a) == omit_optional_signs(b):
        return _OMITTED_SIGNS_SIMILARITY
    a_sounds, b_sounds = list_sounds(script, a), list_sounds(script, b)
    phonetic = max(Jaro.similarity(a_sound, b_sound) for a_sound in a_sounds for b_sound in b_sounds)
    weight = _PHONETIC_WEIGHT[script]
    return weight * phonetic + (1 - weight) * JaroWinkler.similarity(a, b)


def cross_script_similarity(latin: str, khmer: str) -> float:
    """Compare a Latin and a Khmer word by sound."""
    latin_sounds = list_sounds("latin", latin)
    khmer_sounds = list_sounds("khmer", khmer)
    similarities = (_sound_similarity(a, b) for a in latin_sounds for b in khmer_sounds)
    return _MAX_SOUND_SIMILARITY * max(similarities, default=0.0)


def _sound_similarity(a: str, b: str) -> float:
    a_key, b_key = get_consonants(a), get_consonants(b)
    is_short = max(len(a_key), len(b_key)) <= _SHORT_KEY_LENGTH
    weight = _SHORT_CONSONANT_WEIGHT if is_short else _CONSONANT_WEIGHT
    consonants = Levenshtein.normalized_similarity(a_key, b_key)
    vowels = Levenshtein.normalized_similarity(a, b)
    if "e" in a or "e" in b:
        plain = Levenshtein.normalized_similarity(a.replace("e", "a"), b.replace("e", "a"))
        vowels = max(vowels, _SECOND_SERIES_A_SIMILARITY * plain)
    return weight * consonants + (1 - weight) * vowels


def _omits_srey(short: str, full: str) -> bool:
    """Return whether `short` is `full` without the prefix Srey."""
    rest = omit_srey(full)
    if rest == full or _SREY_PREFIX.match(short):
        return False
    return rest == short or _has_same_sound(rest, short)


def _has_same_sound(a: str, b: str) -> bool:
    """Return whether two canonical words in different scripts have the same sound."""
    if detect_script(a) == detect_script(b):
        return False
    return cross_script_similarity(*sorted((a, b))) >= SAME_SOUND_THRESHOLD
