"""The outlines of glyphs as SVG path data."""

from functools import lru_cache

from app.rendering.typefaces import BOX, Typeface, get_box_typeface


@lru_cache(maxsize=4096)
def draw_glyph(typeface: Typeface, glyph_id: int) -> str:
    """Return the outline of a glyph in thousandths of the font size. It is empty for a space."""
    from fontTools.pens.svgPathPen import SVGPathPen  # noqa: PLC0415 - a start does not need it

    pen = SVGPathPen(None, ntos=lambda value: str(round(value)))
    typeface.harfbuzz_font.draw_glyph_with_pen(glyph_id, pen)
    return str(pen.getCommands())


def draw_box() -> str:
    """Return the outline of the box that replaces a character that no font has."""
    typeface = get_box_typeface()
    return draw_glyph(typeface, typeface.harfbuzz_font.get_nominal_glyph(ord(BOX)) or 0)
