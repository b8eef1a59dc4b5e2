"""Base classes and field types that all request and response schemas share.

Request schemas reject unknown fields and do not convert types: the string "7" is not accepted as a number, "yes" not as
a boolean, a timestamp not as a date. Response schemas have no default values, so that a forgotten field raises an error.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

RANDOM_UUID_VERSION = 4
"""UUID version without any information about time or machine."""
_DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME_PATTERN = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def _build_format_validator(pattern: re.Pattern[str], kind: str) -> BeforeValidator:
    def validate_format(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise PydanticCustomError(f"{kind}_parsing", "does not match the format")
        if not isinstance(value, str | date | datetime | UUID):
            raise PydanticCustomError(f"{kind}_type", "must be a string")
        return value

    return BeforeValidator(validate_format)


def _reject_blank(value: str) -> str:
    if not value.strip(" \t\r\n\u200b\u200c\u200d\ufeff\u00a0"):
        raise PydanticCustomError("blank", "must not be blank")
    return value


def _require_random_uuid(value: UUID) -> UUID:
    if value.version != RANDOM_UUID_VERSION:
        raise PydanticCustomError("id_not_random", "must be a random UUID (version 4)")
    return value


def _convert_to_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_parsing", "is outside the range of UTC dates") from None


PlainDate = Annotated[date, _build_format_validator(_DATE_PATTERN, "date")]
"""A date without a time, YYYY-MM-DD."""
UtcDateTime = Annotated[
    datetime,
    _build_format_validator(_DATETIME_PATTERN, "datetime"),
    AfterValidator(_convert_to_utc),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A point in time. Responses give it in UTC with the suffix Z."""
Id = Annotated[UUID, _build_format_validator(_UUID_PATTERN, "uuid")]
ClientChosenId = Annotated[Id, AfterValidator(_require_random_uuid)]
"""An id that the client chooses. It must be random (version 4): a time-based UUID would reveal when abuse was reported."""
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_reject_blank)]
"""Text of one line, 1 to 200 characters."""
Narrative = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_reject_blank)]
"""Text of up to 20,000 characters."""
ShortNarrative = Annotated[
    str, StringConstraints(min_length=1, max_length=4_000), AfterValidator(_reject_blank)
]
"""Text of up to 4,000 characters."""
Reason = Annotated[str, StringConstraints(min_length=10, max_length=4_000), AfterValidator(_reject_blank)]
"""Reason that is kept for later inspection, at least 10 characters."""
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$", max_length=254)]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})$")]
"""An NCDD place code: 2 digits for a province, 4 for a district, 6 for a commune, 8 for a village."""
DisplayLanguage = TypeAliasType("DisplayLanguage", Literal["en", "km"])
"""Language of the texts that the application writes: English or Khmer."""
StrictInteger = StrictInt
StrictBoolean = StrictBool


class Input(BaseModel):
    """Base class of request bodies and of the objects inside them."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Output(BaseModel):
    """Base class of response bodies and of the objects inside them."""

    model_config = ConfigDict(extra="forbid")


class Versioned(Output):
    """A single record. Its `version` is also its ETag, which the client sends back as If-Match to change the record."""

    collection: ClassVar[str | None] = None
    """Path segment of the records under /v1, used in the Location header and in OpenAPI links."""

    id: UUID = Field(description="Id of the record.")
    version: int = Field(description="Version of the record. The ETag is this number in double quotes.")


T = TypeVar("T")


class Page(Output, Generic[T]):
    """One page of a list, with the cursor of the next page.

    Each list declares a subclass, `class CaseList(Page[CaseSummary])`, because the name of the class is the name of the
    OpenAPI component.
    """

    items: list[T] = Field(description="Items of this page, in the order of the list.")
    next_cursor: str | None = Field(
        description="Value of `cursor` that requests the next page; null on the last page."
    )

    @classmethod
    def from_trusted_items(cls, items: Sequence[Any], next_cursor: str | None) -> Self:
        """Return a page without validating its items, which may be plain dictionaries, to save time on long lists."""
        # The mypy plugin types `model_construct` of a generic model as `Page[T]`, also for a subclass.
        return cls.model_construct(items=list(items), next_cursor=next_cursor)  # type: ignore[return-value]


class PageQuery(BaseModel):
    """Query parameters of a list: the size and start of the page. Each list adds its filters. Unknown parameters are rejected."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[
        int, Field(ge=1, le=200, description="Maximum number of items on the page, 1 to 200.")
    ] = 50
    cursor: Annotated[
        str | None,
        Field(
            max_length=500, description="`next_cursor` of the previous page. The filters must be the same."
        ),
    ] = None
