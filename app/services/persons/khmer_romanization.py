"""Romanization of Khmer names: rules for letters and vowels, and a table of names that do not follow the rules.

Names have no official Latin spelling. The rules follow the spellings that people use for their names (`ស្រី` is Srey, not
Srei), as decision 0008 explains. A word has several romanizations, because a written consonant can be silent.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from app.services.persons.irregular_names import IRREGULAR_NAMES

_FIRST_SERIES: Final = {
    "ក": "k",
    "ខ": "kh",
    "ច": "ch",
    "ឆ": "chh",
    "ដ": "d",
    "ឋ": "th",
    "ណ": "n",
    "ត": "t",
    "ថ": "th",
    "ប": "b",
    "ផ": "ph",
    "ស": "s",
    "ហ": "h",
    "ឡ": "l",
    "អ": "",
}
_SECOND_SERIES: Final = {
    "គ": "k",
    "ឃ": "kh",
    "ង": "ng",
    "ជ": "ch",
    "ឈ": "chh",
    "ញ": "nh",
    "ឌ": "d",
    "ឍ": "th",
    "ទ": "t",
    "ធ": "th",
    "ន": "n",
    "ព": "p",
    "ភ": "ph",
    "ម": "m",
    "យ": "y",
    "រ": "r",
    "ល": "l",
    "វ": "v",
    "ឝ": "s",
    "ឞ": "s",
}
_CONSONANTS: Final = _FIRST_SERIES | _SECOND_SERIES
_SONORANTS: Final = frozenset("ងញណនមយរលវឡ")
_INDEPENDENT_VOWELS: Final = {
    "ឥ": "e",
    "ឦ": "ei",
    "ឧ": "ou",
    "ឨ": "ok",
    "ឩ": "ou",
    "ឪ": "ov",
    "ឫ": "ri",
    "ឬ": "reu",
    "ឭ": "lu",
    "ឮ": "leu",
    "ឯ": "e",
    "ឰ": "ai",
    "ឱ": "o",
    "ឳ": "ov",
}

# Spelling of each vowel after a consonant of the first and of the second series.
_VOWELS: Final = {
    "ា": ("a", "ea"),
    "ិ": ("e", "i"),
    "ី": ("ey", "i"),
    "ឹ": ("i", "i"),
    "ឺ": ("eu", "eu"),
    "ុ": ("o", "u"),
    "ូ": ("o", "ou"),
    "ួ": ("uo", "uo"),
    "ើ": ("eu", "eu"),
    "ឿ": ("oeu", "oeu"),
    "ៀ": ("ie", "ie"),
    "េ": ("e", "e"),
    "ែ": ("e", "e"),
    "ៃ": ("ai", "ey"),
    "ោ": ("ao", "o"),
    "ៅ": ("ao", "ov"),
}
_NIKAHIT, _REAHMUK, _YUKALEAPINTU, _BANTOC = "\u17c6", "\u17c7", "\u17c8", "\u17cb"
_SHIFTED_SERIES: Final = {"\u17c9": 0, "\u17ca": 1}
"""Series of a consonant with a register sign."""
_INHERENT_VOWELS: Final = ("a", "o")
"""Spellings of the vowel that is not written. It is also the vowel of the sign samyok sannya."""

_SILENT_LETTER: Final = re.compile("\u17d2?[\u1780-\u17b3][\u17b6-\u17c5]?\u17cd")
_SILENT_FINAL_VOWEL: Final = re.compile("(?<=..)(?<=[\u178a-\u1793])[\u17b7\u17bb]$", re.DOTALL)
"""A short vowel that is written after a final t, d or n and not spoken, as in `ជាតិ` (Cheat)."""
_CLUSTER: Final = re.compile(
    "(?P<base>[\u1780-\u17b3])\u17cc?(?P<subscripts>(?:\u17d2[\u1780-\u17b3])*)(?P<shifter>[\u17c9\u17ca]?)"
    "(?P<vowel>[\u17b6-\u17c5]?)(?P<signs>[\u17b6-\u17d1\u17d3\u17dd]*)|(?P<other>.)",
    re.DOTALL,
)
_IRREGULAR: Final = re.compile(
    f"(?<!\u17d2)(?:{'|'.join(sorted(IRREGULAR_NAMES, key=len, reverse=True))})(?![\u17b6-\u17d3\u17dd])"
)
_CACHE_SIZE: Final = 256
"""Maximum number of cached words. It is too small to keep the names of many people in memory."""
_CLUSTER_CACHE_SIZE: Final = 4096
"""Maximum number of cached syllables, which are common to many names."""


class _Cluster(NamedTuple):
    """A consonant or an independent vowel with its subscripts, vowel and signs, or another character."""

    consonants: str
    """Latin spelling of the consonant and its subscripts, or the other character."""
    base_consonant: str
    """Latin spelling without the subscripts that can be silent."""
    base: str = ""
    vowel: str = ""
    signs: str = ""
    series: int = 0
    is_bare: bool = False
    """Whether a consonant has no written vowel. It then ends a syllable, or has the inherent vowel."""
    is_sonorant: bool = False
    """Whether a consonant can take the series of the syllable before it, as in `បញ្ញា` (Panha, not Panhea)."""


@lru_cache(maxsize=_CACHE_SIZE)
def romanize_khmer(word: str) -> tuple[str, ...]:
    """Return the possible Latin spellings of a folded Khmer word, the most probable first."""
    variants = [word]
    if _IRREGULAR.search(word):
        count = max(len(IRREGULAR_NAMES[match]) for match in _IRREGULAR.findall(word))
        variants += [_replace_irregular_names(word, number) for number in range(count)]
    variants += [_SILENT_FINAL_VOWEL.sub("", word)]
    spellings = (spelling for variant in dict.fromkeys(variants) for spelling in _apply_rules(variant))
    return tuple(dict.fromkeys(spellings))


def _replace_irregular_names(word: str, number: int) -> str:
    def get_spelling(match: re.Match[str]) -> str:
        spellings = IRREGULAR_NAMES[match[0]]
        return spellings[min(number, len(spellings) - 1)]

    return _IRREGULAR.sub(get_spelling, word)


def _apply_rules(word: str) -> Iterator[str]:
    """Yield the spellings of a word by rules: with all consonants, without silent ones, and with open syllables."""
    clusters = [_parse_cluster(match[0]) for match in _CLUSTER.finditer(_SILENT_LETTER.sub("", word))]
    for inherent_vowel in _INHERENT_VOWELS:
        yield _join_clusters(clusters, inherent_vowel, is_reduced=False, is_open=False)
        yield _join_clusters(clusters, inherent_vowel, is_reduced=True, is_open=False)
        yield _join_clusters(clusters, inherent_vowel, is_reduced=False, is_open=True)


def _join_clusters(
    clusters: Sequence[_Cluster], inherent_vowel: str, *, is_reduced: bool, is_open: bool
) -> str:
    spelling = ""
    is_after_vowel = False
    last = len(clusters) - 1
    for number, cluster in enumerate(clusters):
        is_bare = cluster.is_bare and number > 0
        is_final = is_bare and (number == last or (is_after_vowel and not is_open))
        spelling += cluster.base_consonant if is_reduced and is_bare else cluster.consonants
        if not is_final:
            is_before_ng = number < last and clusters[number + 1].base == "ង"
            series = 0 if is_open and number > 0 and cluster.is_sonorant else cluster.series
            spelling += _spell_vowel(cluster, series, inherent_vowel, is_before_ng, is_reduced)
        is_after_vowel = not is_final
    return spelling


@lru_cache(maxsize=_CLUSTER_CACHE_SIZE)
def _parse_cluster(text: str) -> _Cluster:
    """Return a cluster with the spellings of its consonants. The cache contains syllables, not names."""
    match = _CLUSTER.fullmatch(text)
    if match is None or match["base"] is None:
        return _Cluster(text, text)
    base, subscripts, signs = match["base"], match["subscripts"].replace("\u17d2", ""), match["signs"]
    is_bare = base in _CONSONANTS and not match["vowel"] and not signs.replace(_BANTOC, "")
    return _Cluster(
        consonants=_spell_consonants(base, subscripts),
        base_consonant=_spell_consonants(base, subscripts if base == "ហ" else ""),
        base=base,
        vowel=match["vowel"],
        signs=signs,
        series=_get_series(base + subscripts, match["shifter"]),
        is_bare=is_bare,
        is_sonorant=base in _SONORANTS and not match["shifter"],
    )


def _spell_consonants(base: str, subscripts: str) -> str:
    if base == "ហ" and subscripts:
        return "f" if subscripts == "វ" else "".join(_CONSONANTS.get(letter, "") for letter in subscripts)
    if base in _INDEPENDENT_VOWELS:
        subscripts = ""
    return "".join(
        _CONSONANTS.get(letter, _INDEPENDENT_VOWELS.get(letter, "")) for letter in base + subscripts
    )


def _get_series(letters: str, shifter: str) -> int:
    """Return the series of a cluster, 0 or 1: of its register sign, else of its last stop or sibilant, else of its base."""
    if shifter:
        return _SHIFTED_SERIES[shifter]
    strong = [letter for letter in letters if letter in _CONSONANTS and letter not in _SONORANTS]
    return int((strong[-1] if strong else letters[0]) in _SECOND_SERIES)


@lru_cache(maxsize=_CLUSTER_CACHE_SIZE)
def _spell_vowel(
    cluster: _Cluster, series: int, inherent_vowel: str, is_before_ng: bool, is_reduced: bool
) -> str:
    if not cluster.base:
        return ""
    if cluster.base in _INDEPENDENT_VOWELS:
        vowel = ""
    elif cluster.vowel:
        vowel = _VOWELS.get(cluster.vowel, ("", ""))[series]
    else:
        vowel = ("a", "u")[series] if _NIKAHIT in cluster.signs else inherent_vowel
    if _NIKAHIT in cluster.signs and not is_before_ng:
        vowel += "m"
    if _YUKALEAPINTU in cluster.signs and not is_reduced:
        vowel += "k"
    return vowel + ("h" if _REAHMUK in cluster.signs else "")
