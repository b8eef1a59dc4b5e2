"""Texts, tables and bar charts as strips: pieces of a page, one below the other, with the marks that they contain.

A strip does not depend on the format. `app.rendering.strip_files` draws strips as SVG and as PDF. All lengths are in points,
`x` from the left edge of the content and `y` from the top of the strip.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from app.rendering.line_breaks import truncate_lines, wrap_text
from app.rendering.shaping import measure_text

CONTENT_WIDTH = 483.28
"""Width of A4 without its margins."""
LINE_HEIGHT_FACTOR = 1.62
"""Line height divided by font size. Khmer has signs above and below the letters."""
SIZE, SMALL_SIZE, TITLE_SIZE = 9.0, 8.0, 15.0
"""Font sizes."""
DARK, PALE, RULE_GRAY, NOTE_GRAY = 0.3, 0.78, 0.7, 0.35
"""Gray levels from 0 (black) to 1 (white). Two series of bars stay distinct in print."""
LABEL_WIDTH = 170.0
"""Width of the labels of bars, and the smallest width of the first column of a table."""
MAX_COLUMN_WIDTH = 110.0
VALUE_SPACE = 74.0
"""Space to the right of the longest bar for its value."""
BAR_HEIGHT, BAR_GAP, COLUMN_GAP = 10.0, 7.0, 6.0
MAX_LABEL_LINES, MAX_HEADING_LINES = 3, 6


@dataclass(frozen=True, slots=True)
class TextMark:
    """One line of text. `x` is its left edge, its middle or its right edge: alignment 0, 0.5 or 1."""

    x: float
    y: float
    text: str
    size: float = SIZE
    bold: bool = False
    alignment: float = 0.0
    gray: float = 0.0


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    gray: float = 0.0


@dataclass(frozen=True, slots=True)
class Strip:
    """A piece of a page that a page break does not divide."""

    height: float
    marks: tuple[TextMark | BoxMark, ...] = ()
    following_height: float = 0.0
    """Height of the following strips that must be on the same page."""
    heading: "Strip | None" = None
    """The strip that is repeated above it at the top of a new page."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The bars of one group: a value with its text per series. A value of None has no bar."""

    label: str
    values: tuple[tuple[float | None, str], ...]


def build_gap(height: float) -> Strip:
    """Return white space."""
    return Strip(height)


def build_paragraph(
    text: str, size: float = SIZE, *, bold: bool = False, gray: float = 0.0, following_height: float = 0.0
) -> Iterator[Strip]:
    """Yield a strip per line of a text.

    The first line of a heading is kept on one page with the next `following_height` units of content.
    """
    for line in wrap_text(text, CONTENT_WIDTH, partial(measure_text, size=size, bold=bold)):
        mark = TextMark(0, 0, line, size, bold=bold, gray=gray)
        yield Strip(size * LINE_HEIGHT_FACTOR, (mark,), following_height)


def build_bar_chart(title: str, series: Sequence[str], bars: Sequence[Bar]) -> Iterator[Strip]:
    """Yield a horizontal bar chart: a title, a legend if there are several series, and one strip per group.

    The longest bar has the full width. Values below zero have no bar.
    """
    yield from build_paragraph(title, bold=True, following_height=60)
    if len(series) > 1:
        yield _build_legend(series)
    highest = max((value for bar in bars for value, _ in bar.values if value is not None), default=0)
    width = CONTENT_WIDTH - LABEL_WIDTH - VALUE_SPACE
    for bar in bars:
        yield _build_bar(bar, width / highest if highest > 0 else 0.0)


def _build_legend(series: Sequence[str]) -> Strip:
    marks: list[TextMark | BoxMark] = []
    x = LABEL_WIDTH
    for gray, name in zip((DARK, PALE), series, strict=True):
        marks += [BoxMark(x, 3, 10, 8, gray), TextMark(x + 15, 0, name, SMALL_SIZE)]
        x += 35 + measure_text(name, SMALL_SIZE)
    return Strip(SMALL_SIZE * LINE_HEIGHT_FACTOR + 4, tuple(marks), 40)


def _build_bar(bar: Bar, scale: float) -> Strip:
    lines = _fit(bar.label, LABEL_WIDTH - 8, MAX_LABEL_LINES)
    text_height = len(lines) * SIZE * LINE_HEIGHT_FACTOR
    bars_height = len(bar.values) * (BAR_HEIGHT + 2)
    height = max(text_height, bars_height) + BAR_GAP
    marks: list[TextMark | BoxMark] = _place_lines(lines, 0.0, (height - text_height) / 2)
    marks.append(BoxMark(LABEL_WIDTH, 0, 0.6, height))
    for n, (value, text) in enumerate(bar.values):
        y = (height - bars_height) / 2 + n * (BAR_HEIGHT + 2)
        width = max(value or 0, 0) * scale
        if width:
            marks.append(BoxMark(LABEL_WIDTH + 0.6, y + 1, width, BAR_HEIGHT, (DARK, PALE)[n]))
        marks.append(TextMark(LABEL_WIDTH + width + 6, y - 1, text, SMALL_SIZE))
    return Strip(height, tuple(marks))


def build_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Strip]:
    """Yield a table: the headings and a strip per row. The first column is left-aligned, all others are right-aligned.

    The headings are repeated on each page.
    """
    heading = _build_row(headings, bold=True, max_lines=MAX_HEADING_LINES)
    yield Strip(heading.height, heading.marks, following_height=40)
    for cells in rows:
        row = _build_row(cells, bold=False, max_lines=MAX_LABEL_LINES)
        yield Strip(row.height, row.marks, heading=heading)


def _build_row(cells: Sequence[str], *, bold: bool, max_lines: int) -> Strip:
    count = len(cells) - 1
    column_width = min((CONTENT_WIDTH - LABEL_WIDTH) / max(count, 1), MAX_COLUMN_WIDTH)
    label_width = CONTENT_WIDTH - count * column_width
    widths = [label_width, *[column_width] * count]
    columns = [
        _fit(cell, width - COLUMN_GAP, max_lines, bold=bold)
        for cell, width in zip(cells, widths, strict=True)
    ]
    height = max(map(len, columns)) * SIZE * LINE_HEIGHT_FACTOR
    marks: list[TextMark | BoxMark] = []
    for n, lines in enumerate(columns):
        bottom_aligned = height - len(lines) * SIZE * LINE_HEIGHT_FACTOR
        x, alignment = (0.0, 0.0) if n == 0 else (label_width + n * column_width, 1.0)
        marks += _place_lines(lines, x, bottom_aligned if bold else 0.0, alignment, bold=bold)
    marks.append(BoxMark(0, height + 1.5, CONTENT_WIDTH, 0.7 if bold else 0.3, 0.0 if bold else RULE_GRAY))
    return Strip(height + 3, tuple(marks))


def _place_lines(
    lines: Sequence[str], x: float, y: float, alignment: float = 0.0, *, bold: bool = False
) -> list[TextMark | BoxMark]:
    step = SIZE * LINE_HEIGHT_FACTOR
    return [
        TextMark(x, y + step * n, line, bold=bold, alignment=alignment)
        for n, line in enumerate(lines)
        if line
    ]


def _fit(text: str, max_width: float, max_lines: int, *, bold: bool = False) -> list[str]:
    return truncate_lines(wrap_text(text, max_width, partial(measure_text, size=SIZE, bold=bold)), max_lines)
