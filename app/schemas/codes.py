"""Code lists: what is stored is the code; what a person reads is its label in English or Khmer.

One JSON file a list, beside this module in `code_lists/`. A code, once published, is never renamed or removed:
records and partner systems hold it. Adding one is safe.
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
    """A named list of codes, in the order a screen should offer them; `titles` by language (en, km)."""

    name: str
    titles: Mapping[str, str]
    codes: tuple[Code, ...]


def _read_code_list(path: Path) -> CodeList:
    content = json.loads(path.read_bytes())
    codes = tuple(Code(**code) for code in content["codes"])
    return CodeList(content["list"], MappingProxyType(content["title"]), codes)


CODE_LISTS: Mapping[str, CodeList] = MappingProxyType(
    {found.name: found for found in map(_read_code_list, sorted(_CODE_LISTS_DIRECTORY.glob("*.json")))}
)
"""Every list by its name, alphabetically; read once, when this module is imported."""

_CODES_BY_LIST_AND_CODE = {
    (name, code.code): code for name, listed in CODE_LISTS.items() for code in listed.codes
}


def get_codes(name: str) -> tuple[str, ...]:
    """Return the codes of one list, in its order; NotFound where there is no such list."""
    if name not in CODE_LISTS:
        raise NotFound("There is no such code list.")
    return tuple(code.code for code in CODE_LISTS[name].codes)


def get_code_label(name: str, code: str, language: str) -> str:
    """Return what a person reads for a code: Khmer for `km`, else English; NotFound where it is not listed."""
    found = _CODES_BY_LIST_AND_CODE.get((name, code))
    if found is None:
        raise NotFound("There is no such code in this list.")
    return found.km if language == "km" else found.en


@dataclass(frozen=True, slots=True)
class CodeOf:
    """A field that holds one code of a list: `urgency: Annotated[str, CodeOf("urgency")]`.

    Any other value is a `literal_error`. In OpenAPI each list is one named enum that every field refers to. Naming a list that does not
    exist raises NotFound at once, so a misspelling stops the program from starting.
    """

    name: str

    def __post_init__(self) -> None:
        get_codes(self.name)

    @property
    def component_name(self) -> str:
        """Name of the enum's component in OpenAPI, for example `CaseStatus` for the list `case_status`."""
        name = "basis_code" if self.name == "basis_without_consent" else self.name  # a schema has that name
        return "".join(word.capitalize() for word in name.split("_"))

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(
            list(get_codes(self.name)),
            serialization=core_schema.simple_ser_schema("str"),
            ref=f"{__name__}.{self.component_name}:{self.name}",
        )
