"""The shapes everything on the wire shares.

Inputs forbid what they do not know and coerce nothing: "7" is no number, "yes" is no truth, a timestamp is no date.
Outputs have no defaults: a field that is not said is an error of ours, found by a test.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar
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

RANDOM_UUID_VERSION = 4
"""The version of UUIDs that tell nothing."""
_DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME_PATTERN = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def _build_format_validator(pattern: re.Pattern[str], kind: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise PydanticCustomError(f"{kind}_parsing", "not written as the format asks")
        if not isinstance(value, str | date | datetime | UUID):
            raise PydanticCustomError(f"{kind}_type", "must be a string")
        return value

    return BeforeValidator(check)


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
        raise PydanticCustomError("datetime_parsing", "not a moment that UTC can name") from None


PlainDate = Annotated[date, _build_format_validator(_DATE_PATTERN, "date")]
"""A plain date, YYYY-MM-DD."""
UtcDateTime = Annotated[
    datetime,
    _build_format_validator(_DATETIME_PATTERN, "datetime"),
    AfterValidator(_convert_to_utc),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A point in time; UTC with Z on the way out."""
Id = Annotated[UUID, _build_format_validator(_UUID_PATTERN, "uuid")]
ClientChosenId = Annotated[Id, AfterValidator(_require_random_uuid)]
"""An id that a client chose: random (version 4), for an id that holds a moment would tell when abuse was reported."""
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_reject_blank)]
"""One line a person typed."""
Narrative = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_reject_blank)]
"""As many words as it takes, up to 20,000 characters."""
ShortNarrative = Annotated[
    str, StringConstraints(min_length=1, max_length=4_000), AfterValidator(_reject_blank)
]
Reason = Annotated[str, StringConstraints(min_length=10, max_length=4_000), AfterValidator(_reject_blank)]
"""Why somebody did what will be asked about later."""
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$", max_length=254)]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})$")]
"""An NCDD code: province 2, district 4, commune 6, village 8 digits."""
StrictInteger = StrictInt
StrictBoolean = StrictBool


class Input(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Output(BaseModel):
    """What a caller gets. Built by us from what we know: validated when tests run, trusted when it is served."""

    model_config = ConfigDict(extra="forbid")


class Versioned(Output):
    """A single record: `version` is also its ETag, to be sent back as If-Match."""

    collection: ClassVar[str | None] = None
    """Where such records live under /v1, for Location."""

    id: UUID
    version: int


T = TypeVar("T")


class Page(Output, Generic[T]):
    """One page of a list, with the cursor of the next page.

    Each list declares a subclass, `class CaseList(Page[CaseSummary])`, because the name of the class is the name of the
    OpenAPI component.
    """

    items: Annotated[list[T], Field(description="The items of this page, in the order of the list.")]
    next_cursor: Annotated[
        str | None, Field(description="Value of `cursor` for the next page; null on the last page.")
    ]

    @classmethod
    def from_trusted_items(cls, items: Sequence[Any], next_cursor: str | None) -> Self:
        """Return a page without validating its items: plain dictionaries that a service built for a long list."""
        # The mypy plugin types `model_construct` of a generic model as `Page[T]`, also for a subclass.
        return cls.model_construct(items=list(items), next_cursor=next_cursor)  # type: ignore[return-value]


class PageQuery(BaseModel):
    """How much of a list, from where; lists add their filters. Unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200, description="Items a page, 1 to 200.")] = 50
    cursor: Annotated[
        str | None,
        Field(max_length=500, description="`next_cursor` of the page before, with the same filters."),
    ] = None
