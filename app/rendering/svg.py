"""Small building blocks of SVG drawings: black on white, without style sheets, scripts or anything from elsewhere.

Every text passes through `escaped`; nobody's browser asks another machine for anything to show a drawing.
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
"""Lines per size of letters: Khmer stacks signs above and below."""

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
_WIDTH_BY_CHARACTER = {letter: width for letters, width in _CHARACTER_WIDTHS for letter in letters}


def estimate_text_width(text: str, size: float) -> float:
    """Return how wide a text will be, rather too wide than too narrow: which font shows it is not known here."""
    return size * sum(_WIDTH_BY_CHARACTER.get(letter, 0.68) for letter in text)


def fit_text_lines(text: str, size: float, room: float, most: int) -> list[str]:
    """Return a text in at most so many lines that fit into a room."""
    return truncate_lines(wrap_text(text, room, partial(estimate_text_width, size=size)), most)


def escape_xml(text: str) -> str:
    """Return a text as XML may hold it."""
    return escape(_INVALID_XML_CHARACTERS.sub("", text))


def build_element(tag: str, content: str = "", /, **attributes: float | str) -> str:
    """Return an element around content that is XML already; `stroke_width` becomes `stroke-width`."""
    told = "".join(
        f' {name.replace("_", "-")}="{_format_attribute(value)}"' for name, value in attributes.items()
    )
    return f"<{tag}{told}>{content}</{tag}>" if content else f"<{tag}{told}/>"


def _format_attribute(value: float | str) -> str:
    return escape_xml(value) if isinstance(value, str) else f"{round(value, 1):g}"


def build_text(text: str, x: float, y: float, size: float = 14, **attributes: float | str) -> str:
    """Return a line of text; `y` is where its letters stand."""
    return build_element("text", escape_xml(text), x=x, y=y, font_size=size, **attributes)


def build_paragraph(told: list[str], x: float, y: float, size: float = 14, **attributes: float | str) -> str:
    """Return lines of text, one below the other."""
    step = size * LINE_HEIGHT
    return "".join(
        build_text(line, x, y + step * place, size, **attributes) for place, line in enumerate(told)
    )


def build_svg(size: tuple[float, float], title: str, description: str, body: str, language: str) -> str:
    """Return a whole drawing, with its title and description for those who listen to it."""
    named = {"id": "title"}, {"id": "description"}
    spoken = build_element("title", escape_xml(title), **named[0]) + build_element(
        "desc", escape_xml(description), **named[1]
    )
    ground = build_element("rect", width="100%", height="100%", fill="#fff")
    return build_element("svg", spoken + ground + body, **_root_attributes(size, language))


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
