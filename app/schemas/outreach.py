"""Schemas of outreach activities. They contain numbers of participants, and no names of participants."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.dates import FilterDate, PastDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.outreach_counts import OutreachParticipants, OutreachScores
from app.schemas.references import AgencyRef, PlaceRef, StaffRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    PlaceCode,
    PlainDate,
    RecordSearchText,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

MAX_SESSIONS = 366
MAX_COPIES = 10_000_000
_NO_NAMES = "It must not contain names or contacts of participants: a warning points at a phone number, an email address, a case number or the name of a person."
_TITLE = f"Title of the activity. {_NO_NAMES}"
_ENDS_ON = "Last day of the activity; null for an activity of one day."
_SESSIONS = "Number of sessions or meetings that were held."
_PLACE = "NCDD code of the place, of any level. It is required unless the activity was online or distributed a publication."
_VENUE = f"School, pagoda or office in which the activity took place. {_NO_NAMES}"
_LEVEL = "Level of government of the authorities, for a meeting."
_PARTNER_IDS = "Ids of the agencies with which First Step organised the activity."
_PARTNER_NAMES = "Names of partner organisations that are not in the list of agencies, such as schools."
_FACILITATOR_IDS = "Ids of the staff who led the activity."
_FACILITATOR_AGENCIES = "Names of the agencies whose people led the activity, never names of people."
_COPIES = "Number of distributed or downloaded copies, for the dissemination of research."
_DESCRIPTION = f"What was done, and what followed from it. {_NO_NAMES}"
_PARTICIPANTS = "Numbers of participants, one item for each audience. They are required unless the activity distributed a publication."
_SCORES = "Scores of a test before and after the activity; null without a test."

OutreachSort = TypeAliasType(
    "OutreachSort",
    Literal["starts_on", "-starts_on", "created_at", "-created_at", "updated_at", "-updated_at"],
)
"""Order of the list of outreach activities."""


class OutreachActivityContent(Input):
    """The editable fields of an outreach activity. They contain no names of participants."""

    kind: Annotated[str, CodeOf("outreach_kind")] = Field(description="Kind of the activity.")
    title: ShortText = Field(description=_TITLE)
    topic: Annotated[str, CodeOf("outreach_topic")] = Field(description="Main topic of the activity.")
    programme: Annotated[str, CodeOf("programme")] = Field(description="Programme of First Step.")
    starts_on: PastDate = Field(description="First day of the activity.")
    ends_on: PastDate | None = Field(None, description=_ENDS_ON)
    sessions: Annotated[StrictInteger, Field(ge=1, le=MAX_SESSIONS)] = Field(1, description=_SESSIONS)
    place_code: PlaceCode | None = Field(None, description=_PLACE)
    is_online: StrictBoolean = Field(default=False, description="Whether the activity took place online.")
    venue: ShortText | None = Field(None, description=_VENUE)
    government_level: Annotated[str, CodeOf("government_level")] | None = Field(None, description=_LEVEL)
    partner_ids: Annotated[list[Id], Field(max_length=50)] = Field(
        default_factory=list, description=_PARTNER_IDS
    )
    partner_names: Annotated[list[ShortText], Field(max_length=50)] = Field(
        default_factory=list, description=_PARTNER_NAMES
    )
    facilitator_ids: Annotated[list[Id], Field(max_length=50)] = Field(
        default_factory=list, description=_FACILITATOR_IDS
    )
    facilitator_agencies: Annotated[list[ShortText], Field(max_length=20)] = Field(
        default_factory=list, description=_FACILITATOR_AGENCIES
    )
    participants: Annotated[list[OutreachParticipants], Field(max_length=20)] = Field(
        default_factory=list, description=_PARTICIPANTS
    )
    scores: OutreachScores | None = Field(None, description=_SCORES)
    copies: Annotated[StrictInteger, Field(ge=1, le=MAX_COPIES)] | None = Field(None, description=_COPIES)
    description: ShortNarrative | None = Field(None, description=_DESCRIPTION)


class OutreachActivityCreate(OutreachActivityContent):
    """A new outreach activity."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )


