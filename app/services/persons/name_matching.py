"""Search keys of names in Khmer and Latin script, and the comparison of a search text with names.

The keys feed a blind index, which only narrows the candidates. `search_query_similarity` and `name_similarity` then
compare the candidates in memory, with the same comparison of parts of names.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from rapidfuzz.distance import OSA

from app.services.persons.given_names import are_same_given_name
from app.services.persons.name_normalization import (
    canonical_form,
    list_sound_keys,
    list_sounds,
    omit_optional_signs,
)
from app.services.persons.name_similarity import (
    SAME_SOUND_THRESHOLD,
    CanonicalName,
    Name,
    canonical_name_similarity,
    cross_script_similarity,
    get_canonical_name,
    omit_srey,
    part_similarity,
)
from app.text_folding import Script, detect_script, normalize_text

_Word: TypeAlias = tuple[Script, str]

_CACHE_SIZE = 256
"""Maximum number of cached names. Many people have the same family name. It is too small to keep the names of many people
in memory.
"""
SEARCH_KEY_RULES = 1
"""Version of the rules by which search keys are computed. Increase it if stored names get other keys, for example after a
change of the folding or of the romanization. `rebuild-search-tokens` then computes all tokens again.
"""
_MAX_KEYED_WORDS = 3
_PREFIX_LENGTH = 2
_MAX_SPELLING_DISTANCE = 4
_TYPO_FACTOR = 0.95
"""Factor of the score of a word with another spelling, or in the other script."""
_OMITTED_SREY_FACTOR = 0.95
"""Factor of the score of a search text without its prefix Srey."""
_MIN_FAMILY_SIMILARITY, _MIN_SOUND_SIMILARITY = 0.45, 0.7
"""Lowest similarity of the family names, and of given names in two scripts, of a full name with a typing error."""
_FULL_NAME_FACTOR = 0.6
"""Factor of the similarity of a full name of which a word matches no part, for example because no family name is stored."""
_OTHER_SCRIPT_PREFIX_SCORE = 0.8
"""Score of a search text that sounds like the beginning of a word in the other script."""


def _prefixes(script: str, word: str) -> list[str]:
    """Return the search prefixes of a word, shortest first.

    Latin: 2 and 3 letters. Khmer: 2 characters and 2 base letters.
    """
    if script == "latin":
        return [word[:size] for size in (_PREFIX_LENGTH, _PREFIX_LENGTH + 1) if len(word) >= size]
    letters = [character for character in word if unicodedata.category(character)[0] != "M"]
    characters = [word[:_PREFIX_LENGTH]] if len(word) >= _PREFIX_LENGTH and word[1] != "\u17d2" else []
    return characters + (["".join(letters[:_PREFIX_LENGTH])] if len(letters) >= _PREFIX_LENGTH else [])


@lru_cache(maxsize=_CACHE_SIZE)
def compute_search_keys(text: str, *, is_query: bool = False) -> frozenset[str]:
    """Return the search keys of a part of a name, of a nickname or, with `is_query`, of a search text.

    `~` marks a phonetic key, which is common to both scripts. `l^` and `k^` mark the beginning of a Latin or Khmer word. The first
    three words, the joined words, and a word without the prefix Srey have keys. A key of the exact word would find no more
    people than the phonetic one, and each key reveals something. A search uses only the longest beginning of each word,
    so that it reads fewer rows.
    """
    words = _list_words(text)
    keys: set[str] = set()
    for script, word in {*words[:_MAX_KEYED_WORDS], *_join_words(words)}:
        keys |= _phonetic_keys(script, word) | _phonetic_keys(script, omit_srey(word))
        keys |= {f"{script[0]}^{prefix}" for prefix in _prefixes(script, word)[-1 if is_query else 0 :]}
    return frozenset(keys)


def _list_words(text: str) -> list[_Word]:
    return [
        (detect_script(typed), word)
        for typed in normalize_text(text).split()
        for word in canonical_form(typed, detect_script(typed)).split()
    ]


def _join_words(words: Sequence[_Word]) -> list[_Word]:
    """Return all words joined if they are in one script, because Khmer is written without spaces."""
    have_same_script = len({script for script, _ in words}) == 1
    return [(words[0][0], "".join(word for _, word in words))] if have_same_script else []


def _phonetic_keys(script: str, word: str) -> set[str]:
    return {f"~{key}" for key in list_sound_keys(script, word)}


def compute_person_keys(names: Sequence[Name], nickname: str | None) -> set[str]:
    """Return the search keys of a person: of each name part, of the nickname, and phonetic keys of the full name.

    The full name is one word, in both orders of family and given name.
    """
    keys = _full_name_keys(names)
    for part in _name_parts(names, nickname):
        keys |= compute_search_keys(part)
    return keys


def _full_name_keys(names: Sequence[Name]) -> set[str]:
    keys: set[str] = set()
    for name in names:
        script, family, given = get_canonical_name(name)
        if family and given:
            keys |= _phonetic_keys(script, (family + given).replace(" ", ""))
            keys |= _phonetic_keys(script, (given + family).replace(" ", ""))
    return keys


def _name_parts(names: Sequence[Name], nickname: str | None) -> Iterator[str]:
    for name in names:
        yield from (part for part in (name.get("family"), name.get("given")) if part)
    if nickname:
        yield nickname


def search_query_similarity(q: str, names: Sequence[Name], nickname: str | None) -> float:
    """Return how well a search text matches a person, 0 to 1. Each word must match a part of a name, in any order.

    Equal parts have 1. A prefix of at least two characters has a similarity by its length. A typing error, or a spelling in
    the other script, reduces the similarity. A full name is also compared as in the search for duplicates.
    """
    person_words = _person_words(names, nickname)
    score = max(factor * _all_words_score(words, person_words) for factor, words in _list_query_variants(q))
    return score or _FULL_NAME_FACTOR * _full_name_similarity(q, names)


@lru_cache(maxsize=_CACHE_SIZE)
def _list_query_variants(q: str) -> list[tuple[float, list[_Word]]]:
    """Return the words of a search text, joined and without the prefix Srey, each with the factor of its score."""
    words = _list_words(q)
    joined = _join_words(words)
    without_srey = [(script, omit_srey(word)) for script, word in joined]
    variants = [(1.0, words)]
    if joined != words:
        variants.append((1.0, joined))
    if without_srey != joined:
        variants.append((_OMITTED_SREY_FACTOR, without_srey))
    return variants


def _full_name_similarity(q: str, names: Sequence[Name]) -> float:
    """Return the best similarity of a search text of several words with a name that has the same given name, or 0.

    The stored name can have no family name, or another spelling of it.
    """
    typed_names = _list_typed_names(q)
    if not typed_names:
        return 0.0
    pairs = product(typed_names, map(get_canonical_name, names))
    return max((canonical_name_similarity(*pair) for pair in pairs if _is_same_full_name(*pair)), default=0.0)


@lru_cache(maxsize=_CACHE_SIZE)
def _list_typed_names(q: str) -> list[CanonicalName]:
    """Return a search text of several words as full names: the family name is the first word, or the last one."""
    words = [word for _, word in _list_words(q)]
    orders = ((words[0], words[1:]), (words[-1], words[:-1])) if len(words) > 1 else ()
    return [(detect_script(q), family, " ".join(given)) for family, given in orders]


def _is_same_full_name(typed: CanonicalName, name: CanonicalName) -> bool:
    """Return whether the given names are spellings of one name, and the family names begin with the same sound.

    A name in the other script can have a typing error in the given name, like a name in one script.
    """
    (_, typed_family, typed_given), (_, family, given) = typed, name
    if not (family and given):
        part = family or given
        return " " not in omit_srey(part) and are_same_given_name(typed_given, part)
    family_similarity = part_similarity(typed_family, family)
    if family_similarity < _MIN_FAMILY_SIMILARITY:
        return False
    if family_similarity >= SAME_SOUND_THRESHOLD and detect_script(typed_given) != detect_script(given):
        return part_similarity(typed_given, given) >= _MIN_SOUND_SIMILARITY
    is_same_given_name = are_same_given_name(typed_given, given)
    return is_same_given_name and not _list_onsets(typed_family).isdisjoint(_list_onsets(family))


def _list_onsets(word: str) -> set[str]:
    return {key[0] for key in list_sound_keys(detect_script(word), word)}


def _person_words(names: Sequence[Name], nickname: str | None) -> set[_Word]:
    """Return each word, each part and each full name without spaces, and each word without the prefix Srey."""
    canonical_names = [get_canonical_name(name) for name in names]
    person_words: set[_Word] = set()
    for script, family, given in canonical_names:
        person_words.add((script, (family + given).replace(" ", "")))
        person_words.add((script, (given + family).replace(" ", "")))
    for part in _name_parts(names, nickname):
        words = _list_words(part)
        words += _join_words(words)
        person_words |= {*words, *((script, omit_srey(word)) for script, word in words)}
    return person_words - {("latin", ""), ("khmer", "")}


def _all_words_score(query_words: Sequence[_Word], person_words: set[_Word]) -> float:
    """Return the mean of the best scores of the words, or 0 if a word matches none."""
    total = 0.0
    for query_word in query_words:
        score = _best_score(query_word, person_words)
        if not score:
            return 0.0
        total += score
    return total / len(query_words) if query_words else 0.0


def _best_score(query_word: _Word, person_words: set[_Word]) -> float:
    script, text = query_word
    score = max(
        (_same_script_score(script, text, word) for other, word in person_words if other == script),
        default=0.0,
    )
    if score >= _TYPO_FACTOR:
        return score  # A word in the other script has at most this score, and its comparison takes longer.
    return max(
        (score, *(_other_script_score(script, text, word) for other, word in person_words if other != script))
    )


def _same_script_score(script: Script, query_text: str, text: str) -> float:
    if query_text == text:
        return 1.0
    if text.startswith(query_text):
        return 0.7 + 0.25 * len(query_text) / len(text) if len(query_text) >= _PREFIX_LENGTH else 0.0
    return _TYPO_FACTOR * part_similarity(query_text, text) if _is_typo(script, query_text, text) else 0.0


def _other_script_score(query_script: Script, query_text: str, text: str) -> float:
    """Return the score of a word in the other script: 0 unless both have a common phonetic key and a similar sound.

    A search text that sounds like the beginning of the word has the score of a beginning (Chann for `ចាន់ណា`, Channa).
    """
    script: Script = "khmer" if query_script == "latin" else "latin"
    if list_sound_keys(query_script, query_text).isdisjoint(list_sound_keys(script, text)):
        return 0.0
    similarity = cross_script_similarity(*sorted((query_text, text)))
    if similarity >= SAME_SOUND_THRESHOLD:
        return _TYPO_FACTOR * similarity
    beginnings = tuple(list_sounds(query_script, query_text))
    return (
        _OTHER_SCRIPT_PREFIX_SCORE
        if any(s.startswith(beginnings) for s in list_sounds(script, text))
        else 0.0
    )


def _is_typo(script: str, query_word: str, word: str) -> bool:
    """Return whether the spellings differ little, or have the same sound.

    At most one in four characters and at most two may differ, or only Khmer signs that people often omit.
    """
    distance = OSA.distance(query_word, word, score_cutoff=_MAX_SPELLING_DISTANCE)
    if distance <= min(2, max(len(query_word), len(word)) // 4):
        return True
    if script == "khmer":
        return omit_optional_signs(query_word) == omit_optional_signs(word)
    return distance <= _MAX_SPELLING_DISTANCE and list_sounds(script, query_word) == list_sounds(script, word)
