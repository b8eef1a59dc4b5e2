"""Schemas of the agenda and of calendar feeds."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.dates import FilterDate
from app.schemas.funds import Category
from app.schemas.identity import PersonName
from app.schemas.money import Money
from app.schemas.references import PersonRef, ProviderRef, StaffRef
from app.schemas.shown_once import ShownOnce
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    DisplayLanguage,
    Input,
    Output,
    Page,
    PageQuery,
    QueryBoolean,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)


class AgendaFilters(PageQuery):
    """Query parameters of the agenda."""

    until: Annotated[
        FilterDate | None,
        Field(
            description="Only entries that are due on or before this day. Default: 14 days from today, 30 days for "
            "milestones and consents, 90 days for birthdays; assessments and care plans to write, drafts and service referrals on any day."
        ),
    ] = None
    kind: CommaSeparated[Annotated[str, CodeOf("agenda_kind")]] | None = Field(
        None, description="Only entries of these kinds."
    )
    overdue: Annotated[
        QueryBoolean | None,
        Field(description="Only overdue entries (`true`), or only entries that are not overdue (`false`)."),
    ] = None


class AgendaRecord(Output):
    """The record that an agenda entry is about."""

    kind: Annotated[str, CodeOf("record_kind")] = Field(description="Kind of the record.")
    id: UUID = Field(description="Id of the record.")


class AgendaGoal(Output):
    """The goal of an action on the agenda."""

    id: UUID = Field(description="Id of the goal.")
    statement: str = Field(description="Statement of the goal.")
    area: Annotated[str, CodeOf("area")] = Field(description="Area of the goal.")


class AgendaAction(Output):
    """The action of a care plan that an agenda entry is about, with its goal."""

    what: str = Field(description="Description of the action.")
    by: Annotated[str, CodeOf("action_by")] = Field(
        description="Role of the person who performs the action. Unless it is `worker`, the lead worker follows it up."
    )
    by_whom: str | None = Field(description="Name of the person or organisation that performs the action.")
    goal_id: UUID = Field(description="Id of the goal.")
    goal: AgendaGoal = Field(description="The goal of the action.")


class AgendaReferral(Output):
    """The referral that an agenda entry is about."""

    tracking_number: str = Field(description="Number under which the referrer can ask about the referral.")
    child_names: list[PersonName] = Field(description="Names of the child, each in one script.")
    child_nickname: str | None = Field(description="Nickname of the child.")


class AgendaDisbursement(Output):
    """The disbursement that an agenda entry is about."""

    number: str = Field(description="Number of the disbursement.")
    category: Category = Field(description="Category of the assistance.")
    amount: Money = Field(description="Requested amount of this instalment.")
    instalments: int = Field(description="Number of instalments that are decided together.")


class AgendaEntry(Output):
    """An item on the caller's agenda that waits, or that is due or overdue."""

    kind: Annotated[str, CodeOf("agenda_kind")] = Field(
        description="Kind of entry, such as a review, a support session or a pending approval."
    )
    due_on: date = Field(description="Due date, in Cambodia.")
    at: UtcDateTime | None = Field(
        description="Time of a planned support session, or time by which a referral must be acknowledged; null for entries "
        "that have only a due date."
    )
    is_overdue: bool = Field(
        description="Whether the due date has passed, or for a referral that is not acknowledged the time `at`. Birthdays, "
        "and the milestones at 18 and 21 months, are never overdue."
    )
    is_emergency: bool = Field(
        description="Whether the entry is about an emergency whose child was not contacted yet. These entries come first."
    )
    detail: str | None = Field(
        description="Code that depends on the kind: kind of support session, legal step or pending change, service, number "
        "of months, subject, urgency, age of a birthday, or why work is unstaffed: `no_lead_worker`, `inactive_team` or `no_finance_officer`."
    )
    case_id: UUID | None = Field(
        description="Id of the case; null for a referral, a pending change, a transfer between budget lines and supervision."
    )
    case_number: str | None = Field(
        description="Case number, such as FSC-2026-0042; null if the entry has no case."
    )
    child_id: UUID | None = Field(
        description="Id of the child; null if the entry has no case, and for finance officers."
    )
    child: CaseChild | None = Field(
        description="The child of the case; null if the entry has no case, and for finance officers."
    )
    worker_id: UUID | None = Field(
        description="Id of the worker who holds the session, handles the referral or is supervised, otherwise of the lead worker of the "
        "case; null for a pending change and for a referral that is not assigned."
    )
    worker: StaffRef | None = Field(description="The worker with the id `worker_id`.")
    place: str | None = Field(
        description="Place of a planned support session or legal step; null if it is not known, and for other kinds."
    )
    action: AgendaAction | None = Field(description="The action; null for other kinds.")
    referral: AgendaReferral | None = Field(description="The referral; null for other kinds.")
    disbursement: AgendaDisbursement | None = Field(description="The disbursement; null for other kinds.")
    author: StaffRef | None = Field(
        description="Author of the assessment, care plan, exit plan or service referral, or requester of the disbursement or "
        "pending change; null for other kinds."
    )
    person: PersonRef | None = Field(
        description="For an assessment or care plan, the supporter or family member who is its subject (null for the "
        "child). For the kind `person`, the person to confirm. Null for other kinds."
    )
    provider: ProviderRef | None = Field(
        description="Provider of the service referral; null for other kinds."
    )
    record: AgendaRecord = Field(description="The record that the entry is about.")
    link: str = Field(description="Path of the record.")


