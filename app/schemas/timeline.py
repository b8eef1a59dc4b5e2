"""Schemas of the timeline of a case."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from app.schemas.codes import CodeOf
from app.schemas.dates import FilterDate
from app.schemas.money import Currency
from app.schemas.references import StaffRef
from app.schemas.wire import CommaSeparated, Output, Page, PageQuery, UtcDateTime


class TimelineFilters(PageQuery):
    """Query parameters of a timeline."""

    kind: CommaSeparated[Annotated[str, CodeOf("timeline_kind")]] | None = Field(
        None, description="Only events of these kinds, separated by commas."
    )
    record_kind: CommaSeparated[Annotated[str, CodeOf("record_kind")]] | None = Field(
        None,
        description="Only events about these kinds of record, separated by commas, such as `assessment,review`.",
    )
    since: Annotated[
        FilterDate | None, Field(alias="from", description="Only events on or after this day, in Cambodia.")
    ] = None
    until: Annotated[
        FilterDate | None, Field(alias="to", description="Only events on or before this day, in Cambodia.")
    ] = None


@with_config(ConfigDict(extra="forbid"))
class TimelineDetail(TypedDict, total=False):
    """Facts about an event. Each kind of event has its own set of fields; the other fields are absent."""

    number: Annotated[str, Field(description="Number of the case or of the disbursement.")]
    from_number: Annotated[str, Field(description="Number of the closed case that the new case follows.")]
    reason: Annotated[str, Field(description="Reason that the caller gave.")]
    reason_code: Annotated[str, CodeOf("closure_reason"), Field(description="Reason for closing the case.")]
    kind: Annotated[
        Annotated[str, CodeOf("assessment_kind")]
        | Annotated[str, CodeOf("session_kind")]
        | Annotated[str, CodeOf("document_kind")]
        | Annotated[str, CodeOf("legal_step_kind")],
        Field(description="Kind of the assessment, support session, document or legal step."),
    ]
    status: Annotated[
        Annotated[str, CodeOf("consent_status")]
        | Annotated[str, CodeOf("follow_up_status")]
        | Annotated[str, CodeOf("legal_step_status")],
        Field(description="Status of the consent, follow-up or legal step after the event."),
    ]
    subject: Annotated[str, CodeOf("subject"), Field(description="Subject of the assessment or care plan.")]
    role: Annotated[str, CodeOf("person_role"), Field(description="Role of the added person.")]
    from_lead: Annotated[UUID, Field(description="Id of the previous lead worker.")]
    from_lead_name: Annotated[str, Field(description="Name of the previous lead worker.")]
    to_lead: Annotated[UUID, Field(description="Id of the new lead worker.")]
    to_lead_name: Annotated[str, Field(description="Name of the new lead worker.")]
    from_team: Annotated[UUID, Field(description="Id of the previous team.")]
    from_team_name: Annotated[str, Field(description="Name of the previous team.")]
    to_team: Annotated[UUID, Field(description="Id of the new team.")]
    to_team_name: Annotated[str, Field(description="Name of the new team.")]
    until: Annotated[date, Field(description="Last day of support after the extension.")]
    edition: Annotated[str, Field(description="Number of the edition of the care plan.")]
    area: Annotated[str, CodeOf("area"), Field(description="Area of the achieved goal.")]
    given_by: Annotated[
        str, CodeOf("feedback_giver"), Field(description="Whether the child or the caregiver gave feedback.")
    ]
    occasion: Annotated[
        str, CodeOf("feedback_occasion"), Field(description="Occasion on which feedback was given.")
    ]
    by: Annotated[str, CodeOf("action_by"), Field(description="Role of the person who performed the action.")]
    due_on: Annotated[date, Field(description="Due date of the scheduled review.")]
    decision: Annotated[
        str, CodeOf("review_decision"), Field(description="Decision of the review for the case.")
    ]
    at: Annotated[
        UtcDateTime | None, Field(description="Time of the support session, or of the first one of a series.")
    ]
    attendance: Annotated[
        Annotated[str, CodeOf("attendance")] | None,
        Field(description="Attendance at the support session; null before it took place."),
    ]
    series_id: Annotated[UUID, Field(description="Id of the series of support sessions.")]
    count: Annotated[str, Field(description="Number of support sessions in the series.")]
    every_weeks: Annotated[str, Field(description="Number of weeks between two sessions of the series.")]
    provider_id: Annotated[UUID, Field(description="Id of the provider of the service referral.")]
    provider_name: Annotated[str, Field(description="Name of the provider of the service referral.")]
    service: Annotated[str, CodeOf("service"), Field(description="Requested service.")]
    shared_fields: Annotated[
        list[Annotated[str, CodeOf("shared_field")]], Field(description="Fields shared with the provider.")
    ]
    basis: Annotated[
        str, CodeOf("basis_without_consent"), Field(description="Legal basis for sharing without consent.")
    ]
    outcome: Annotated[
        str, CodeOf("service_outcome"), Field(description="Outcome of the provider's service.")
    ]
    on: Annotated[date, Field(description="Date of the legal step.")]
    changed: Annotated[list[str], Field(description="Names of the changed fields of the legal step.")]
    category: Annotated[
        str, CodeOf("assistance_category"), Field(description="Category of the disbursement.")
    ]
    amount: Annotated[str, Field(description="Amount of the disbursement, as a decimal.")]
    currency: Annotated[Currency, Field(description="Currency of the disbursement.")]
    spent: Annotated[str, Field(description="Amount that the receipts prove, as a decimal.")]
    months: Annotated[str, Field(description="Number of monthly instalments of the disbursement.")]


class TimelineEntry(Output):
    """An event in the history of a case."""

    id: UUID = Field(description="Id of the entry.")
    at: UtcDateTime = Field(description="Time of the event; noon in Cambodia if only the date is known.")
    recorded_at: UtcDateTime = Field(
        description="Time at which the event was recorded, which can be much later."
    )
    kind: Annotated[str, CodeOf("timeline_kind")] = Field(description="Kind of event.")
    by_id: UUID | None = Field(description="Id of the user or API client that caused the event.")
    by: StaffRef | None = Field(description="The user who caused the event; null for an API client.")
    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    record_kind: Annotated[str, CodeOf("record_kind")] = Field(
        description="Kind of the record that the event is about."
    )
    record_id: UUID = Field(description="Id of the record that the event is about.")
    link: str | None = Field(description="Path of the record; null if the record has no endpoint.")
    detail: TimelineDetail = Field(description="Facts about the event, depending on its kind.")


class TimelineEntryList(Page[TimelineEntry]):
    """One page of a timeline, latest event first."""
