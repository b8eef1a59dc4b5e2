"""Shape text: choose a font for each character, and find the glyphs and their positions with HarfBuzz.

Every PDF and every picture prints its text through `shape_text`. A character that no font has becomes a visible box and
is counted, so that no character disappears from a printed page.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from app.rendering.line_breaks import split_characters
from app.rendering.typefaces import (
    BOX,
    LETTER_FAMILIES,
    UNITS_PER_EM,
    Typeface,
    get_box_typeface,
    list_typefaces,
)

REPLACEMENT_CHARACTER = "\ufffd"
"""Placeholder for a character that cannot be in a file: a control character, a lone surrogate or a noncharacter."""
_MISSING_GLYPH = 0
"""The glyph id of every font (`.notdef`) for a character that it does not have."""
_SHARED_SCRIPTS = frozenset({"Zyyy", "Zinh"})
"""Scripts of characters that occur between characters of any script, such as spaces, digits and combining accents."""


class Glyph(NamedTuple):
    """A glyph with its advance and its offset, in thousandths of the font size."""

    glyph_id: int
    advance: int
    x_offset: int
    y_offset: int


@dataclass(frozen=True, slots=True)
class GlyphRun:
    """The glyphs of consecutive characters in one font."""

    typeface: Typeface
    text: str
    glyphs: tuple[Glyph, ...]
    missing_characters: int = 0
    """The number of characters that no font has, each of which is printed as a box."""

    @property
    def width(self) -> int:
        """The width in thousandths of the font size."""
        return sum(glyph.advance for glyph in self.glyphs)


class _Cluster(NamedTuple):
    """Characters that a reader sees as one, their font (None: no font has them) and their script."""

    text: str
    typeface: Typeface | None
    script: str


def replace_unprintable_characters(text: str) -> str:
    """Replace white space by spaces, and characters that no file can contain by `REPLACEMENT_CHARACTER`."""
    return text if text.isprintable() else "".join(map(_replace_unprintable_character, text))


def _replace_unprintable_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF  # noqa: PLR2004 - the ranges of Unicode
    if is_noncharacter or unicodedata.category(character) in {"Cc", "Cs"}:
        return REPLACEMENT_CHARACTER
    return character


def shape_text(text: str, *, bold: bool = False) -> list[GlyphRun]:
    """Return the glyphs of a text from left to right, as runs of one font and one script."""
    clusters = _list_clusters(replace_unprintable_characters(text), bold=bold)
    return [_build_run(list(run)) for _, run in groupby(clusters, key=lambda cluster: cluster[1:])]


def measure_runs(runs: Sequence[GlyphRun], size: float) -> float:
    """Return the width of shaped text at a font size."""
    return sum(run.width for run in runs) * size / UNITS_PER_EM


def measure_text(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text at a font size."""
    return measure_runs(shape_text(text, bold=bold), size)


def _list_clusters(text: str, *, bold: bool) -> Iterator[_Cluster]:
    """Yield the clusters of a text.

    A cluster of a shared script, such as a space, takes the font of the letters before it, if that font has it.
    """
    previous = _Cluster("", None, "Zyyy")
    for cluster in split_characters(text):
        for part, typeface in _assign_typefaces(cluster, bold=bold):
            script = _find_script(part)
            if script is None and _continues_in_font(previous.typeface, part):
                previous = _Cluster(part, previous.typeface, previous.script)
            else:
                previous = _Cluster(part, typeface, script or previous.script)
            yield previous


@lru_cache(maxsize=8192)
def _assign_typefaces(cluster: str, *, bold: bool) -> tuple[tuple[str, Typeface | None], ...]:
    """Return the parts of a cluster with their fonts: the whole cluster if one font has all its characters."""
    typeface = _find_typeface(cluster, bold=bold)
    if typeface or len(cluster) == 1:
        return ((cluster, typeface),)
    return tuple((character, _find_typeface(character, bold=bold)) for character in cluster)


def _continues_in_font(typeface: Typeface | None, text: str) -> bool:
    return typeface is not None and typeface.family in LETTER_FAMILIES and _has_glyphs(typeface, text)


def _find_typeface(text: str, *, bold: bool) -> Typeface | None:
    return next((typeface for typeface in list_typefaces(bold=bold) if _has_glyphs(typeface, text)), None)


@lru_cache(maxsize=8192)
def _has_glyphs(typeface: Typeface, text: str) -> bool:
    glyphs = _shape_run(typeface, text)
    return REPLACEMENT_CHARACTER not in text and all(glyph.glyph_id != _MISSING_GLYPH for glyph in glyphs)


@lru_cache(maxsize=8192)
def _find_script(cluster: str) -> str | None:
    from fontTools.unicodedata import script  # noqa: PLC0415 - a start does not need its tables

    return next((code for code in map(script, cluster) if code not in _SHARED_SCRIPTS), None)


def _build_run(clusters: Sequence[_Cluster]) -> GlyphRun:
    text, typeface = "".join(cluster.text for cluster in clusters), clusters[0].typeface
    if typeface:
        return GlyphRun(typeface, text, _shape_run(typeface, text))
    box_typeface = get_box_typeface()
    return GlyphRun(box_typeface, text, _shape_run(box_typeface, BOX * len(text)), len(text))


def _shape_run(typeface: Typeface, text: str) -> tuple[Glyph, ...]:
    """Shape text of one script with one font. The direction is fixed, because no font has a right-to-left script."""
    import uharfbuzz  # noqa: PLC0415 - a start does not need it, and its import is slow

    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "ltr"
    uharfbuzz.shape(typeface.harfbuzz_font, buffer)
    return tuple(
        Glyph(info.codepoint, position.x_advance, position.x_offset, position.y_offset)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    )
