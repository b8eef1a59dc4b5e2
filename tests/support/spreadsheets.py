"""Read the values of a spreadsheet (ECMA-376), as a program does that opens it."""

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_sheets(content: bytes) -> list[list[list[Any]]]:
    """Return the rows of each sheet: texts, numbers, and None for empty cells. Dates are not supported."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        texts = [
            "".join(text.text or "" for text in item.iter(f"{NAMESPACE}t"))
            for item in ET.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314 - the application's own output
        ]
        names = sorted(name for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))
        return [_read_rows(archive.read(name), texts) for name in names]


def _read_rows(sheet: bytes, texts: list[str]) -> list[list[Any]]:
    rows = []
    for row in ET.fromstring(sheet).iter(f"{NAMESPACE}row"):  # noqa: S314 - the application's own output
        cells = {_get_column(cell.attrib["r"]): _read_cell(cell, texts) for cell in row}
        rows.append([cells.get(column) for column in range(max(cells, default=-1) + 1)])
    return rows


def _read_cell(cell: ET.Element, texts: list[str]) -> Any:
    value = cell.find(f"{NAMESPACE}v")
    if value is None or value.text is None:
        return None
    return texts[int(value.text)] if cell.attrib.get("t") == "s" else float(value.text)


def _get_column(reference: str) -> int:
    """Return the number of the column of a reference such as `B7`, from 0."""
    number = 0
    for letter in re.sub(r"\d", "", reference):
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
