"""Where a line may end. Khmer writes no spaces between words: ICU's dictionary knows them, and parts no letter from its signs."""

from collections.abc import Callable, Iterator

TextMeasure = Callable[[str], float]


def wrap_text(text: str, most: float, width: TextMeasure) -> list[str]:
    """Return the lines of a text, none wider than `most` as `width` measures; every line feed begins a new one."""
    return [
        line for paragraph in text.splitlines() for line in _fill_lines(paragraph.expandtabs(1), most, width)
    ]


def truncate_lines(lines: list[str], most: int) -> list[str]:
    """Return at most so many lines; the last one says with an ellipsis that there is more."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]}…"]


def split_at_line_breaks(text: str) -> list[str]:
    """Return a text in the pieces after which a line may end, each with the spaces that follow it."""
    from icu4py.breakers import LineBreaker  # noqa: PLC0415 - its dictionaries are large, and the start must not wait

    return [str(piece) for piece in LineBreaker(text, "km")]


def _fill_lines(paragraph: str, most: float, width: TextMeasure) -> Iterator[str]:
    line, used = "", 0.0
    for piece in _split_wide_pieces(paragraph, most, width):
        if line and used + width(piece.rstrip()) > most:
            yield line.rstrip()
            line, used = "", 0.0
        line, used = line + piece, used + width(piece)
    yield line.rstrip()


def _split_wide_pieces(paragraph: str, most: float, width: TextMeasure) -> Iterator[str]:
    """Yield the pieces of a paragraph; one that is wider than a line, in the letters it has."""
    for piece in split_at_line_breaks(paragraph):
        if width(piece.rstrip()) <= most:
            yield piece
        else:
            yield from _split_letters(piece)


def _split_letters(piece: str) -> Iterator[str]:
    from icu4py.breakers import CharacterBreaker  # noqa: PLC0415 - as above

    yield from map(str, CharacterBreaker(piece, "km"))
