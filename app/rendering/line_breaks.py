"""Break text into lines.

Khmer is written without spaces between words. ICU finds the words with a dictionary, and does not separate combining
signs from their letter.
"""

import re
from collections.abc import Callable, Iterator

_LINE_SEPARATOR = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
TextMeasure = Callable[[str], float]


def wrap_text(text: str, max_width: float, measure: TextMeasure) -> list[str]:
    """Return the lines of a text, each at most `max_width` wide. A line separator in the text starts a new line."""
    return [
        line
        for paragraph in _LINE_SEPARATOR.split(text)
        for line in _fill_lines(paragraph.expandtabs(1), max_width, measure)
    ]


def truncate_lines(lines: list[str], max_count: int) -> list[str]:
    """Return at most `max_count` lines. An ellipsis at the end of the last line marks omitted text."""
    return lines if len(lines) <= max_count else [*lines[: max_count - 1], f"{lines[max_count - 1]}…"]


def split_at_line_breaks(text: str) -> list[str]:
    """Split a text at the positions where a line may end. Each piece includes the spaces that follow it."""
    from icu4py.breakers import LineBreaker  # noqa: PLC0415 - its large dictionaries would slow down the start

    return [str(piece) for piece in LineBreaker(text, "km")]


def split_characters(text: str) -> list[str]:
    """Split a text into the units that a reader sees as one character: a letter with its combining signs."""
    from icu4py.breakers import CharacterBreaker  # noqa: PLC0415 - same

    return [str(cluster) for cluster in CharacterBreaker(text, "km")]


def _fill_lines(paragraph: str, max_width: float, measure: TextMeasure) -> Iterator[str]:
    line, line_width = "", 0.0
    for piece in _split_wide_pieces(paragraph, max_width, measure):
        if line and line_width + measure(piece.rstrip()) > max_width:
            yield line.rstrip()
            line, line_width = "", 0.0
        line, line_width = line + piece, line_width + measure(piece)
    yield line.rstrip()


def _split_wide_pieces(paragraph: str, max_width: float, measure: TextMeasure) -> Iterator[str]:
    """Yield the pieces of a paragraph. A piece that is wider than a line is split into its characters."""
    for piece in split_at_line_breaks(paragraph):
        if measure(piece.rstrip()) <= max_width:
            yield piece
        else:
            yield from split_characters(piece)
