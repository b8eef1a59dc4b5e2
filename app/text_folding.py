"""The folding of texts: texts that look equal have one folded form.

Every comparison of a text that people type to find or confirm a record uses this module. The database stores folded texts
in separate columns and never folds itself, so that there is only one folding. The comparison of names by their sound
is in `app.services.persons`.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

Script: TypeAlias = Literal["khmer", "latin"]

_INVISIBLE_CHARACTERS: Final = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE: Final = re.compile(f"[{_INVISIBLE_CHARACTERS}]")
_VISIBLE: Final = re.compile(rf"[^\s{_INVISIBLE_CHARACTERS}]")
_DASHES: Final = re.compile(
    "[\u058a\u05be\u1806\u2010-\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d\u30a0]"
)
_APOSTROPHES: Final = re.compile("[`\u02b9-\u02bf\u02c8\u2018-\u201b\u2032\uff07]| \u0301")
"""U+00B4 is a space with U+0301 after NFKC."""
_DIGITS_LIKE_LETTERS: Final = str.maketrans("oil", "011")
_SPACED_DASH: Final = re.compile(r"\s*-\s*")

# Letters of other scripts that look like Latin letters, from confusables.txt of Unicode (UTS #39), limited to the letters
# of names. A capital and its small letter map to the same Latin letter, so that letter case makes no difference.
_GREEK_CAPITALS: Final = str.maketrans({"\u039d": "N", "\u03a5": "Y"})
"""Greek capitals that look like another Latin letter than their small letters: Nu and Upsilon."""
_CYRILLIC_LETTERS: Final = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d",
    "abekmhopctyxijshdqw",
)
_GREEK_LETTERS: Final = str.maketrans(
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03f2\u03f3",
    "abezhikmvoptuxcj",
)
_LETTERS_LIKE_LATIN: Final = _CYRILLIC_LETTERS | _GREEK_LETTERS
"""The Latin letter for each small Cyrillic or Greek letter that, itself or as a capital, looks like a Latin letter."""

# Khmer: signs that look the same are replaced by one sign, then the marks of a cluster are sorted.
_KHMER: Final = re.compile("[\u1780-\u17ff]")
_KHMER_LETTER: Final = re.compile("[\u1780-\u17b3]")
_KHMER_REPLACEMENTS: Final = str.maketrans({"\u17a3": "\u17a2", "\u17a4": "\u17a2\u17b6", "\u17b2": "\u17b1"})
_ROBAT, _COENG_DA, _COENG_TA, _COENG_RO = "\u17cc", "\u17d2\u178a", "\u17d2\u178f", "\u17d2\u179a"
_DANGLING_COENG: Final = re.compile("\u17d2(?![\u1780-\u17b3])")
_MARK: Final = "(?:\u17d2[\u1780-\u17b3]|[\u17b6-\u17d1\u17d3\u17dd])"
_MARKS: Final = re.compile(_MARK)
_CLUSTER: Final = re.compile(f"([\u1780-\u17b3]?)({_MARK}{{2,}})")
_COMPOSED_VOWELS: Final = {("\u17c1", "\u17b8"): "\u17be", ("\u17c1", "\u17b6"): "\u17c4"}
_VOWELS_BUT_U: Final = frozenset({*map(chr, range(0x17B6, 0x17C6)), "\u17d0"} - {"\u17bb"})
"""The vowels that a cluster never has together with the vowel u, and the sign samyok sannya, which is a vowel too."""
_MUUSIKATOAN, _TRIISAP, _VOWEL_U, _NIKAHIT = "\u17c9", "\u17ca", "\u17bb", "\u17c6"
_SHIFTERS: Final = frozenset((_MUUSIKATOAN, _TRIISAP))
_MUUSIKATOAN_LETTERS: Final = frozenset("\u1784\u1789\u1793\u1794\u1798\u1799\u179a\u179b\u179c\u179d")
"""Letters below which the sign muusikatoan looks like the vowel u if another mark is above."""
_TRIISAP_LETTERS: Final = frozenset("\u179f\u17a0\u17a2")
"""Letters that have triisap. The subscript of a cluster decides before its base, and the subscript ro after it."""
_RO: Final = "\u179a"


def detect_script(text: str) -> Script:
    """Return `khmer` if at least half of the letters are Khmer, otherwise `latin`."""
    if text.isascii():
        return "latin"
    khmer_letters = len(_KHMER_LETTER.findall(text))
    other_letters = sum(map(str.isalpha, text)) - khmer_letters
    return "khmer" if khmer_letters and khmer_letters >= other_letters else "latin"


def is_blank(text: str) -> bool:
    """Return whether a text has only spaces and invisible characters, so that its normalized form is empty."""
    return _VISIBLE.search(text) is None


def normalize_text(text: str) -> str:
    """Return the stored form of a name: NFC, single spaces, no invisible characters, case unchanged. Not for narratives."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = _INVISIBLE.sub("", text)
    return " ".join((visible if visible.isascii() else unicodedata.normalize("NFC", visible)).split())


