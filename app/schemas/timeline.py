"""The timeline of a case on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import get_codes
from app.schemas.wire import Output, PageQuery, PlainDate, UtcDateTime


def _build_codes_pattern(name: str) -> str:
    """Return the pattern of one or more codes of a list, separated by commas."""
    code = f"({'|'.join(get_codes(name))})"
    return f"^{code}(,{code})*$"


class TimelineFilters(PageQuery):
    """Which lines of a timeline; of several codes, any."""

    kind: Annotated[
        str | None,
        Field(
            pattern=_build_codes_pattern("timeline_kind"),
            max_length=1000,
            description="Codes of `timeline_kind`, separated by commas: what happened.",
        ),
    ] = None
    record_kind: Annotated[
        str | None,
        Field(
            pattern=_build_codes_pattern("record_kind"),
            max_length=500,
            description="Codes of `record_kind`, separated by commas: `assessment,review` tells everything about both.",
        ),
    ] = None
    since: Annotated[PlainDate | None, Field(alias="from", description="From this day on, in Cambodia.")] = (
        None
    )
    until: Annotated[PlainDate | None, Field(alias="to", description="Up to this day, in Cambodia.")] = None


class TimelineEntry(Output):
    """Something that happened to a case."""

    id: UUID
    at: UtcDateTime = Field(description="When it happened; noon in Cambodia where only the day is known.")
    recorded_at: UtcDateTime = Field(description="When it was written down, which may be long after.")
    kind: str
    by_id: UUID | None
    child_id: UUID
    case_id: UUID
    record_kind: str
    record_id: UUID
    link: str | None = Field(description="Where to read the record; None where it has no page of its own.")
    detail: dict[str, str | bool | list[str] | None]
