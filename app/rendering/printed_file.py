"""The result of rendering a PDF or a picture."""

from typing import NamedTuple


class PrintedFile(NamedTuple):
    """The content of a rendered file, and how many of its characters no font has."""

    content: bytes
    missing_characters: int
    """The number of boxes that the file shows instead of characters."""