def normalize_identifier(text: str) -> str:
    """Return the stored form of an identifier of another system: NFC, trimmed, no invisible characters."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).strip()


def fold_text(text: str) -> str:
    """Return the compared form of a text: texts that look equal are equal strings.

    Ignores Unicode forms, invisible characters, letter case, the script of digits, and the kind of dashes, apostrophes and
    spaces. Letters of other scripts that look like Latin letters are Latin. Khmer marks have one order, and the subscripts TA and
    DA, which look the same, are one. The vowel u is a shifter if the cluster has another vowel. The letter O is not the digit
    0: `fold_number` ignores that difference.
    """
    if text.isascii():
        plain = _APOSTROPHES.sub("'", _INVISIBLE.sub("", text)).lower()
    else:
        plain = _fold_khmer(_fold_characters(text))
    return _SPACED_DASH.sub("-", " ".join(plain.split()))


def fold_identifier(text: str) -> str:
    """Return the letters, marks and digits of a folded number or code: `FSC-2026-0042` and `fsc 2026 0042` are equal."""
    return "".join(character for character in fold_text(text) if unicodedata.category(character)[0] in "LMN")


def fold_number(text: str) -> str:
    """Return the folded identifier with the digits 0 and 1 for the letters O, I and L, which people type for them.

    Only numbers of records are compared in this form, because names contain these letters.
    """
    return fold_identifier(text).translate(_DIGITS_LIKE_LETTERS)


def fold_email_address(email: str) -> str:
    """Return the form of an email address under which it is compared: the folded text.

    The database stores it in a separate column, and compares only that column. PostgreSQL's `lower()` would fold other
    characters than Python, for example `İ`.
    """
    return fold_text(email)


def fold_digits(text: str) -> str:
    """Return the text with ASCII digits, signs `+` and hyphens. Each character becomes at most one character."""
    if text.isascii():
        return text
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    return _DASHES.sub("-", "".join(digits).replace("\uff0b", "+"))


def _fold_characters(text: str) -> str:
    """Return the text with one form of each visible character: NFKC_Casefold of Unicode, Latin letters and ASCII digits."""
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    plain = unicodedata.normalize("NFKD", plain).translate(_GREEK_CAPITALS).casefold()
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", plain).translate(_LETTERS_LIKE_LATIN))
    plain = _APOSTROPHES.sub("'", _INVISIBLE.sub("", plain))
    return unicodedata.normalize("NFKC", fold_digits(plain))


def _fold_khmer(text: str) -> str:
    """Return the text with Khmer marks in one order, and one sign for those that look the same."""
    if not _KHMER.search(text):
        return text
    plain = _DANGLING_COENG.sub("", text.translate(_KHMER_REPLACEMENTS)).replace(_COENG_DA, _COENG_TA)
    return _CLUSTER.sub(_reorder_cluster, plain)


def _reorder_cluster(cluster: re.Match[str]) -> str:
    base, marks = cluster[1], dict.fromkeys(_MARKS.findall(cluster[2]))
    for parts, composed_vowel in _COMPOSED_VOWELS.items():
        if all(part in marks for part in parts):
            marks = dict.fromkeys([mark for mark in marks if mark not in parts] + [composed_vowel])
    if base and _VOWEL_U in marks and not _VOWELS_BUT_U.isdisjoint(marks):
        # The vowel u is a shifter, which looks like that vowel below an upper vowel and is often typed as that vowel.
        shifter = next((mark for mark in marks if mark in _SHIFTERS), _get_shifter(base, marks))
        marks = {shifter if mark == _VOWEL_U else mark: None for mark in marks}
    elif _has_muusikatoan(base, marks) and _NIKAHIT in marks and _VOWELS_BUT_U.isdisjoint(marks):
        # Below nikahit too, as in Mom. The vowel is the usual spelling, which has a romanization.
        marks = {_VOWEL_U if mark == _MUUSIKATOAN else mark: None for mark in marks}
    return base + "".join(sorted(marks, key=_get_mark_order))


def _get_shifter(base: str, marks: Iterable[str]) -> str:
    return _MUUSIKATOAN if _has_muusikatoan(base, marks) else _TRIISAP


def _has_muusikatoan(base: str, marks: Iterable[str]) -> bool:
    """Return whether the shifter that looks like the vowel u is muusikatoan, because of the base or of a subscript."""
    subscripts = [mark[-1] for mark in marks if mark[0] == "\u17d2"]
    letters = [*(letter for letter in subscripts if letter != _RO), base, *subscripts]
    signed = [letter for letter in letters if letter in _MUUSIKATOAN_LETTERS | _TRIISAP_LETTERS]
    return bool(signed) and signed[0] in _MUUSIKATOAN_LETTERS


def _get_mark_order(mark: str) -> tuple[int, str]:
    """Return the sort key of a mark: robat, subscripts in the given order with ro last, shifters, vowels, signs."""
    if mark[0] == "\u17d2":
        return (2, "") if mark == _COENG_RO else (1, "")
    if mark == _ROBAT:
        return 0, ""
    if mark in _SHIFTERS:
        return 3, mark
    return (4, mark) if mark <= "\u17c5" else (5, mark)
