"""Schemas of supervision meetings and of the actions that are agreed in them."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import TypeAliasType

from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.dates import FilterDate, PastDate, PlanDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import StaffRef, TeamRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Narrative,
    Output,
    QueryBoolean,
    ShortNarrative,
    UtcDateTime,
    Versioned,
    sort_unique,
)

NEW_ID = "Id chosen by the client (UUID version 4). By default, the server generates it."
CaseNumber = Annotated[str, StringConstraints(min_length=1, max_length=40)]
"""Number of a case, such as FSC-2026-0042."""
SupervisionMeetingSort = TypeAliasType(
    "SupervisionMeetingSort", Literal["held_on", "-held_on", "created_at", "-created_at"]
)
"""Order of the list of supervision meetings."""


class SupervisionActionCreate(Input):
    """An action that the worker and the supervisor agree."""

    id: ClientChosenId | None = Field(None, description=NEW_ID)
    what: ShortNarrative = Field(description="Description of the action. The text cannot be changed.")
    owner_id: Id | None = Field(
        None,
        description="Id of the person who carries out the action: the worker or the supervisor of the meeting. By default, "
        "the worker.",
    )
    due_on: PlanDate = Field(description="Day by which the action is to be done.")


class SupervisionActionSettings(Input):
    """The editable fields of an agreed action."""

    due_on: PlanDate = Field(description="Day by which the action is to be done.")
    done_on: PastDate | None = Field(description="Day on which the action was done; null while it is open.")


class SupervisionMeetingContent(Input):
    """The editable fields of a supervision meeting."""

    held_on: PastDate = Field(description="Day of the meeting.")
    next_on: PlanDate | None = Field(
        None, description="Agreed day of the next meeting. It must not be before `held_on`."
    )
    case_numbers: Annotated[list[CaseNumber], Field(max_length=100), AfterValidator(sort_unique)] = Field(
        default_factory=list,
        description="Numbers of the discussed cases. The caller must be able to see them.",
    )
    notes: Narrative | None = Field(
        None,
        description="Confidential notes, which only the supervisor and the worker of the meeting can read.",
    )


class SupervisionMeetingCreate(SupervisionMeetingContent):
    """A meeting that the caller held with a worker."""

    id: ClientChosenId | None = Field(None, description=NEW_ID)
    worker_id: Id = Field(description="Id of the worker, who must be a member of the team.")
    team_id: Id = Field(description="Id of the team. A supervisor must supervise it.")
    actions: Annotated[list[SupervisionActionCreate], Field(max_length=50)] = Field(
        default_factory=list, description="Agreed actions."
    )


if TYPE_CHECKING:

    class SupervisionMeetingUpdate(Input):
        """Changes to a supervision meeting."""

    class SupervisionActionUpdate(Input):
        """Changes to an agreed action."""
else:
    SupervisionMeetingUpdate = build_patch_model(SupervisionMeetingContent, "SupervisionMeetingUpdate")
    SupervisionActionUpdate = build_patch_model(SupervisionActionSettings, "SupervisionActionUpdate")


class SupervisionMeetingFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of supervision meetings."""

    worker_id: CommaSeparated[Id] | None = Field(None, description="Only meetings with these workers.")
    team_id: CommaSeparated[Id] | None = Field(None, description="Only meetings of these teams.")
    held_from: FilterDate | None = Field(None, description="Only meetings on or after this day.")
    held_to: FilterDate | None = Field(None, description="Only meetings on or before this day.")
    open_actions: QueryBoolean | None = Field(
        None, description="Only meetings with open actions (`true`), or only meetings without (`false`)."
    )
    sort: SupervisionMeetingSort = Field(
        "-held_on", description="Order of the list; a minus sign means descending."
    )


class SupervisionAction(Versioned):
    """An action that was agreed in a supervision meeting."""

    collection: ClassVar[str | None] = "supervision-actions"

    meeting_id: UUID = Field(description="Id of the meeting.")
    what: str = Field(description="Description of the action.")
    owner_id: UUID = Field(description="Id of the person who carries out the action.")
    owner: StaffRef = Field(description="The person who carries out the action.")
    due_on: date = Field(description="Day by which the action is to be done.")
    done_on: date | None = Field(description="Day on which the action was done; null while it is open.")
    created_at: UtcDateTime = Field(description="Time at which the action was recorded.")


class DiscussedCase(Output):
    """A case that was discussed in a supervision meeting."""

    id: UUID = Field(description="Id of the case.")
    number: str = Field(description="Case number, such as FSC-2026-0042.")
    child_id: UUID = Field(description="Id of the child.")


class SupervisionMeeting(Versioned, Correctable):
    """A meeting of a worker with the supervisor."""

    collection: ClassVar[str | None] = "supervision-meetings"

    worker_id: UUID = Field(description="Id of the worker.")
    worker: StaffRef = Field(description="The worker.")
    supervisor_id: UUID = Field(description="Id of the supervisor who held the meeting.")
    supervisor: StaffRef = Field(description="The supervisor who held the meeting.")
    team_id: UUID = Field(description="Id of the team of the worker at the time of the meeting.")
    team: TeamRef = Field(description="The team.")
    held_on: date = Field(description="Day of the meeting.")
    next_on: date | None = Field(description="Agreed day of the next meeting.")
    cases: list[DiscussedCase] = Field(
        description="Discussed cases that the caller can see, sorted by number. Each of them is logged as an access."
    )
    actions: list[SupervisionAction] = Field(description="Agreed actions, the earliest due date first.")
    notes: str | None = Field(
        description="Confidential notes; null if there are none, and for all callers except the supervisor and the worker of "
        "the meeting."
    )
    created_at: UtcDateTime = Field(description="Time at which the meeting was recorded.")
    updated_at: UtcDateTime = Field(description="Time of the last change of the meeting.")


class SupervisionMeetingList(CountedPage[SupervisionMeeting]):
    """One page of supervision meetings."""
