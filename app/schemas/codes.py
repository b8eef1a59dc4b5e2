"""Code lists: records store codes, people read their English or Khmer labels.

Each list is one JSON file in `code_lists/`. A published code is never renamed or removed, because records and partner
systems contain it. A new code can be added at any time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from app.errors import NotFound

_CODE_LISTS_DIRECTORY = Path(__file__).with_name("code_lists")


@dataclass(frozen=True, slots=True)
class Code:
    """One code, with its label in English and in Khmer."""

    code: str
    en: str
    km: str


@dataclass(frozen=True, slots=True)
class CodeList:
    """A named list of codes, in the order of display. `titles` maps a language (en, km) to the title."""

    name: str
    titles: Mapping[str, str]
    codes: tuple[Code, ...]


def _read_code_list(path: Path) -> CodeList:
    content = json.loads(path.read_bytes())
    codes = tuple(Code(**code) for code in content["codes"])
    return CodeList(content["list"], MappingProxyType(content["title"]), codes)


CODE_LISTS: Mapping[str, CodeList] = MappingProxyType(
    {
        code_list.name: code_list
        for code_list in map(_read_code_list, sorted(_CODE_LISTS_DIRECTORY.glob("*.json")))
    }
)
"""Code lists by name, in alphabetical order, loaded when this module is imported."""

_CODES_BY_LIST_AND_CODE = {
    (name, code.code): code for name, code_list in CODE_LISTS.items() for code in code_list.codes
}


def get_codes(name: str) -> tuple[str, ...]:
    """Return the codes of a list, in its order.

    Raises:
        NotFound: the list does not exist.
    """
    if name not in CODE_LISTS:
        raise NotFound("The code list does not exist.")
    return tuple(code.code for code in CODE_LISTS[name].codes)


def get_code_label(name: str, code: str, language: str) -> str:
    """Return the label of a code: in Khmer for the language `km`, otherwise in English.

    Raises:
        NotFound: the list does not contain the code.
    """
    entry = _CODES_BY_LIST_AND_CODE.get((name, code))
    if entry is None:
        raise NotFound("The code list does not contain this code.")
    return entry.km if language == "km" else entry.en


@dataclass(frozen=True, slots=True)
class CodeOf:
    """Restricts a field to the codes of a list, for example `urgency: Annotated[str, CodeOf("urgency")]`.

    Any other value is a `literal_error`. In OpenAPI each list is one named enum that every field refers to. The name of
    an unknown list raises NotFound when the class is defined, so that a misspelling stops the program at startup.
    """

    name: str

    def __post_init__(self) -> None:
        get_codes(self.name)

    @property
    def component_name(self) -> str:
        """Name of the enum's component in OpenAPI, for example `CaseStatus` for the list `case_status`."""
        # The component name BasisWithoutConsent is taken by the schema of that name.
        name = "basis_code" if self.name == "basis_without_consent" else self.name
        return "".join(word.capitalize() for word in name.split("_"))

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(
            list(get_codes(self.name)),
            serialization=core_schema.simple_ser_schema("str"),
            ref=f"{__name__}.{self.component_name}:{self.name}",
        )