if TYPE_CHECKING:

    class OutreachActivityUpdate(Input):
        """Changes to an outreach activity."""
else:
    OutreachActivityUpdate = build_patch_model(OutreachActivityContent, "OutreachActivityUpdate")


class OutreachFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of outreach activities."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: RecordSearchText | None = Field(
        None,
        description="Only activities whose title, venue or names of organisations contain this text, in either script.",
    )
    since: Annotated[
        FilterDate | None,
        Field(alias="from", description="Only activities that end on or after this day."),
    ] = None
    until: Annotated[
        FilterDate | None,
        Field(alias="to", description="Only activities that begin on or before this day."),
    ] = None
    kind: CommaSeparated[Annotated[str, CodeOf("outreach_kind")]] | None = Field(
        None, description="Only activities of these kinds."
    )
    topic: CommaSeparated[Annotated[str, CodeOf("outreach_topic")]] | None = Field(
        None, description="Only activities about these topics."
    )
    programme: CommaSeparated[Annotated[str, CodeOf("programme")]] | None = Field(
        None, description="Only activities of these programmes."
    )
    audience: CommaSeparated[Annotated[str, CodeOf("outreach_audience")]] | None = Field(
        None, description="Only activities with participants of at least one of these audiences."
    )
    place_code: PlaceCode | None = Field(
        None, description="Only activities in the place with this NCDD code, or in a place that it contains."
    )
    facilitator_id: Id | None = Field(None, description="Only activities that this member of staff led.")
    partner_id: Id | None = Field(None, description="Only activities with this agency as a partner.")
    sort: OutreachSort = Field("-starts_on", description="Order of the list without `q`.")


class OutreachActivity(Versioned, Correctable):
    """An outreach activity with the numbers of its participants."""

    collection: ClassVar[str | None] = "outreach-activities"

    kind: Annotated[str, CodeOf("outreach_kind")] = Field(description="Kind of the activity.")
    title: str = Field(description=_TITLE)
    topic: Annotated[str, CodeOf("outreach_topic")] = Field(description="Main topic of the activity.")
    programme: Annotated[str, CodeOf("programme")] = Field(description="Programme of First Step.")
    starts_on: PlainDate = Field(description="First day of the activity.")
    ends_on: PlainDate | None = Field(description=_ENDS_ON)
    sessions: int = Field(description=_SESSIONS)
    place_code: str | None = Field(description=_PLACE)
    place: PlaceRef | None = Field(description="The place with its names.")
    is_online: bool = Field(description="Whether the activity took place online.")
    venue: str | None = Field(description=_VENUE)
    government_level: Annotated[str, CodeOf("government_level")] | None = Field(description=_LEVEL)
    partner_ids: list[UUID] = Field(description=_PARTNER_IDS)
    partners: list[AgencyRef] = Field(description="The partner agencies, by name.")
    partner_names: list[str] = Field(description=_PARTNER_NAMES)
    facilitator_ids: list[UUID] = Field(description=_FACILITATOR_IDS)
    facilitators: list[StaffRef] = Field(description="The staff who led the activity, by name.")
    facilitator_agencies: list[str] = Field(description=_FACILITATOR_AGENCIES)
    persons: int = Field(description="Sum of the persons of all audiences.")
    attendances: int = Field(description="Sum of the attendances of all audiences.")
    participants: list[OutreachParticipants] = Field(description=_PARTICIPANTS)
    scores: OutreachScores | None = Field(description=_SCORES)
    copies: int | None = Field(description=_COPIES)
    description: str | None = Field(description=_DESCRIPTION)
    attachment_count: int = Field(description="Number of attachments that were not entered in error.")
    recorded_by_id: UUID = Field(description="Id of the staff member who recorded the activity.")
    recorded_by: StaffRef = Field(description="The staff member who recorded the activity.")
    created_at: UtcDateTime = Field(description="Time at which the activity was recorded.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")
    warnings: list[InputWarning] = Field(description="Texts that may contain personal data.")


class OutreachActivityList(CountedPage[OutreachActivity]):
    """One page of outreach activities."""
