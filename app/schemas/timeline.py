"""The timeline of a case on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import codes_of
from app.schemas.wire import Day, Moment, Output, PageQuery


def _some_of(name: str) -> str:
    """Return the pattern of one or more codes of a list, separated by commas."""
    code = f"({'|'.join(codes_of(name))})"
    return f"^{code}(,{code})*$"


class TimelineFilters(PageQuery):
    """Which lines of a timeline; of several codes, any."""

    kind: Annotated[
        str | None,
        Field(
            pattern=_some_of("timeline_kind"),
            max_length=1000,
            description="Codes of `timeline_kind`, separated by commas: what happened.",
        ),
    ] = None
    record_kind: Annotated[
        str | None,
        Field(
            pattern=_some_of("record_kind"),
            max_length=500,
            description="Codes of `record_kind`, separated by commas: `assessment,review` tells everything about both.",
        ),
    ] = None
    since: Annotated[Day | None, Field(alias="from", description="From this day on, in Cambodia.")] = None
    until: Annotated[Day | None, Field(alias="to", description="Up to this day, in Cambodia.")] = None


class TimelineLine(Output):
    """Something that happened to a case."""

    id: UUID
    at: Moment = Field(description="When it happened; noon in Cambodia where only the day is known.")
    recorded_at: Moment = Field(description="When it was written down, which may be long after.")
    kind: str
    by_id: UUID | None
    child_id: UUID
    case_id: UUID
    record_kind: str
    record_id: UUID
    link: str | None = Field(description="Where to read the record; None where it has no page of its own.")
    detail: dict[str, str | bool | list[str] | None]
