"""Code lists and places on the wire."""

from typing import Annotated

from pydantic import Field

from app.schemas.wire import Output, Page, PageQuery, PlaceCode


class Code(Output):
    """A code and what people call it."""

    code: str
    label: str = Field(description="In the language asked for (Accept-Language).")
    en: str
    km: str


class CodeList(Output):
    """A list of codes."""

    name: str
    title: str
    en: str
    km: str
    codes: list[Code]


class CodeListIndex(Page[CodeList]):
    """One page of code lists, in alphabetical order of their names."""


class PlaceFilters(PageQuery):
    """Which places to list; with neither, the provinces."""

    parent: PlaceCode | None = None
    q: Annotated[
        str | None, Field(min_length=1, max_length=60, description="How a name begins, in either script.")
    ] = None


class Place(Output):
    """A province, district, commune or village."""

    code: str
    parent_code: str | None
    level: str
    name_km: str
    name_en: str


class PlaceList(Page[Place]):
    """One page of places, in order of their codes."""
