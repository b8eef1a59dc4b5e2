"""The fonts of every PDF and picture, in the order in which they are tried for a character.

The fonts cover Khmer, Latin (with Vietnamese), Greek, Cyrillic, Thai, Lao, symbols, emoji and common Chinese characters.
`BOX` is printed for a character that none of them has.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uharfbuzz

FONT_DIRECTORY = Path(__file__).with_name("fonts")
UNITS_PER_EM = 1000
"""Unit of all glyph positions and widths: a thousandth of the font size, independent of the unit of the font file."""
BOX = "\u25af"
"""The character whose glyph stands for a character that no font has."""


@dataclass(frozen=True)
class Typeface:
    """One font file: a family in one weight."""

    family: str
    bold: bool = False

    @property
    def name(self) -> str:
        """The name of the font file without its extension."""
        return f"{self.family}-{'Bold' if self.bold else 'Regular'}"

    @property
    def path(self) -> Path:
        """The font file."""
        return FONT_DIRECTORY / f"{self.name}.ttf"

    @cached_property
    def harfbuzz_font(self) -> "uharfbuzz.Font":
        """The font for HarfBuzz, with positions in `UNITS_PER_EM`."""
        import uharfbuzz  # noqa: PLC0415 - a start does not need it, and its import is slow

        font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(self.path)))
        font.scale = (UNITS_PER_EM, UNITS_PER_EM)
        return font


LETTER_FAMILIES = ("NotoSans", "NotoSansKhmer", "NotoSansThai", "NotoSansLao")
"""Families with a regular and a bold weight."""
SYMBOL_FAMILIES = ("NotoSansMath", "NotoSansSymbols2", "NotoSansSymbols", "NotoSansSC", "NotoEmoji")
"""Families of symbols and of Chinese characters, with a regular weight only. Bold text uses it too."""
BOX_TYPEFACE_FAMILY = "NotoSansSymbols2"


@cache
def list_typefaces(*, bold: bool) -> tuple[Typeface, ...]:
    """Return the typefaces of a weight in the order in which they are tried."""
    return (*(Typeface(family, bold) for family in LETTER_FAMILIES), *_list_symbol_typefaces())


@cache
def _list_symbol_typefaces() -> tuple[Typeface, ...]:
    """Return the typefaces without a bold weight. Both weights share them, so that each file is read once."""
    return tuple(Typeface(family) for family in SYMBOL_FAMILIES)


def get_box_typeface() -> Typeface:
    """Return the typeface that contains `BOX`."""
    return next(typeface for typeface in _list_symbol_typefaces() if typeface.family == BOX_TYPEFACE_FAMILY)
