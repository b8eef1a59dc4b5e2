"""Romanization of Khmer names: rules for letters and vowels, and a table of names that do not follow the rules.

Names have no official Latin spelling. The rules follow the spellings that people use for their names (`ស្រី` is Srey, not
Srei), as decision 0008 explains. A word has several romanizations, because a written consonant can be silent.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

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
    clusters = list(_CLUSTER.finditer(_SILENT_LETTER.sub("", word)))
    for inherent_vowel in _INHERENT_VOWELS:
        yield _join_clusters(clusters, inherent_vowel, is_reduced=False, is_open=False)
        yield _join_clusters(clusters, inherent_vowel, is_reduced=True, is_open=False)
        yield _join_clusters(clusters, inherent_vowel, is_reduced=False, is_open=True)


def _join_clusters(
    clusters: list[re.Match[str]], inherent_vowel: str, *, is_reduced: bool, is_open: bool
) -> str:
    spelling = ""
    is_after_vowel = False
    for number, cluster in enumerate(clusters):
        is_last = number == len(clusters) - 1
        is_bare = _is_bare(cluster)
        is_final = is_bare and number > 0 and (is_last or (is_after_vowel and not is_open))
        spelling += _spell_consonants(cluster, without_subscripts=is_reduced and is_bare and number > 0)
        if not is_final:
            following = clusters[number + 1]["base"] if not is_last else None
            series = 0 if is_open and number > 0 and _is_sonorant(cluster) else _get_series(cluster)
            spelling += _spell_vowel(cluster, series, inherent_vowel, following, is_reduced=is_reduced)
        is_after_vowel = not is_final
    return spelling


def _is_bare(cluster: re.Match[str]) -> bool:
    """Return whether a consonant has no written vowel. It then ends a syllable, or has the inherent vowel."""
    is_consonant = cluster["base"] is not None and cluster["base"] in _CONSONANTS
    return is_consonant and not cluster["vowel"] and not (cluster["signs"] or "").replace(_BANTOC, "")


def _spell_consonants(cluster: re.Match[str], *, without_subscripts: bool) -> str:
    if cluster["other"] is not None:
        return cluster["other"]
    base, subscripts = cluster["base"], cluster["subscripts"].replace("\u17d2", "")
    if base == "ហ" and subscripts:
        return "f" if subscripts == "វ" else "".join(_CONSONANTS.get(letter, "") for letter in subscripts)
    if without_subscripts or base in _INDEPENDENT_VOWELS:
        subscripts = ""
    return "".join(
        _CONSONANTS.get(letter, _INDEPENDENT_VOWELS.get(letter, "")) for letter in base + subscripts
    )


def _is_sonorant(cluster: re.Match[str]) -> bool:
    """Return whether a consonant can take the series of the syllable before it, as in `បញ្ញា` (Panha, not Panhea)."""
    return cluster["base"] is not None and cluster["base"] in _SONORANTS and not cluster["shifter"]


def _spell_vowel(
    cluster: re.Match[str], series: int, inherent_vowel: str, following: str | None, *, is_reduced: bool
) -> str:
    if cluster["other"] is not None:
        return ""
    signs = cluster["signs"]
    if cluster["base"] in _INDEPENDENT_VOWELS:
        vowel = ""
    elif cluster["vowel"]:
        vowel = _VOWELS.get(cluster["vowel"], ("", ""))[series]
    else:
        vowel = ("a", "u")[series] if _NIKAHIT in signs else inherent_vowel
    if _NIKAHIT in signs and following != "ង":
        vowel += "m"
    if _YUKALEAPINTU in signs and not is_reduced:
        vowel += "k"
    return vowel + ("h" if _REAHMUK in signs else "")


def _get_series(cluster: re.Match[str]) -> int:
    """Return the series of a cluster, 0 or 1: of its register sign, else of its last stop or sibilant, else of its base."""
    if cluster["base"] is None:
        return 0
    if cluster["shifter"]:
        return _SHIFTED_SERIES[cluster["shifter"]]
    letters = cluster["base"] + cluster["subscripts"].replace("\u17d2", "")
    strong = [letter for letter in letters if letter in _CONSONANTS and letter not in _SONORANTS]
    return int((strong[-1] if strong else letters[0]) in _SECOND_SERIES)
