"""Search keys and similarity of names in Khmer and Latin script.

The keys feed a blind index, which only narrows the candidates. `name_similarity` and `search_query_similarity` then
compare the candidates in memory. Names are compared only within one script. The script is detected from the text,
because the declared script is sometimes wrong.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from rapidfuzz.distance import OSA, Jaro, JaroWinkler

from app.models.contents import StoredPersonName
from app.services.persons.name_normalization import (
    Script,
    canonical_form,
    consonant_skeleton,
    detect_script,
    latin_phonetic_form,
    normalize_text,
    phonetic_form,
)

__all__ = [
    "Name",
    "Script",
    "canonical_form",
    "detect_script",
    "have_common_script",
    "name_part_keys",
    "name_similarity",
    "normalize_text",
    "person_name_keys",
    "search_query_keys",
    "search_query_similarity",
]

Name: TypeAlias = StoredPersonName
"""A name with the keys `script`, `family` and `given`."""

_Word: TypeAlias = tuple[Script, str]
_CanonicalName: TypeAlias = tuple[Script, str, str]

_MAX_KEYED_WORDS = 3
_PREFIX_LENGTH = 2
_SREY_PREFIX = re.compile("(?:sre[yi]|\u179f\u17d2\u179a\u17b8)(?=..)")
"""Prefix `Srey` (girl). It is removed because so many given names begin with it that only the remaining letters
distinguish them.
"""

_WHOLE_NAME_THRESHOLD = 0.97
_MAX_SPELLING_DISTANCE = 4
_PHONETIC_WEIGHT = {"latin": 0.6, "khmer": 0.4}
"""Weight of the phonetic similarity, by script. It is lower for Khmer, because a Khmer spelling is more reliable than a
Latin transcription.
"""


def _prefixes(script: str, word: str) -> list[str]:
    """Return the search prefixes of a word, shortest first.

    Latin: 2 and 3 letters. Khmer: 2 characters and 2 base letters.
    """
    if script == "latin":
        return [word[:size] for size in (_PREFIX_LENGTH, _PREFIX_LENGTH + 1) if len(word) >= size]
    letters = [character for character in word if unicodedata.category(character)[0] != "M"]
    characters = [word[:_PREFIX_LENGTH]] if len(word) >= _PREFIX_LENGTH and word[1] != "\u17d2" else []
    return characters + (["".join(letters[:_PREFIX_LENGTH])] if len(letters) >= _PREFIX_LENGTH else [])


def _split_words(script: str, part: str) -> tuple[list[str], str]:
    words = canonical_form(part, script).split()
    return words, "".join(words)


def name_part_keys(script: str, part: str) -> set[str]:
    """Return the search keys of one part of a name. A key begins with its kind: `l=` exact, `l~` phonetic, `l^` prefix.

    The keys of Khmer words begin with `k` instead of `l`. Each of the first three words and the joined words have about
    four keys.
    """
    words, joined = _split_words(script, part)
    keys: set[str] = set()
    for word in {*words[:_MAX_KEYED_WORDS], joined} - {""}:
        keys |= {f"{script[0]}={word}", f"{script[0]}~{consonant_skeleton(script, word)}"}
        keys |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)}
    return keys


def person_name_keys(names: Sequence[Name], nickname: str | None) -> set[str]:
    """Return the search keys of a person: of each part of a name, the phonetic full name as one word, and the nickname."""
    keys: set[str] = set()
    for part in _name_parts(names, nickname):
        keys |= name_part_keys(detect_script(part), part)
    for name in names:
        script, family, given = _canonical_name(name)
        if family and given:
            keys.add(f"{script[0]}~{consonant_skeleton(script, (family + given).replace(' ', ''))}")
    return keys


def _name_parts(names: Sequence[Name], nickname: str | None) -> Iterator[str]:
    for name in names:
        yield from (part for part in (name.get("family"), name.get("given")) if part)
    if nickname:
        yield nickname


def search_query_keys(q: str) -> set[str]:
    """Return the search keys of a search text: of each word, and of all words joined."""
    keys: set[str] = set()
    words = _query_words(q)
    for script, word in (*words, *_joined_words(words)):
        keys |= {f"{script[0]}={word}", f"{script[0]}~{consonant_skeleton(script, word)}"}
        keys |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)[-1:]}
    return keys


def _query_words(q: str) -> list[_Word]:
    return [
        (detect_script(text), word)
        for text in normalize_text(q).split()
        for word in canonical_form(text, detect_script(text)).split()
    ]


def _joined_words(words: Sequence[_Word]) -> list[_Word]:
    """Return all words joined if they are in one script, because Khmer is written without spaces."""
    have_same_script = len({script for script, _ in words}) == 1
    return [(words[0][0], "".join(word for _, word in words))] if have_same_script else []


def have_common_script(a_names: Sequence[Name], b_names: Sequence[Name]) -> bool:
    """Return whether both persons have a name in the same script. If not, `name_similarity` is always 0."""
    return bool(
        {_canonical_name(name)[0] for name in a_names} & {_canonical_name(name)[0] for name in b_names}
    )


def name_similarity(a_names: Sequence[Name], b_names: Sequence[Name]) -> float:
    """Return the similarity, 0 to 1, of the best pair of names in one script. Equal full names have 1.

    The given name has more weight than the family name. Exchanged parts reduce the similarity a little, a missing part
    reduces it more. A nickname is passed as a name with only `given`.
    """
    pairs = ((_canonical_name(a), _canonical_name(b)) for a in a_names for b in b_names)
    return max((_canonical_name_similarity(a, b) for a, b in pairs if a[0] == b[0]), default=0.0)


def _canonical_name(name: Name) -> _CanonicalName:
    family, given = name.get("family") or "", name.get("given") or ""
    script = detect_script(family + given)
    return script, canonical_form(family, script), canonical_form(given, script)


def _canonical_name_similarity(a: _CanonicalName, b: _CanonicalName) -> float:
    return max(
        _split_similarity(a[0], a_parts, b_parts)
        for a_parts in _possible_splits(a)
        for b_parts in _possible_splits(b)
    )


def _possible_splits(name: _CanonicalName) -> list[tuple[str, ...]]:
    """Return the possible family and given names of a name. Several words in a single field may contain both."""
    parts = tuple(part for part in name[1:] if part)
    words = parts[0].split(" ", 1) if len(parts) == 1 else []
    return [parts, tuple(words)] if len(words) > 1 else [parts]


def _split_similarity(script: str, a: tuple[str, ...], b: tuple[str, ...]) -> float:
    if len(a) > len(b):
        a, b = b, a
    if not a:
        return 0.0
    if len(b) == 1:
        return 0.9 * _part_similarity(script, a[0], b[0])
    if len(a) == 1:
        return _single_part_similarity(script, a[0], *b)
    same_order = 0.4 * _part_similarity(script, a[0], b[0]) + 0.6 * _part_similarity(script, a[1], b[1])
    exchanged = 0.5 * _part_similarity(script, a[0], b[1]) + 0.5 * _part_similarity(script, a[1], b[0])
    return max(same_order, 0.97 * exchanged)


def _single_part_similarity(script: str, part: str, family: str, given: str) -> float:
    """Compare one part with a full name: it may be the given name, the family name, or both without a space."""
    whole_name = max(
        _part_similarity(script, part, family + given), _part_similarity(script, part, given + family)
    )
    single = max(0.85 * _part_similarity(script, part, given), 0.7 * _part_similarity(script, part, family))
    return max(single, whole_name if whole_name >= _WHOLE_NAME_THRESHOLD else 0.0)


def _part_similarity(script: str, a: str, b: str) -> float:
    """Return the similarity of two canonical parts by spelling (Jaro-Winkler) and by sound (Jaro).

    One part may omit words of the other.

    The sound is compared without Winkler's bonus for a common prefix, because many names have the same beginning
    (Soph-, Srey).
    """
    joined_a, joined_b = sorted((a.replace(" ", ""), b.replace(" ", "")))
    if joined_a == joined_b:
        return 1.0
    if _SREY_PREFIX.match(joined_a) and _SREY_PREFIX.match(joined_b):
        return _part_similarity(
            script, _SREY_PREFIX.sub("", joined_a, count=1), _SREY_PREFIX.sub("", joined_b, count=1)
        )
    phonetic = Jaro.similarity(phonetic_form(script, joined_a), phonetic_form(script, joined_b))
    weight = _PHONETIC_WEIGHT[script]
    similarity = weight * phonetic + (1 - weight) * JaroWinkler.similarity(joined_a, joined_b)
    return max(similarity, 0.9) if _omits_words(a, b) or _omits_words(b, a) else similarity


def _omits_words(short: str, full: str) -> bool:
    has_fewer_words = " " in full and set(short.split()) < set(full.split())
    return has_fewer_words or (
        bool(_SREY_PREFIX.match(full)) and _SREY_PREFIX.sub("", full, count=1).strip() == short
    )


def search_query_similarity(q: str, names: Sequence[Name], nickname: str | None) -> float:
    """Return how well a search text matches a person, 0 to 1. Each word must match a part of a name, in any order.

    Equal parts have 1. A prefix of at least two characters has a similarity by its length. A typing error reduces the
    similarity.
    """
    person_words = _person_words(names, nickname)
    query_words = _query_words(q)
    return max(
        _all_words_score(query_words, person_words),
        _all_words_score(_joined_words(query_words), person_words),
    )


def _person_words(names: Sequence[Name], nickname: str | None) -> set[_Word]:
    """Return each word, each part and each full name without spaces."""
    canonical_names = [_canonical_name(name) for name in names]
    person_words: set[_Word] = {
        (script, (family + given).replace(" ", "")) for script, family, given in canonical_names
    }
    for part in _name_parts(names, nickname):
        script = detect_script(part)
        words, joined = _split_words(script, part)
        person_words |= {(script, word) for word in (*words, joined)}
    return person_words


def _all_words_score(query_words: Sequence[_Word], person_words: set[_Word]) -> float:
    scores = [
        max(
            (_word_score(*query_word, word) for script, word in person_words if script == query_word[0]),
            default=0.0,
        )
        for query_word in query_words
    ]
    return sum(scores) / len(scores) if scores and all(scores) else 0.0


def _word_score(script: str, query_word: str, word: str) -> float:
    if query_word == word:
        return 1.0
    if word.startswith(query_word):
        return 0.7 + 0.25 * len(query_word) / len(word) if len(query_word) >= _PREFIX_LENGTH else 0.0
    return 0.95 * _part_similarity(script, query_word, word) if _is_typo(script, query_word, word) else 0.0


def _is_typo(script: str, query_word: str, word: str) -> bool:
    """Return whether at most one in four characters and at most two differ, or a Latin spelling has the same sound."""
    distance = OSA.distance(query_word, word, score_cutoff=_MAX_SPELLING_DISTANCE)
    if distance <= min(2, max(len(query_word), len(word)) // 4):
        return True
    return (
        script == "latin"
        and distance <= _MAX_SPELLING_DISTANCE
        and latin_phonetic_form(query_word) == latin_phonetic_form(word)
    )
