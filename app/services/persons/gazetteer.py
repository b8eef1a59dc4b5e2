"""The gazetteer: the official places of Cambodia, loaded from the files in `gazetteer_data`.

Codes are strings with leading zeros: two digits for a province, four for a district, six for a commune, eight for a
village. The data files contain errors, which are handled by these rules:

- Several rows with the same code: the first row is used and the other rows are skipped, because an address contains
  only the code.
- A code that does not have the digits of its level: the row is skipped. Such codes are placeholders.
- A village without its commune in the data: the district becomes its parent, so that its code remains usable.
- A village whose code begins with the code of another commune: its parent is the commune named in its row.

`load_gazetteer` reports the skipped and moved codes.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from app.text_folding import normalize_text

Level = Literal["province", "district", "commune", "village"]

DATA_SOURCE: Final = (
    "Administrative divisions of Cambodia, 2025: General Directorate of Digital Economy, Ministry of Economy and "
    "Finance, Royal Government of Cambodia. https://data.mef.gov.kh, used under its terms "
    "(https://data.mef.gov.kh/terms-of-use). Changes: invisible characters removed from names, rows without a unique "
    "code removed."
)
"""Attribution required by the terms of use of the data."""

DATA_FOLDER: Final = Path(__file__).with_name("gazetteer_data")
_DATA_FILES: Final[dict[Level, str]] = {
    "province": "CambodiaProvinceList2025.csv",
    "district": "CambodiaDistrictList2025.csv",
    "commune": "CambodiaCommuneList2025.csv",
    "village": "CambodiaVillagesList2025.csv",
}
_ANCESTOR_COLUMNS: Final[dict[Level, tuple[str, ...]]] = {
    "province": (),
    "district": ("province_code",),
    "commune": ("district_code", "province_code"),
    "village": ("commune_code", "district_code", "province_code"),
}
_CODE_PATTERNS: Final[dict[Level, re.Pattern[str]]] = {
    "province": re.compile(r"[0-9]{2}"),
    "district": re.compile(r"[0-9]{4}"),
    "commune": re.compile(r"[0-9]{6}"),
    "village": re.compile(r"[0-9]{8}"),
}
_CAPITAL_CODE: Final = "12"
_KINDS_IN_CAPITAL: Final[dict[Level, str]] = {"province": "capital", "district": "khan", "commune": "sangkat"}


@dataclass(frozen=True, slots=True)
class Place:
    """One administrative division.

    `kind` is the legal designation inside the capital (capital, khan, sangkat). Elsewhere it equals `level`, because the
    data do not distinguish a municipality (krong) from a rural district (srok).
    """

    code: str
    parent_code: str | None
    level: Level
    kind: str
    name_km: str
    name_en: str


@dataclass(slots=True)
class Gazetteer:
    """The loaded places, parents before children, and the codes of the rows that were skipped or moved."""

    places: dict[str, Place] = field(default_factory=dict)
    duplicate_codes: list[str] = field(default_factory=list)
    """Codes of the rows that were skipped because an earlier row has the same code."""
    malformed_codes: list[str] = field(default_factory=list)
    """Invalid codes of the rows that were skipped."""
    reparented_codes: list[str] = field(default_factory=list)
    """Codes of the places attached to a higher level because the data do not contain their parent."""

    def add_row(self, level: Level, row: dict[str, str]) -> None:
        """Add the place of a row, or record the code of the row as a duplicate or as malformed."""
        code = row[f"{level}_code"].strip()
        if not _CODE_PATTERNS[level].fullmatch(code):
            self.malformed_codes.append(code)
        elif code in self.places:
            self.duplicate_codes.append(code)
        else:
            self.places[code] = self._build_place(level, code, row)

    def _build_place(self, level: Level, code: str, row: dict[str, str]) -> Place:
        parent_code = self._find_parent_code(level, code, row)
        kind = _KINDS_IN_CAPITAL.get(level, level) if code.startswith(_CAPITAL_CODE) else level
        return Place(
            code,
            parent_code,
            level,
            kind,
            normalize_text(row[f"{level}_kh"]),
            normalize_text(row[f"{level}_en"]),
        )

    def _find_parent_code(self, level: Level, code: str, row: dict[str, str]) -> str | None:
        ancestor_codes = [row[column].strip() for column in _ANCESTOR_COLUMNS[level]]
        parent_code = next((ancestor for ancestor in ancestor_codes if ancestor in self.places), None)
        if ancestor_codes and parent_code != ancestor_codes[0]:
            self.reparented_codes.append(code)
        return parent_code


def load_gazetteer() -> Gazetteer:
    """Return all places of the data files. Takes a fraction of a second; the result is not cached."""
    gazetteer = Gazetteer()
    for level in _DATA_FILES:
        for row in _read_rows(level):
            gazetteer.add_row(level, row)
    return gazetteer


def compute_checksum() -> str:
    """Return the SHA-256 checksum of the data files in hexadecimal."""
    digest = hashlib.sha256()
    for name in _DATA_FILES.values():
        digest.update(hashlib.sha256(_read_data_file(name)).digest())
    return digest.hexdigest()


def _read_rows(level: Level) -> Iterable[dict[str, str]]:
    text = _read_data_file(_DATA_FILES[level]).decode("utf-8-sig")
    return csv.DictReader(io.StringIO(text, newline=""))


def _read_data_file(name: str) -> bytes:
    return (DATA_FOLDER / name).read_bytes()
