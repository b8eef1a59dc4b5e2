"""Normalization of names in Khmer and Latin script.

Khmer names have no standard Latin spelling. Therefore a name has three forms: the stored form (`normalize_text`), the
compared form (`canonical_form`) and the phonetic forms (`list_sounds`, `list_sound_keys`). The compared form is the folded
text (`app.text_folding`) without punctuation, and for Latin also without accents. The phonetic forms are common to both
scripts: a Khmer word is romanized first (`khmer_romanization`).
"""

import re
import unicodedata
from functools import lru_cache

from app.services.persons.khmer_romanization import romanize_khmer
from app.text_folding import fold_text

_NOT_KHMER_WORD = re.compile("(?:[^\\w\u17b6-\u17d3\u17dd]|_)+")

# Latin: letters without a Unicode decomposition.
_LATIN_REPLACEMENTS = str.maketrans(
    {"đ": "d", "ł": "l", "ø": "o", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
_NOT_ASCII_WORD = re.compile("[^0-9a-z]+")

# Sound classes of Latin spellings of Khmer: aspiration, voicing and doubling are ignored, a final h, r, v, w is silent.
_LATIN_SOUNDS = re.compile(
    "(?P<y>^y(?=[aeiou]))|(?P<vowel>[aeiouy]+(?:[hrvw](?![aeiouy]))*)|(?P<c>t?ch+|[td]j|j|c(?![hk]))|(?P<k>c?kh*|g(?!n[aeiouy])h*|q)"
    "|(?P<g>ngh?)|(?P<n>nh?|gn(?=[aeiouy]))|(?P<t>[td]h*)|(?P<p>[pb]h*|f)|(?P<v>[vw]h*)|(?P<s>[szx]h*)|(?P<r>rh?(?=[aeiouy]))"
    "|(?P<silent>rh?|h(?![aeiouy]))|(?P<other>.)",
    re.DOTALL,
)
_REPEATED_CHARACTER = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]")
_KHMER_SILENT_SIGNS = str.maketrans(dict.fromkeys("\u17ce\u17cf\u17d1\u17d3\u17dd", "\u17cb"))
"""Signs above a letter that are not part of names, and are typed instead of bantoc, which looks similar."""
_KHMER_OPTIONAL_SIGNS = re.compile("[\u17c9-\u17cd\u17d0]")
"""Register signs, signs of short vowels, robat and toandakhiat, which people often omit or exchange."""

_CACHE_SIZE = 256
"""Maximum number of cached words. It is enough for one search, and too small to keep the names of many people in
memory.
"""


def canonical_form(text: str, script: str) -> str:
    """Return the compared form: equal names are equal strings, words are separated by single spaces."""
    return _canonical_khmer(text) if script == "khmer" else _canonical_latin(text)


@lru_cache(maxsize=_CACHE_SIZE)
def _canonical_khmer(text: str) -> str:
    return _NOT_KHMER_WORD.sub(" ", fold_text(text.translate(_KHMER_SILENT_SIGNS))).strip()


@lru_cache(maxsize=_CACHE_SIZE)
def _canonical_latin(text: str) -> str:
    if text.isascii():
        return _NOT_ASCII_WORD.sub(" ", fold_text(text).replace("'", "")).strip()
    plain = _strip_diacritics(fold_text(text)).casefold()
    plain = _strip_diacritics(plain).replace("'", "").translate(_LATIN_REPLACEMENTS)
    return " ".join("".join(character if character.isalnum() else " " for character in plain).split())


def _strip_diacritics(text: str) -> str:
    return "".join(
        character
        for character in unicodedata.normalize("NFKD", text)
        if unicodedata.category(character)[0] != "M"
    )


@lru_cache(maxsize=_CACHE_SIZE)
def latin_phonetic_form(word: str) -> str:
    """Return the phonetic form of a Latin spelling: consonant classes, and one of a, e (ea, ia, ie), i, o, u per vowel group."""
    return _REPEATED_CHARACTER.sub(r"\1", _LATIN_SOUNDS.sub(_phonetic_class, word))


def _phonetic_class(sound: re.Match[str]) -> str:
    kind = sound.lastgroup or "other"
    if kind in {"silent", "other"}:
        return "" if kind == "silent" else sound[0]
    return kind if kind != "vowel" else _phonetic_vowel(sound[0])


@lru_cache(maxsize=256)
def _phonetic_vowel(group: str) -> str:
    has_back_vowel = any(letter in group for letter in "ouvw")
    if any(letter in group for letter in "eiy"):
        return "u" if has_back_vowel else "e" if "a" in group or "ie" in group else "i"
    return "o" if has_back_vowel else "a"


@lru_cache(maxsize=_CACHE_SIZE)
def list_sounds(script: str, word: str) -> tuple[str, ...]:
    """Return the possible phonetic forms of a canonical word. The forms of both scripts can be compared."""
    spellings = romanize_khmer(word) if script == "khmer" else (word,)
    return tuple(dict.fromkeys(latin_phonetic_form(spelling) for spelling in spellings))


def list_sound_keys(script: str, word: str) -> frozenset[str]:
    """Return the phonetic keys of a canonical word: the consonant classes. Equal names have a common key in both scripts."""
    return frozenset(key for sound in list_sounds(script, word) if (key := get_consonants(sound)))


@lru_cache(maxsize=_CACHE_SIZE)
def get_consonants(sound: str) -> str:
    """Return the consonant classes of a phonetic form. A word that begins with a vowel gets the prefix `a`."""
    prefix = "a" if _VOWELS.match(sound) else ""
    return prefix + _VOWELS.sub("", sound)


def omit_optional_signs(word: str) -> str:
    """Return a canonical Khmer word without the signs that people often omit."""
    return _KHMER_OPTIONAL_SIGNS.sub("", word)
