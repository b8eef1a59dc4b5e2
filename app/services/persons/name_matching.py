"""Names in two scripts: the keys candidates are found by, how alike two names are, what a search text fits.

Keys feed blind indexes, so they only narrow; `similarity` and `matches_query` then judge the candidates in
memory. Names are compared within one script. What a value is written in decides its script: labels err.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from rapidfuzz.distance import OSA, Jaro, JaroWinkler

from app.services.persons.name_normalization import Script, canonical, heard, script_of, skeleton, sound, tidy

__all__ = [
    "Name",
    "Script",
    "canonical",
    "comparable",
    "keys",
    "matches_query",
    "name_keys",
    "query_keys",
    "script_of",
    "similarity",
    "tidy",
]

Name: TypeAlias = Mapping[str, str | None]
"""`script`, `family`, `given`: as it came over the wire, or out of the vault."""

_Word: TypeAlias = tuple[Script, str]
_Form: TypeAlias = tuple[Script, str, str]

_WORDS_WITH_KEYS = 3
_PREFIX = 2
_SREY = re.compile("(?:sre[yi]|\u179f\u17d2\u179a\u17b8)(?=..)")
"""`Srey` (girl) opens so many given names that only what follows it tells two apart."""

_SAME_WHOLE = 0.97
_MOST_SPELLING = 4
_HEARD_WEIGHT = {"latin": 0.6, "khmer": 0.4}
"""Khmer spelling is the truer witness; Latin spelling is only a rendering of the sound."""


def _prefixes(script: str, word: str) -> list[str]:
    """The beginnings a name is found by, shortest first: 2 and 3 Latin letters; 2 signs or 2 letters of Khmer."""
    if script == "latin":
        return [word[:size] for size in (_PREFIX, _PREFIX + 1) if len(word) >= size]
    letters = [sign for sign in word if unicodedata.category(sign)[0] != "M"]
    short = [word[:_PREFIX]] if len(word) >= _PREFIX and word[1] != "\u17d2" else []
    return short + (["".join(letters[:_PREFIX])] if len(letters) >= _PREFIX else [])


def _words(script: str, part: str) -> tuple[list[str], str]:
    words = canonical(part, script).split()
    return words, "".join(words)


def keys(script: str, part: str) -> set[str]:
    """Blocking keys of one part of a name: `l=` exact, `l~` as heard, `l^` prefixes (`k` for Khmer).

    Made for each word and for the words joined; about four a word, words after the third only joined.
    """
    words, joined = _words(script, part)
    found: set[str] = set()
    for word in {*words[:_WORDS_WITH_KEYS], joined} - {""}:
        found |= {f"{script[0]}={word}", f"{script[0]}~{skeleton(script, word)}"}
        found |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)}
    return found


def name_keys(names: Sequence[Name], nickname: str | None) -> set[str]:
    """Every blocking key of a person: each part, the full name as one word as heard, the nickname."""
    found: set[str] = set()
    for part in _parts(names, nickname):
        found |= keys(script_of(part), part)
    for name in names:
        script, family, given = _form(name)
        if family and given:
            found.add(f"{script[0]}~{skeleton(script, (family + given).replace(' ', ''))}")
    return found


def _parts(names: Sequence[Name], nickname: str | None) -> Iterator[str]:
    for name in names:
        yield from (part for part in (name.get("family"), name.get("given")) if part)
    if nickname:
        yield nickname


def query_keys(q: str) -> set[str]:
    """The keys under which a search text may find a name: each word, and all words as one."""
    found: set[str] = set()
    words = _query_words(q)
    for script, word in (*words, *_unspaced(words)):
        found |= {f"{script[0]}={word}", f"{script[0]}~{skeleton(script, word)}"}
        found |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)[-1:]}
    return found


def _query_words(q: str) -> list[_Word]:
    return [
        (script_of(raw), word) for raw in tidy(q).split() for word in canonical(raw, script_of(raw)).split()
    ]


def _unspaced(words: Sequence[_Word]) -> list[_Word]:
    """All words as one, where they are in one script: Khmer is written without spaces."""
    one_script = len({script for script, _ in words}) == 1
    return [(words[0][0], "".join(word for _, word in words))] if one_script else []


def comparable(a_names: Sequence[Name], b_names: Sequence[Name]) -> bool:
    """Whether both are named in one same script; only then does `similarity` say anything."""
    return bool({_form(name)[0] for name in a_names} & {_form(name)[0] for name in b_names})


def similarity(a_names: Sequence[Name], b_names: Sequence[Name]) -> float:
    """0..1, the best over pairs in one script; 1 for full names equal in canonical form.

    The given name weighs more than the family name; exchanged order costs little, a missing part more.
    A nickname is compared by passing it as a name with only `given`.
    """
    pairs = ((_form(a), _form(b)) for a in a_names for b in b_names)
    return max((_name_likeness(a, b) for a, b in pairs if a[0] == b[0]), default=0.0)


def _form(name: Name) -> _Form:
    family, given = name.get("family") or "", name.get("given") or ""
    script = script_of(family + given)
    return script, canonical(family, script), canonical(given, script)


def _name_likeness(a: _Form, b: _Form) -> float:
    return max(_reading_likeness(a[0], one, other) for one in _readings(a) for other in _readings(b))


def _readings(form: _Form) -> list[tuple[str, ...]]:
    """The parts there are; several words in one field may also be family name, then given name."""
    parts = tuple(part for part in form[1:] if part)
    words = parts[0].split(" ", 1) if len(parts) == 1 else []
    return [parts, tuple(words)] if len(words) > 1 else [parts]


def _reading_likeness(script: str, a: tuple[str, ...], b: tuple[str, ...]) -> float:
    if len(a) > len(b):
        a, b = b, a
    if not a:
        return 0.0
    if len(b) == 1:
        return 0.9 * _likeness(script, a[0], b[0])
    if len(a) == 1:
        return _lone_likeness(script, a[0], *b)
    straight = 0.4 * _likeness(script, a[0], b[0]) + 0.6 * _likeness(script, a[1], b[1])
    exchanged = 0.5 * _likeness(script, a[0], b[1]) + 0.5 * _likeness(script, a[1], b[0])
    return max(straight, 0.97 * exchanged)


def _lone_likeness(script: str, lone: str, family: str, given: str) -> float:
    """One part against a full name: it may be the given name, the family name, or all of it unspaced."""
    whole = max(_likeness(script, lone, family + given), _likeness(script, lone, given + family))
    parts = max(0.85 * _likeness(script, lone, given), 0.7 * _likeness(script, lone, family))
    return max(parts, whole if whole >= _SAME_WHOLE else 0.0)


def _likeness(script: str, a: str, b: str) -> float:
    """Two canonical parts, as written (Jaro-Winkler) and as heard (Jaro); one may leave out words of the other.

    Winkler's reward for a common beginning is kept from what is heard: too many names begin alike (Soph-, Srey).
    """
    one, other = sorted((a.replace(" ", ""), b.replace(" ", "")))
    if one == other:
        return 1.0
    if _SREY.match(one) and _SREY.match(other):
        return _likeness(script, _SREY.sub("", one, count=1), _SREY.sub("", other, count=1))
    spoken = Jaro.similarity(heard(script, one), heard(script, other))
    weight = _HEARD_WEIGHT[script]
    alike = weight * spoken + (1 - weight) * JaroWinkler.similarity(one, other)
    return max(alike, 0.9) if _leaves_out(a, b) or _leaves_out(b, a) else alike


def _leaves_out(short: str, full: str) -> bool:
    by_words = " " in full and set(short.split()) < set(full.split())
    return by_words or (bool(_SREY.match(full)) and _SREY.sub("", full, count=1).strip() == short)


def matches_query(q: str, names: Sequence[Name], nickname: str | None) -> float:
    """0..1, how well a search text fits a person: every word of it must fit some part, in any order.

    1 for equal parts; a prefix of at least two signs counts by its length; small slips count a little less.
    """
    known = _known_words(names, nickname)
    words = _query_words(q)
    return max(_all_fit(words, known), _all_fit(_unspaced(words), known))


def _known_words(names: Sequence[Name], nickname: str | None) -> set[_Word]:
    """Each word, each part and each full name, unspaced."""
    forms = [_form(name) for name in names]
    known: set[_Word] = {(script, (family + given).replace(" ", "")) for script, family, given in forms}
    for part in _parts(names, nickname):
        script = script_of(part)
        words, joined = _words(script, part)
        known |= {(script, word) for word in (*words, joined)}
    return known


def _all_fit(words: Sequence[_Word], known: set[_Word]) -> float:
    fits = [
        max((_fit(*word, other) for script, other in known if script == word[0]), default=0.0)
        for word in words
    ]
    return sum(fits) / len(fits) if fits and all(fits) else 0.0


def _fit(script: str, word: str, known: str) -> float:
    if word == known:
        return 1.0
    if known.startswith(word):
        return 0.7 + 0.25 * len(word) / len(known) if len(word) >= _PREFIX else 0.0
    return 0.95 * _likeness(script, word, known) if _is_slip(script, word, known) else 0.0


def _is_slip(script: str, word: str, known: str) -> bool:
    """One sign in four differs, at most two; or, in Latin, it is only another spelling of the same sound."""
    slips = OSA.distance(word, known, score_cutoff=_MOST_SPELLING)
    if slips <= min(2, max(len(word), len(known)) // 4):
        return True
    return script == "latin" and slips <= _MOST_SPELLING and sound(word) == sound(known)
