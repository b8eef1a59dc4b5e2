"""Schemas of alerts."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.audit import AccessRecord
from app.schemas.codes import CodeOf
from app.schemas.dates import FilterTime
from app.schemas.references import CaseRef, StaffRef, TeamRef
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Input,
    Output,
    QueryBoolean,
    ShortNarrative,
    UtcDateTime,
    Versioned,
)


class AlertFilters(CountedPageQuery):
    """Query parameters of the list of alerts."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: CommaSeparated[Annotated[str, CodeOf("alert_kind")]] | None = Field(
        None, description="Only alerts of these kinds."
    )
    acknowledged: Annotated[
        QueryBoolean | None,
        Field(description="Only alerts that are acknowledged (`true`), or that are not (`false`)."),
    ] = None
    since: Annotated[
        FilterTime | None, Field(alias="from", description="Only alerts raised at or after this time.")
    ] = None
    until: Annotated[
        FilterTime | None, Field(alias="to", description="Only alerts raised before this time.")
    ] = None


class AlertActor(Output):
    """The user, API client or operator whose act raised an alert."""

    id: UUID | None = Field(
        description="Id of the user or API client; null for an operator on the command line of the server."
    )
    name: str | None = Field(description="Current name of the user or API client.")


class Alert(Versioned):
    """An act that the recipients of the alert should look at. It contains ids, and nothing from the record of a child."""

    collection: ClassVar[str | None] = "alerts"

    kind: Annotated[str, CodeOf("alert_kind")] = Field(description="Kind of the alert.")
    created_at: UtcDateTime = Field(description="Time at which the alert was raised.")
    occurred_at: UtcDateTime = Field(
        description="Time of the act. For a number of accesses, the time of the last one that was counted."
    )
    actor: AlertActor = Field(description="The user, API client or operator who acted.")
    act: str | None = Field(
        description="The act in the access log, such as `case.break_glass`; null for accesses with different acts."
    )
    count: int = Field(
        description="Number of children for `reading_outside_caseload` and of searches for `matching_hidden_child`; "
        "otherwise 1."
    )
    team: TeamRef | None = Field(
        description="The team whose supervisors receive the alert; null for an alert to the data protection officers."
    )
    record: AccessRecord | None = Field(
        description="The record that the act was about; null if it was about none."
    )
    child_id: UUID | None = Field(description="Id of the child; null if the alert is not about one child.")
    case_id: UUID | None = Field(description="Id of the case; null if the alert is not about one case.")
    case: CaseRef | None = Field(description="The case; null if the caller cannot see it.")
    accesses: str = Field(
        description="Path of the access log with the entries of the actor on the day of the act, and of the child if the "
        "alert is about one. For an operator on the command line, the path has the entries of the act."
    )
    acknowledged_at: UtcDateTime | None = Field(
        description="Time at which a recipient acknowledged the alert; null before that."
    )
    acknowledged_by: StaffRef | None = Field(
        description="The recipient who acknowledged the alert; null before that."
    )
    note: str | None = Field(description="Note of the recipient who acknowledged the alert.")


class AlertList(CountedPage[Alert]):
    """One page of alerts, newest first."""


class AlertAcknowledgement(Input):
    """Acknowledgement of an alert."""

    note: ShortNarrative | None = Field(
        None,
        description="Finding or next action. The other recipients of the alert can read it.",
    )
