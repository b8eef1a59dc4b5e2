"""One name, many spellings: what may be stored of it, the form that is compared, and how it is heard.

Khmer has several legal encodings of one visible word, which NFC does not unify (two subscripts in either
order look the same), and no agreed Latin spelling. So three forms stand side by side: stored (`tidy`),
compared (`canonical`) and heard (`sound`, `skeleton`).
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

# Khmer: signs that look the same are one; then the marks of a cluster are put in one order.
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

# Latin: letters that no decomposition reaches, and apostrophes, which join rather than part.
_LATIN_REPLACEMENTS = str.maketrans(
    {"đ": "d", "ł": "l", "ø": "o", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", **_DIGITS}
)
_APOSTROPHES = re.compile("['`\u00b4\u02b9-\u02bf\u2018-\u201b\u2032\uff07]")
_NOT_ASCII_WORD = re.compile("[^0-9a-z]+")

# How Khmer is heard in Latin letters: aspiration, voicing and doubling are not told apart, a coda h, r, v, w is silent.
_LATIN_SOUNDS = re.compile(
    "(?P<y>^y(?=[aeiou]))|(?P<vowel>[aeiouy]+(?:[hrvw](?![aeiouy]))*)|(?P<c>t?ch+|[td]j|j|c(?![hk]))|(?P<k>c?kh*|gh*|q)"
    "|(?P<g>ngh?)|(?P<n>nh?)|(?P<t>[td]h?)|(?P<p>[pb]h?|f)|(?P<v>[vw]h?)|(?P<s>[szx]h?)|(?P<r>rh?(?=[aeiouy]))"
    "|(?P<silent>rh?|h(?![aeiouy]))|(?P<other>.)",
    re.DOTALL,
)
_REPEATED_CHARACTER = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]")

# The same for Khmer letters, first and second series together.
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
"""Single words only, never people, and few: enough that a search need not work out its own words a thousand times."""


def detect_script(text: str) -> Script:
    """Khmer when at least half of the letters are."""
    if text.isascii():
        return "latin"
    khmer = len(_KHMER_LETTER.findall(text))
    others = sum(1 for sign in text if sign.isalpha()) - khmer
    return "khmer" if khmer and khmer >= others else "latin"


def normalize_text(text: str) -> str:
    """What may be stored of a name: NFC, nothing invisible, single spaces, case kept. Not for narratives."""
    seen = _INVISIBLE.sub("", text)
    return " ".join((seen if seen.isascii() else unicodedata.normalize("NFC", seen)).split())


def canonical_form(text: str, script: str) -> str:
    """The one form in which equal names are equal strings; words parted by single spaces."""
    return _canonical_khmer(text) if script == "khmer" else _canonical_latin(text)


@lru_cache(maxsize=_CACHE_SIZE)
def _canonical_khmer(text: str) -> str:
    plain = normalize_text(text).translate(_KHMER_REPLACEMENTS).casefold()
    plain = _DANGLING_COENG.sub("", unicodedata.normalize("NFC", plain)).replace(_COENG_DA, _COENG_TA)
    return _NOT_KHMER_WORD.sub(" ", _CLUSTER.sub(_reorder_cluster, plain)).strip()


def _reorder_cluster(found: re.Match[str]) -> str:
    base, marks = found[1], dict.fromkeys(_MARKS.findall(found[2]))
    for halves, whole in _COMPOSED_VOWELS.items():
        if all(half in marks for half in halves):
            marks = dict.fromkeys([mark for mark in marks if mark not in halves] + [whole])
    if (
        base
        and "\u17bb" in marks
        and not _VOWELS_ABOVE.isdisjoint(marks)
        and not {"\u17c9", "\u17ca"} & marks.keys()
    ):
        # Under a vowel above, a shifter is drawn exactly like the vowel u, and often typed as one.
        marks = {_shifter(base) if mark == "\u17bb" else mark: None for mark in marks}
    return base + "".join(sorted(marks, key=_mark_order))


def _shifter(base: str) -> str:
    return "\u17c9" if base in _LIGHT_SERIES else "\u17ca"


def _mark_order(mark: str) -> tuple[int, str]:
    """Robat, subscripts as written but ro last, shifters, vowels, signs."""
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
    return " ".join("".join(sign if sign.isalnum() else " " for sign in plain).split())


def _strip_diacritics(text: str) -> str:
    return "".join(
        sign for sign in unicodedata.normalize("NFKD", text) if unicodedata.category(sign)[0] != "M"
    )


@lru_cache(maxsize=_CACHE_SIZE)
def latin_phonetic_form(word: str) -> str:
    """How a Latin spelling is heard: consonants merged, each group of vowels one of a, e (ea, ia), i, o, u."""
    return _REPEATED_CHARACTER.sub(r"\1", _LATIN_SOUNDS.sub(_phonetic_class, word))


def _phonetic_class(found: re.Match[str]) -> str:
    kind = found.lastgroup or "other"
    if kind in {"silent", "other"}:
        return "" if kind == "silent" else found[0]
    return kind if kind != "vowel" else _phonetic_vowel(found[0])


@lru_cache(maxsize=256)
def _phonetic_vowel(group: str) -> str:
    if any(sign in group for sign in "eiy"):
        back = any(sign in group for sign in "ouvw")
        return "u" if back else "e" if "a" in group else "i"
    return "o" if any(sign in group for sign in "ouvw") else "a"


def consonant_skeleton(script: str, word: str) -> str:
    """The consonants as heard; a name that begins with a vowel begins with `a`."""
    if script == "khmer":
        return _khmer_consonant_skeleton(word)
    spoken = latin_phonetic_form(word)
    opening = "a" if _VOWELS.match(spoken) else ""
    return opening + _VOWELS.sub("", spoken)


@lru_cache(maxsize=_CACHE_SIZE)
def _khmer_consonant_skeleton(word: str) -> str:
    heard = ""
    for subscript, letter in _SUBSCRIPT_OR_LETTER.findall(_KHMER_SILENT_LETTERS.sub("", word)):
        consonant = _KHMER_CONSONANT_BY_LETTER.get(letter, letter)
        doubled = subscript and heard[-1:] == consonant
        if not doubled and not (consonant == "a" and heard):
            heard += consonant
    return heard


def phonetic_form(script: str, word: str) -> str:
    """The fullest form of what is heard: with classes of vowels for Latin, consonants only for Khmer."""
    return latin_phonetic_form(word) if script == "latin" else _khmer_consonant_skeleton(word)
