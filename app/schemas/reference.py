"""Schemas of reference data: code lists and places."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.fault_codes import FaultCode
from app.schemas.wire import CommaSeparated, Output, Page, PageQuery, PlaceCode


class Code(Output):
    """A code with its labels."""

    code: str = Field(description="Value that requests and responses contain.")
    label: str = Field(description="Label in the language of the request (`Accept-Language`).")
    en: str = Field(description="English label.")
    km: str = Field(description="Khmer label.")


class CodeList(Output):
    """A named list of codes."""

    name: str = Field(description="Name of the list, as used in the path.")
    title: str = Field(description="Title in the language of the request (`Accept-Language`).")
    en: str = Field(description="English title.")
    km: str = Field(description="Khmer title.")
    codes: list[Code] = Field(description="Codes of the list, in the order of display.")


class FaultCodeExplanation(Output):
    """A fault code with its explanation. Names in braces are `params` of the fault."""

    code: FaultCode = Field(description="Value of `code` in `errors`, `unmet` and `warnings`.")
    label: str = Field(
        description="Explanation in the language of the request (`Accept-Language`); in English if there is no translation."
    )
    en: str = Field(description="English explanation.")
    km: str | None = Field(description="Khmer explanation; null if there is no translation.")


class FaultCodeList(Output):
    """The codes of validation errors, unmet conditions and warnings."""

    name: str = Field(description="Name of the list, as used in the path.")
    title: str = Field(description="Title in the language of the request (`Accept-Language`).")
    en: str = Field(description="English title.")
    km: str = Field(description="Khmer title.")
    codes: list[FaultCodeExplanation] = Field(description="Codes in alphabetical order.")


class CodeListIndex(Page[CodeList]):
    """One page of code lists, in alphabetical order of their names."""


class PlaceFilters(PageQuery):
    """Query parameters of the list of places. Without `parent`, `q` and `codes` the list contains the provinces."""

    parent: Annotated[
        PlaceCode | None, Field(description="Only places directly inside the place with this NCDD code.")
    ] = None
    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=60,
            description="Only places whose name begins with this text, in either script.",
        ),
    ] = None
    codes: CommaSeparated[PlaceCode] | None = Field(
        None,
        description="Only places with these NCDD codes, at most 200, separated by commas. All of them are on one page; "
        "unknown codes are absent.",
    )


class PlaceLevel(StrEnum):
    """Administrative level of a place."""

    province = "province"
    district = "district"
    commune = "commune"
    village = "village"


class Place(Output):
    """A province, district, commune or village of Cambodia."""

    code: str = Field(description="NCDD code: 2 digits for a province, 4 district, 6 commune, 8 village.")
    parent_code: str | None = Field(
        description="NCDD code of the place that directly contains it; null for a province."
    )
    level: PlaceLevel = Field(description="Administrative level.")
    name_km: str = Field(description="Name in Khmer script.")
    name_en: str = Field(description="Name in Latin script.")


class PlaceDetails(Place):
    """A place, with the places that contain it."""

    path: list[Place] = Field(
        description="The province, district, commune and village, as far as the code goes."
    )


class PlaceList(Page[Place]):
    """One page of places, in order of their codes."""
