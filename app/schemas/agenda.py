"""An agenda, and the calendar feeds that carry it to a phone."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.schemas.administration import QueryBoolean
from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.wire import ClientChosenId, Input, Output, PageQuery, PlainDate, ShortText, UtcDateTime

FeedLanguage = Literal["en", "km"]


class AgendaFilters(PageQuery):
    """Which entries of one's agenda."""

    until: Annotated[
        PlainDate | None,
        Field(description="Up to this day; without it, two weeks ahead, and milestones 30 days."),
    ] = None
    kind: Annotated[str, CodeOf("agenda_kind")] | None = None
    overdue: Annotated[
        QueryBoolean | None, Field(description="Only what is overdue (true), or is not (false).")
    ] = None


class AgendaRecord(Output):
    """The record that an entry is about."""

    kind: Annotated[str, CodeOf("record_kind")]
    id: UUID


class AgendaEntry(Output):
    """Something that is due, overdue or waiting."""

    kind: Annotated[str, CodeOf("agenda_kind")]
    due_on: date = Field(description="The local day by which it is to be done.")
    at: UtcDateTime | None = Field(description="The moment, where it has one: a planned session.")
    is_overdue: bool = Field(
        description="Whether that day is over; marks on the way (18 and 21 months) are never overdue."
    )
    detail: str | None = Field(
        description="What more there is to know, as a code: a session's or legal step's kind, a service, months, a subject, an urgency."
    )
    case_id: UUID | None = Field(description="The case; null for a referral: there is none yet.")
    case_number: str | None
    child_id: UUID | None
    child: CaseChild | None
    record: AgendaRecord
    link: str = Field(description="Where to read it.")


class CalendarFeedCreate(Input):
    """A feed for one's calendar."""

    id: ClientChosenId | None = None
    name: ShortText = Field(
        description="What its owner calls it, such as the device it is for; the calendar does not show it."
    )
    language: FeedLanguage = "en"


class CalendarFeed(Output):
    """One's feed; its address cannot be read again."""

    id: UUID
    name: str
    language: FeedLanguage
    created_at: UtcDateTime
    last_read_at: UtcDateTime | None = Field(description="When a calendar last fetched it.")


class CalendarFeedWithUrl(CalendarFeed):
    """A new feed, with its address."""

    url: str = Field(
        description="The address to subscribe to. Shown once: whoever has it can read the feed until it is revoked."
    )
