"""Build SVG documents: black on white, without style sheets, scripts or external resources.

Every text and attribute value passes through `escape_xml`.
"""

import re
from collections.abc import Mapping
from functools import partial
from html import escape

from app.rendering.line_breaks import truncate_lines, wrap_text

FONT_FAMILIES = (
    "'Noto Sans Khmer', 'Khmer OS', 'Leelawadee UI', 'Khmer Sangam MN', 'Noto Sans', Arial, sans-serif"
)
LINE_HEIGHT = 1.5
"""Line height divided by font size. Khmer has signs above and below the letters."""

_INVALID_XML_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHARACTER_WIDTHS = (
    ("ឈណ", 1.3),
    ("ឃញយលសហឡឍឦឤ", 1.0),
    ("រវ", 0.45),
    ("\u17b7\u17b8\u17b9\u17ba\u17bb\u17bc\u17bd\u17c6\u17cb\u17cc\u17cd\u17ce\u17cf\u17d0\u17d1\u200b", 0.0),
    ("\u17b6\u17be\u17c1\u17c2\u17c3\u17c7\u17c8", 0.35),
    ("mwMW@%…", 1.0),
    ("ijlI.,:;'|()[]- !·\u17d2", 0.35),
    ("ABCDEFGHKLNOPQRSTUVXYZ&", 0.75),
)
_WIDTH_BY_CHARACTER = {
    character: width for characters, width in _CHARACTER_WIDTHS for character in characters
}
"""Width of a character divided by font size, for characters other than the default of 0.68."""


def estimate_text_width(text: str, size: float) -> float:
    """Estimate the maximum width of a text. The exact width is unknown, because the viewer chooses the font."""
    return size * sum(_WIDTH_BY_CHARACTER.get(character, 0.68) for character in text)


def fit_text_lines(text: str, size: float, max_width: float, max_lines: int) -> list[str]:
    """Break a text into lines of a maximum width and truncate it to a maximum number of lines."""
    return truncate_lines(wrap_text(text, max_width, partial(estimate_text_width, size=size)), max_lines)


def escape_xml(text: str) -> str:
    """Escape a text for XML and remove characters that XML does not allow."""
    return escape(_INVALID_XML_CHARACTERS.sub("", text))


def build_element(tag: str, content: str = "", /, **attributes: float | str) -> str:
    """Return an XML element. `content` must be escaped XML. An attribute `stroke_width` becomes `stroke-width`."""
    attribute_text = "".join(
        f' {name.replace("_", "-")}="{_format_attribute(value)}"' for name, value in attributes.items()
    )
    return f"<{tag}{attribute_text}>{content}</{tag}>" if content else f"<{tag}{attribute_text}/>"


def _format_attribute(value: float | str) -> str:
    return escape_xml(value) if isinstance(value, str) else f"{round(value, 1):g}"


def build_text(text: str, x: float, y: float, size: float = 14, **attributes: float | str) -> str:
    """Return a text element with one line. `y` is its baseline."""
    return build_element("text", escape_xml(text), x=x, y=y, font_size=size, **attributes)


def build_paragraph(lines: list[str], x: float, y: float, size: float = 14, **attributes: float | str) -> str:
    """Return one text element per line. `y` is the baseline of the first line."""
    step = size * LINE_HEIGHT
    return "".join(
        build_text(line, x, y + step * index, size, **attributes) for index, line in enumerate(lines)
    )


def build_svg(size: tuple[float, float], title: str, description: str, body: str, language: str) -> str:
    """Return a complete SVG document. The title and the description are for screen readers."""
    title_element = build_element("title", escape_xml(title), id="title")
    description_element = build_element("desc", escape_xml(description), id="description")
    background = build_element("rect", width="100%", height="100%", fill="#fff")
    content = title_element + description_element + background + body
    return build_element("svg", content, **_root_attributes(size, language))


def _root_attributes(size: tuple[float, float], language: str) -> Mapping[str, float | str]:
    return {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {size[0]:.0f} {size[1]:.0f}",
        "width": round(size[0]),
        "height": round(size[1]),
        "role": "img",
        "aria_labelledby": "title description",
        "lang": language,
        "font_family": FONT_FAMILIES,
        "fill": "#000",
    }
