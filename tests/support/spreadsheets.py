"""Read a spreadsheet with openpyxl, which shares no code with the library that writes it."""

import io
from typing import Any

from openpyxl import load_workbook


def open_workbook(content: bytes) -> Any:
    return load_workbook(io.BytesIO(content))


def read_sheets(content: bytes) -> list[list[tuple[Any, ...]]]:
    """Return the rows of each sheet: texts, numbers, and None for empty cells."""
    return [list(sheet.iter_rows(values_only=True)) for sheet in open_workbook(content).worksheets]