class AgendaEntryList(Page[AgendaEntry]):
    """One page of the agenda: emergencies first, then the earliest entry first."""


class Counts(Output):
    """The counts for the menu of the caller."""

    agenda: int = Field(description="Number of entries on the agenda without filters.")
    overdue: int = Field(description="Number of these entries that are overdue.")
    approvals: int = Field(
        description="Number of records that wait for the caller's decision: the entries of the kind `approval`, for a "
        "programme manager also the cases past 24 months, which need an extension, and for a finance officer the "
        "disbursements of the list with `awaiting=me`."
    )
    pending_changes: int = Field(
        description="Number of pending changes of accounts and settings that the caller can confirm or reject."
    )
    referrals: int = Field(description="Number of referrals that the caller has to acknowledge or decide.")
    overdue_reviews: int = Field(
        description="Number of cases that the caller can see whose next review is overdue, at most 10,000."
    )
    alerts: int = Field(
        description="Number of alerts to the caller that are not acknowledged, at most 10,000."
    )


class OwnSettingsReplacement(Input):
    """The settings that a user chooses. They replace the previous settings."""

    agenda_digest: StrictBoolean = Field(
        description="Whether the user gets an e-mail with numbers of the agenda every morning, without data of children."
    )
    language: DisplayLanguage = Field(
        "en", description="Language of the e-mail, English (`en`) or Khmer (`km`)."
    )


class OwnSettings(Versioned):
    """The settings of the caller."""

    agenda_digest: bool = Field(
        description="Whether the caller gets an e-mail with numbers of the agenda every morning. By default, it is off."
    )
    language: DisplayLanguage = Field(description="Language of the e-mail, English (`en`) or Khmer (`km`).")


class CalendarFeedCreate(Input):
    """A new calendar feed."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    name: ShortText = Field(
        description="Name of the feed, such as the device that uses it. Only the list of feeds contains it, not the "
        "calendar."
    )
    language: DisplayLanguage = Field(
        "en", description="Language of the titles in the calendar, English (`en`) or Khmer (`km`)."
    )


class CalendarFeed(Output):
    """A calendar feed of the caller. Its address is not included."""

    id: UUID = Field(description="Id of the feed.")
    name: str = Field(description="Name that the owner chose for the feed.")
    language: DisplayLanguage = Field(
        description="Language of the titles in the calendar, English (`en`) or Khmer (`km`)."
    )
    created_at: UtcDateTime = Field(description="Time at which the feed was created.")
    last_read_at: UtcDateTime | None = Field(
        description="Time of the last download of the feed; null before the first one."
    )


class CalendarFeedList(Page[CalendarFeed]):
    """One page of active calendar feeds, newest first."""


class CalendarFeedWithUrl(CalendarFeed):
    """A new calendar feed with its address."""

    url: ShownOnce[str | None] = Field(
        description="Address of the feed. It is returned once and gives access to the feed until the feed is revoked. Null "
        "in a repeated response."
    )
