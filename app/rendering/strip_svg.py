"""Draw strips as one SVG picture."""

from collections.abc import Sequence

from app.rendering.printed_file import PrintedFile
from app.rendering.strips import CONTENT_WIDTH, BoxMark, Strip, TextMark
from app.rendering.svg import build_element, build_svg, build_text

BASELINE_OFFSET_FACTOR = 1.16
"""Distance from the top of a line to its baseline, divided by font size."""
SCALE = 1.5
"""Pixels of the picture for a point."""
MARGIN = 20.0
ANCHORS = {0.0: "start", 0.5: "middle", 1.0: "end"}


def render_strips_svg(strips: Sequence[Strip], title: str, description: str, language: str) -> PrintedFile:
    """Return the strips as a picture. The title and the description are for screen readers."""
    y, elements = MARGIN, []
    for strip in strips:
        elements += [_draw_mark(mark, y) for mark in strip.marks]
        y += strip.height
    size = (SCALE * (CONTENT_WIDTH + 2 * MARGIN), SCALE * (y + MARGIN))
    body = build_element("g", "".join(elements), transform=f"scale({SCALE})")
    return build_svg(size, title, description, body, language)


def _draw_mark(mark: TextMark | BoxMark, top: float) -> str:
    x, y = MARGIN + mark.x, top + mark.y
    fill = "#" + f"{round(255 * mark.gray):02x}" * 3
    if isinstance(mark, BoxMark):
        return build_element("rect", x=x, y=y, width=mark.width, height=mark.height, fill=fill)
    weight = {"font_weight": "bold"} if mark.bold else {}
    baseline = y + BASELINE_OFFSET_FACTOR * mark.size
    return build_text(
        mark.text, x, baseline, mark.size, text_anchor=ANCHORS[mark.alignment], fill=fill, **weight
    )
