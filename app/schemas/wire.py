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
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.text_folding import is_blank

T = TypeVar("T")

RANDOM_UUID_VERSION = 4
"""UUID version without any information about time or machine."""
MAX_VALUES = 200
"""Maximum number of values of one query parameter."""
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
    if is_blank(value):
        raise PydanticCustomError("blank", "must not be blank")
    return value


def _require_random_uuid(value: UUID) -> UUID:
    if value.version != RANDOM_UUID_VERSION:
        raise PydanticCustomError("id_not_random", "must be a random UUID (version 4)")
    return value


def _validate_query_boolean(value: Any) -> Any:
    if value not in {"true", "false", True, False}:
        raise PydanticCustomError("bool_parsing", "true or false")
    return value


def _split_values(value: Any) -> Any:
    """Split the texts of a query parameter at commas. Values that are not texts come from Python code."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        return value
    values = [part for text in texts for part in (text.split(",") if isinstance(text, str) else [text])]
    if "" in values:
        raise PydanticCustomError("value_empty", "contains an empty value")
    return values


def sort_unique(values: list[Any]) -> list[Any]:
    """Return the distinct values, sorted. For lists of codes or ids whose order has no meaning."""
    return sorted(set(values))


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
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_reject_blank)]
"""Text of a search, 1 to 60 characters."""
RecordSearchText = Annotated[str, StringConstraints(min_length=2, max_length=100)]
"""Text of a search for records by name or number, 2 to 100 characters."""
Reason = Annotated[str, StringConstraints(min_length=10, max_length=4_000), AfterValidator(_reject_blank)]
"""Reason that is kept for later inspection, at least 10 characters."""
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$", max_length=254)]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})$")]
"""An NCDD place code: 2 digits for a province, 4 for a district, 6 for a commune, 8 for a village."""
ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
"""The NCDD code of a province."""
DisplayLanguage = TypeAliasType("DisplayLanguage", Literal["en", "km"])
"""Language of the texts that the application writes: English or Khmer."""
StrictInteger = StrictInt
StrictBoolean = StrictBool


QueryBoolean = Annotated[bool, BeforeValidator(_validate_query_boolean)]
"""A boolean in a query string: only `true` and `false`, not `yes` or `1`."""
CommaSeparated = Annotated[
    list[T], Field(max_length=MAX_VALUES), BeforeValidator(_split_values), AfterValidator(sort_unique)
]
"""Several values of one query parameter, separated by commas: `CommaSeparated[Id]`, `CommaSeparated[StaffRole]`.

The values are sorted and distinct, so that a cursor does not depend on their order, and a repeated value has no effect. An
empty value is an error, even at the end of the list. In OpenAPI the parameter is an array with `style: form` and `explode:
false`."""


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


class TrustedOutput(Output):
    """A response that can contain plain dictionaries, which are not validated, to save time on long lists."""


class Page(TrustedOutput, Generic[T]):
    """One page of a list, with the cursor of the next page.

    Each list declares a subclass, `class CaseList(Page[CaseSummary])`, because the name of the class is the name of the
    OpenAPI component.
    """

    items: list[T] = Field(description="Items of this page, in the order of the list.")
    next_cursor: str | None = Field(
        description="Value of `cursor` that requests the next page; null on the last page."
    )

    @classmethod
    def from_trusted_items(cls, items: Sequence[Any], next_cursor: str | None, **totals: Any) -> Self:
        """Return a page without validating its items, which may be plain dictionaries.

        `totals` are the further fields of a `CountedPage`.
        """
        # The mypy plugin types `model_construct` of a generic model as `Page[T]`, even for a subclass.
        return cls.model_construct(items=list(items), next_cursor=next_cursor, **totals)  # type: ignore[return-value]

    def validate_items(self) -> Self:
        """Return the page with validated items, for Python code that reads their attributes."""
        return self.model_validate(dict(self))


class CountedPage(Page[T], Generic[T]):
    """A page of a list whose query accepts `count`. `app.kit.list_query` counts the records."""

    total: int | None = Field(
        description="Number of records that match the filters, at most 10,000; null without `count=true`."
    )
    total_is_capped: bool | None = Field(
        description="Whether more records match than `total` shows; null without `count=true`."
    )


class PageQuery(BaseModel):
    """Query parameters of a list: the size and start of the page. Each list adds its filters.

    A list that people search declares `q`, a list with several orders declares `sort` after it. `sort` is a named enum of
    fields, each also with a minus sign for the descending order:

        CaseSort = TypeAliasType("CaseSort", Literal["number", "-number", "opened_on", "-opened_on"])

        class CaseFilters(PageQuery):
            q: Annotated[str, Field(max_length=60)] | None = Field(None, description="…")
            sort: CaseSort = Field("-opened_on", description="…")

    `q` sorts the list by relevance. A request with `q` and `sort` is therefore rejected.
    """

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[
        int, Field(ge=1, le=200, description="Maximum number of items on the page, 1 to 200.")
    ] = 50
    cursor: Annotated[
        str | None,
        Field(
            max_length=500,
            description="`next_cursor` of the previous page. The filters and the order must be the same.",
        ),
    ] = None

    @field_validator("sort", check_fields=False)
    @classmethod
    def reject_sort_with_search(cls, sort: Any, info: ValidationInfo) -> Any:
        """Reject `sort` in a request with `q`. A default value of `sort` is not validated."""
        if info.data.get("q") is not None:
            raise PydanticCustomError("sort_with_q", "q excludes sort")
        return sort

    def get_cursor_binding(self) -> dict[str, object]:
        """Return the filters and the order, to which the cursors of the list are bound."""
        return self.model_dump(exclude={"limit", "cursor", "count"}, exclude_none=True)


class CountedPageQuery(PageQuery):
    """Query parameters of a list that can count its records."""

    count: QueryBoolean = Field(
        False,
        description="Whether to count the records that match: `true` sets `total` and `total_is_capped`.",
    )


def parse_sort(sort: str) -> tuple[str, bool]:
    """Return the field of a `sort` value, and whether its order is ascending."""
    return sort.removeprefix("-"), not sort.startswith("-")
