"""Detection of texts that were typed in a legacy Khmer font, such as Limon or ABC.

These fonts show Khmer letters for Latin characters and symbols: `suk BisidæÞ` is shown as a Khmer name, and is unreadable in every
other font. Words of few and only small letters, such as `suk`, cannot be distinguished from Latin names.
"""

import re
from typing import Final

_SYMBOL: Final = (
    "[\u00a1-\u00b9\u00bb-\u00bf\u00d0\u00d7\u00de\u00df\u00f0\u00f7\u00fe\u2020\u2021\u2030\u2039\u203a\u20ac\u2122"
    r"|\\{}\[\]<>=_$%@*^~]"
)
"""Symbols, and the Latin letters eth, thorn and sharp s, which no usual name of a person in Cambodia contains."""
_SYMBOL_IN_WORD: Final = re.compile(f"[A-Za-z\u00c0-\u00ff]{_SYMBOL}|{_SYMBOL}[A-Za-z\u00c0-\u00ff]")
_LIGATURE_IN_WORD: Final = re.compile("[A-Za-z][\u00c5\u00c6\u00d8\u00e5\u00e6\u00f8\u0152\u0153]")
_CAPITAL_IN_WORD: Final = re.compile("[a-z\u00df-\u00ff][A-Z\u00c0-\u00de](?![a-z\u00df-\u00ff])")
"""A capital after a small letter and before no small letter. A name such as SreyMom or McDonald has a small one after it."""
_EUROPEAN_WORD: Final = re.compile("[A-Z\u00c5\u00c6\u00d8\u0152][a-z\u00e5\u00e6\u00f8\u0153\u00df]+")
"""A capitalized word with letters of French, German or Scandinavian names."""
_MIN_SUSPECT_SHARE: Final = 0.25
"""Share of the words of an address that look as if they were typed in a legacy font."""


def is_legacy_name(text: str) -> bool:
    """Return whether a name seems to be typed in a legacy Khmer font."""
    words = [word for word in text.split() if not _EUROPEAN_WORD.fullmatch(word)]
    return any(_is_legacy_word(word) or bool(_SYMBOL_IN_WORD.search(word)) for word in words)


def is_legacy_address(text: str) -> bool:
    """Return whether an address seems to be typed in a legacy Khmer font. An address can contain single unusual words."""
    words = [word for word in text.split() if any(character.isalpha() for character in word)]
    suspect = [word for word in words if _is_legacy_word(word) or _has_foreign_symbol(word)]
    return bool(suspect) and len(suspect) >= _MIN_SUSPECT_SHARE * len(words)


def _is_legacy_word(word: str) -> bool:
    is_suspect = _CAPITAL_IN_WORD.search(word) or _LIGATURE_IN_WORD.search(word)
    return bool(is_suspect) and not _EUROPEAN_WORD.fullmatch(word)


def _has_foreign_symbol(word: str) -> bool:
    match = _SYMBOL_IN_WORD.search(word)
    return match is not None and not match[0].isascii()
