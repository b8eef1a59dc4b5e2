"""Names in two scripts: the keys candidates are found by, how alike two names are, what a search text fits.

Keys feed blind indexes, so they only narrow; `similarity` and `matches_query` then judge the candidates in
memory. Names are compared within one script. What a value is written in decides its script: labels err.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from rapidfuzz.distance import OSA, Jaro, JaroWinkler

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

Name: TypeAlias = Mapping[str, str | None]
"""`script`, `family`, `given`: as it came over the wire, or out of the vault."""

_Word: TypeAlias = tuple[Script, str]
_CanonicalName: TypeAlias = tuple[Script, str, str]

_MAX_KEYED_WORDS = 3
_PREFIX_LENGTH = 2
_SREY_PREFIX = re.compile("(?:sre[yi]|\u179f\u17d2\u179a\u17b8)(?=..)")
"""`Srey` (girl) opens so many given names that only what follows it tells two apart."""

_WHOLE_NAME_THRESHOLD = 0.97
_MAX_SPELLING_DISTANCE = 4
_PHONETIC_WEIGHT = {"latin": 0.6, "khmer": 0.4}
"""Khmer spelling is the truer witness; Latin spelling is only a rendering of the sound."""


def _prefixes(script: str, word: str) -> list[str]:
    """The beginnings a name is found by, shortest first: 2 and 3 Latin letters; 2 signs or 2 letters of Khmer."""
    if script == "latin":
        return [word[:size] for size in (_PREFIX_LENGTH, _PREFIX_LENGTH + 1) if len(word) >= size]
    letters = [sign for sign in word if unicodedata.category(sign)[0] != "M"]
    short = [word[:_PREFIX_LENGTH]] if len(word) >= _PREFIX_LENGTH and word[1] != "\u17d2" else []
    return short + (["".join(letters[:_PREFIX_LENGTH])] if len(letters) >= _PREFIX_LENGTH else [])


def _split_words(script: str, part: str) -> tuple[list[str], str]:
    words = canonical_form(part, script).split()
    return words, "".join(words)


def name_part_keys(script: str, part: str) -> set[str]:
    """Blocking keys of one part of a name: `l=` exact, `l~` as heard, `l^` prefixes (`k` for Khmer).

    Made for each word and for the words joined; about four a word, words after the third only joined.
    """
    words, joined = _split_words(script, part)
    found: set[str] = set()
    for word in {*words[:_MAX_KEYED_WORDS], joined} - {""}:
        found |= {f"{script[0]}={word}", f"{script[0]}~{consonant_skeleton(script, word)}"}
        found |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)}
    return found


def person_name_keys(names: Sequence[Name], nickname: str | None) -> set[str]:
    """Every blocking key of a person: each part, the full name as one word as heard, the nickname."""
    found: set[str] = set()
    for part in _name_parts(names, nickname):
        found |= name_part_keys(detect_script(part), part)
    for name in names:
        script, family, given = _canonical_name(name)
        if family and given:
            found.add(f"{script[0]}~{consonant_skeleton(script, (family + given).replace(' ', ''))}")
    return found


def _name_parts(names: Sequence[Name], nickname: str | None) -> Iterator[str]:
    for name in names:
        yield from (part for part in (name.get("family"), name.get("given")) if part)
    if nickname:
        yield nickname


def search_query_keys(q: str) -> set[str]:
    """The keys under which a search text may find a name: each word, and all words as one."""
    found: set[str] = set()
    words = _query_words(q)
    for script, word in (*words, *_joined_words(words)):
        found |= {f"{script[0]}={word}", f"{script[0]}~{consonant_skeleton(script, word)}"}
        found |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)[-1:]}
    return found


def _query_words(q: str) -> list[_Word]:
    return [
        (detect_script(raw), word)
        for raw in normalize_text(q).split()
        for word in canonical_form(raw, detect_script(raw)).split()
    ]


def _joined_words(words: Sequence[_Word]) -> list[_Word]:
    """All words as one, where they are in one script: Khmer is written without spaces."""
    one_script = len({script for script, _ in words}) == 1
    return [(words[0][0], "".join(word for _, word in words))] if one_script else []


def have_common_script(a_names: Sequence[Name], b_names: Sequence[Name]) -> bool:
    """Whether both are named in one same script; only then does `similarity` say anything."""
    return bool(
        {_canonical_name(name)[0] for name in a_names} & {_canonical_name(name)[0] for name in b_names}
    )


def name_similarity(a_names: Sequence[Name], b_names: Sequence[Name]) -> float:
    """0..1, the best over pairs in one script; 1 for full names equal in canonical form.

    The given name weighs more than the family name; exchanged order costs little, a missing part more.
    A nickname is compared by passing it as a name with only `given`.
    """
    pairs = ((_canonical_name(a), _canonical_name(b)) for a in a_names for b in b_names)
    return max((_canonical_name_similarity(a, b) for a, b in pairs if a[0] == b[0]), default=0.0)


def _canonical_name(name: Name) -> _CanonicalName:
    family, given = name.get("family") or "", name.get("given") or ""
    script = detect_script(family + given)
    return script, canonical_form(family, script), canonical_form(given, script)


def _canonical_name_similarity(a: _CanonicalName, b: _CanonicalName) -> float:
    return max(
        _split_similarity(a[0], one, other) for one in _possible_splits(a) for other in _possible_splits(b)
    )


def _possible_splits(form: _CanonicalName) -> list[tuple[str, ...]]:
    """The parts there are; several words in one field may also be family name, then given name."""
    parts = tuple(part for part in form[1:] if part)
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
    straight = 0.4 * _part_similarity(script, a[0], b[0]) + 0.6 * _part_similarity(script, a[1], b[1])
    exchanged = 0.5 * _part_similarity(script, a[0], b[1]) + 0.5 * _part_similarity(script, a[1], b[0])
    return max(straight, 0.97 * exchanged)


def _single_part_similarity(script: str, lone: str, family: str, given: str) -> float:
    """One part against a full name: it may be the given name, the family name, or all of it unspaced."""
    whole = max(
        _part_similarity(script, lone, family + given), _part_similarity(script, lone, given + family)
    )
    parts = max(0.85 * _part_similarity(script, lone, given), 0.7 * _part_similarity(script, lone, family))
    return max(parts, whole if whole >= _WHOLE_NAME_THRESHOLD else 0.0)


def _part_similarity(script: str, a: str, b: str) -> float:
    """Two canonical parts, as written (Jaro-Winkler) and as heard (Jaro); one may leave out words of the other.

    Winkler's reward for a common beginning is kept from what is heard: too many names begin alike (Soph-, Srey).
    """
    one, other = sorted((a.replace(" ", ""), b.replace(" ", "")))
    if one == other:
        return 1.0
    if _SREY_PREFIX.match(one) and _SREY_PREFIX.match(other):
        return _part_similarity(
            script, _SREY_PREFIX.sub("", one, count=1), _SREY_PREFIX.sub("", other, count=1)
        )
    spoken = Jaro.similarity(phonetic_form(script, one), phonetic_form(script, other))
    weight = _PHONETIC_WEIGHT[script]
    alike = weight * spoken + (1 - weight) * JaroWinkler.similarity(one, other)
    return max(alike, 0.9) if _omits_words(a, b) or _omits_words(b, a) else alike


def _omits_words(short: str, full: str) -> bool:
    by_words = " " in full and set(short.split()) < set(full.split())
    return by_words or (
        bool(_SREY_PREFIX.match(full)) and _SREY_PREFIX.sub("", full, count=1).strip() == short
    )


def search_query_similarity(q: str, names: Sequence[Name], nickname: str | None) -> float:
    """0..1, how well a search text fits a person: every word of it must fit some part, in any order.

    1 for equal parts; a prefix of at least two signs counts by its length; small slips count a little less.
    """
    known = _person_words(names, nickname)
    words = _query_words(q)
    return max(_all_words_score(words, known), _all_words_score(_joined_words(words), known))


def _person_words(names: Sequence[Name], nickname: str | None) -> set[_Word]:
    """Each word, each part and each full name, unspaced."""
    forms = [_canonical_name(name) for name in names]
    known: set[_Word] = {(script, (family + given).replace(" ", "")) for script, family, given in forms}
    for part in _name_parts(names, nickname):
        script = detect_script(part)
        words, joined = _split_words(script, part)
        known |= {(script, word) for word in (*words, joined)}
    return known


def _all_words_score(words: Sequence[_Word], known: set[_Word]) -> float:
    fits = [
        max((_word_score(*word, other) for script, other in known if script == word[0]), default=0.0)
        for word in words
    ]
    return sum(fits) / len(fits) if fits and all(fits) else 0.0


def _word_score(script: str, word: str, known: str) -> float:
    if word == known:
        return 1.0
    if known.startswith(word):
        return 0.7 + 0.25 * len(word) / len(known) if len(word) >= _PREFIX_LENGTH else 0.0
    return 0.95 * _part_similarity(script, word, known) if _is_typo(script, word, known) else 0.0


def _is_typo(script: str, word: str, known: str) -> bool:
    """One sign in four differs, at most two; or, in Latin, it is only another spelling of the same sound."""
    slips = OSA.distance(word, known, score_cutoff=_MAX_SPELLING_DISTANCE)
    if slips <= min(2, max(len(word), len(known)) // 4):
        return True
    return (
        script == "latin"
        and slips <= _MAX_SPELLING_DISTANCE
        and latin_phonetic_form(word) == latin_phonetic_form(known)
    )
