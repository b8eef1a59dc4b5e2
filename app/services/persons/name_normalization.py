"""Normalization of names in Khmer and Latin script.

Unicode has several valid encodings of the same visible Khmer word, which NFC does not unify (two subscripts look the
same in either order), and Khmer names have no standard Latin spelling. Therefore a name has three forms: the stored form
(`normalize_text`), the compared form (`canonical_form`) and the phonetic form (`phonetic_form`, `consonant_skeleton`).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, TypeAlias

Script: TypeAlias = Literal["khmer", "latin"]

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_KHMER_LETTER = re.compile("[\u1780-\u17b3]")
_DIGITS = {chr(0x17E0 + digit): str(digit) for digit in range(10)}

# Khmer: signs that look the same are replaced by one sign, then the marks of a cluster are sorted.
_KHMER_REPLACEMENTS = str.maketrans(
    {"\u17a3": "\u17a2", "\u17a4": "\u17a2\u17b6", "\u17b2": "\u17b1", **_DIGITS}
)
_ROBAT, _COENG_DA, _COENG_TA, _COENG_RO = "\u17cc", "\u17d2\u178a", "\u17d2\u178f", "\u17d2\u179a"
_DANGLING_COENG = re.compile("\u17d2(?![\u1780-\u17b3])")
_MARK = "(?:\u17d2[\u1780-\u17b3]|[\u17b6-\u17d1\u17d3\u17dd])"
_MARKS = re.compile(_MARK)
_CLUSTER = re.compile(f"([\u1780-\u17b3]?)({_MARK}{{2,}})")
_NOT_KHMER_WORD = re.compile("(?:[^\\w\u17b6-\u17d3\u17dd]|_)+")
_COMPOSED_VOWELS = {("\u17c1", "\u17b8"): "\u17be", ("\u17c1", "\u17b6"): "\u17c4"}
_VOWELS_ABOVE = frozenset("\u17b7\u17b8\u17b9\u17ba\u17be\u17d0")
_LIGHT_SERIES = frozenset("\u1784\u1789\u1798\u1799\u179a\u179c\u1793\u179b")

# Latin: letters without a Unicode decomposition, and apostrophes, which do not separate words.
_LATIN_REPLACEMENTS = str.maketrans(
    {"đ": "d", "ł": "l", "ø": "o", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", **_DIGITS}
)
_APOSTROPHES = re.compile("['`\u00b4\u02b9-\u02bf\u2018-\u201b\u2032\uff07]")
_NOT_ASCII_WORD = re.compile("[^0-9a-z]+")

# Sound classes of Latin spellings of Khmer: aspiration, voicing and doubling are ignored, a final h, r, v, w is silent.
_LATIN_SOUNDS = re.compile(
    "(?P<y>^y(?=[aeiou]))|(?P<vowel>[aeiouy]+(?:[hrvw](?![aeiouy]))*)|(?P<c>t?ch+|[td]j|j|c(?![hk]))|(?P<k>c?kh*|gh*|q)"
    "|(?P<g>ngh?)|(?P<n>nh?)|(?P<t>[td]h?)|(?P<p>[pb]h?|f)|(?P<v>[vw]h?)|(?P<s>[szx]h?)|(?P<r>rh?(?=[aeiouy]))"
    "|(?P<silent>rh?|h(?![aeiouy]))|(?P<other>.)",
    re.DOTALL,
)
_REPEATED_CHARACTER = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]")

# Sound classes of Khmer letters. The first and the second series have the same class.
_KHMER_CONSONANT_CLASSES = {
    "k": "កខគឃ",
    "g": "ង",
    "c": "ចឆជឈ",
    "t": "ដឋឌឍតថទធ",
    "n": "ញណន",
    "p": "បផពភ",
    "m": "ម",
    "y": "យ",
    "l": "លឡឭឮ",
}
_KHMER_CONSONANT_CLASSES |= {"r": "រឫឬ", "v": "វ", "s": "ឝឞស", "h": "ហ", "a": "អឥឦឧឨឩឪឯឰឱឳ"}
_KHMER_CONSONANT_BY_LETTER = {
    letter: sound for sound, letters in _KHMER_CONSONANT_CLASSES.items() for letter in letters
}
_KHMER_SILENT_LETTERS = re.compile("\u17d2?[\u1780-\u17a2][\u17b6-\u17c5]?\u17cd|\u17d2\u179a$")
_SUBSCRIPT_OR_LETTER = re.compile("(\u17d2?)([\u1780-\u17b30-9a-z])")

_CACHE_SIZE = 256
"""Maximum number of cached words. It is enough for one search, and too small to keep the names of many people in
memory.
"""


def detect_script(text: str) -> Script:
    """Return `khmer` if at least half of the letters are Khmer, otherwise `latin`."""
    if text.isascii():
        return "latin"
    khmer_letters = len(_KHMER_LETTER.findall(text))
    other_letters = sum(1 for character in text if character.isalpha()) - khmer_letters
    return "khmer" if khmer_letters and khmer_letters >= other_letters else "latin"


def normalize_text(text: str) -> str:
    """Return the stored form of a name: NFC, single spaces, no invisible characters, case unchanged. Not for narratives."""
    visible = _INVISIBLE.sub("", text)
    return " ".join((visible if visible.isascii() else unicodedata.normalize("NFC", visible)).split())


def canonical_form(text: str, script: str) -> str:
    """Return the compared form: equal names are equal strings, words are separated by single spaces."""
    return _canonical_khmer(text) if script == "khmer" else _canonical_latin(text)


@lru_cache(maxsize=_CACHE_SIZE)
def _canonical_khmer(text: str) -> str:
    plain = normalize_text(text).translate(_KHMER_REPLACEMENTS).casefold()
    plain = _DANGLING_COENG.sub("", unicodedata.normalize("NFC", plain)).replace(_COENG_DA, _COENG_TA)
    return _NOT_KHMER_WORD.sub(" ", _CLUSTER.sub(_reorder_cluster, plain)).strip()


def _reorder_cluster(cluster: re.Match[str]) -> str:
    base, marks = cluster[1], dict.fromkeys(_MARKS.findall(cluster[2]))
    for parts, composed_vowel in _COMPOSED_VOWELS.items():
        if all(part in marks for part in parts):
            marks = dict.fromkeys([mark for mark in marks if mark not in parts] + [composed_vowel])
    if (
        base
        and "\u17bb" in marks
        and not _VOWELS_ABOVE.isdisjoint(marks)
        and not {"\u17c9", "\u17ca"} & marks.keys()
    ):
        # Below an upper vowel, a shifter looks exactly like the vowel u and is often typed as that vowel.
        marks = {_shifter(base) if mark == "\u17bb" else mark: None for mark in marks}
    return base + "".join(sorted(marks, key=_mark_order))


def _shifter(base: str) -> str:
    return "\u17c9" if base in _LIGHT_SERIES else "\u17ca"


def _mark_order(mark: str) -> tuple[int, str]:
    """Return the sort key of a mark: robat, subscripts in the given order with ro last, shifters, vowels, signs."""
    if mark[0] == "\u17d2":
        return (2, "") if mark == _COENG_RO else (1, "")
    if mark == _ROBAT:
        return 0, ""
    if mark in "\u17c9\u17ca":
        return 3, mark
    return (4, mark) if mark <= "\u17c5" else (5, mark)


@lru_cache(maxsize=_CACHE_SIZE)
def _canonical_latin(text: str) -> str:
    if text.isascii():
        return _NOT_ASCII_WORD.sub(" ", _APOSTROPHES.sub("", normalize_text(text)).lower()).strip()
    plain = _APOSTROPHES.sub("", normalize_text(text))
    plain = _APOSTROPHES.sub("", _strip_diacritics(_strip_diacritics(plain).casefold())).translate(
        _LATIN_REPLACEMENTS
    )
    return " ".join("".join(character if character.isalnum() else " " for character in plain).split())


def _strip_diacritics(text: str) -> str:
    return "".join(
        character
        for character in unicodedata.normalize("NFKD", text)
        if unicodedata.category(character)[0] != "M"
    )


@lru_cache(maxsize=_CACHE_SIZE)
def latin_phonetic_form(word: str) -> str:
    """Return the phonetic form of a Latin spelling: consonant classes, and one of a, e (ea, ia), i, o, u per vowel group."""
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
        return "u" if has_back_vowel else "e" if "a" in group else "i"
    return "o" if has_back_vowel else "a"


def consonant_skeleton(script: str, word: str) -> str:
    """Return the consonant classes of a word. A word that begins with a vowel gets the prefix `a`."""
    if script == "khmer":
        return _khmer_consonant_skeleton(word)
    phonetic = latin_phonetic_form(word)
    prefix = "a" if _VOWELS.match(phonetic) else ""
    return prefix + _VOWELS.sub("", phonetic)


@lru_cache(maxsize=_CACHE_SIZE)
def _khmer_consonant_skeleton(word: str) -> str:
    skeleton = ""
    for subscript, letter in _SUBSCRIPT_OR_LETTER.findall(_KHMER_SILENT_LETTERS.sub("", word)):
        consonant = _KHMER_CONSONANT_BY_LETTER.get(letter, letter)
        is_doubled = subscript and skeleton[-1:] == consonant
        if not is_doubled and not (consonant == "a" and skeleton):
            skeleton += consonant
    return skeleton


def phonetic_form(script: str, word: str) -> str:
    """Return the most detailed phonetic form: of Latin with vowel classes, of Khmer the consonants only."""
    return latin_phonetic_form(word) if script == "latin" else _khmer_consonant_skeleton(word)
