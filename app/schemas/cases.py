"""Schemas of cases and their staffing."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.dates import FilterDate, FilterTime
from app.schemas.donor_grants import DonorGrantRef, GrantCode
from app.schemas.identity import Age, PersonName
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import PlaceRef, StaffRef, TeamRef
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Narrative,
    Output,
    ProvinceCode,
    QueryBoolean,
    RecordSearchText,
    ShortNarrative,
    UtcDateTime,
    Versioned,
)


class CaseContent(Input):
    """Editable fields of a case. Its status, team and workers change through acts."""

    kind: Annotated[str, CodeOf("case_kind")] = Field(
        description="Kind of support: `survivor`, `hsb` (harmful sexual behaviour) or `both`."
    )
    summary: Narrative | None = Field(None, description="Summary of the case, written by its workers.")
    grant_code: GrantCode | None = Field(
        None,
        description="Code of the active grant that pays for the support, from `GET /v1/donor-grants`. Only a supervisor of "
        "the team or a programme manager can change it.",
    )


if TYPE_CHECKING:

    class CaseUpdate(Input):
        """Changes to a case."""
else:
    CaseUpdate = build_patch_model(CaseContent, "CaseUpdate")


class CaseAssignment(Input):
    """New lead worker and co-workers of a case."""

    lead_worker_id: Id = Field(description="Id of the new lead worker, who must belong to the case's team.")
    co_worker_ids: Annotated[list[Id], Field(max_length=10)] | None = Field(
        None,
        description="Ids of the co-workers, who must belong to the case's team. If the field is absent, the current "
        "co-workers who are still eligible remain.",
    )


class CaseTransfer(Input):
    """New team and lead worker of a case, with the reason for the transfer."""

    team_id: Id = Field(description="Id of the new team, which must be active.")
    lead_worker_id: Id = Field(description="Id of the new lead worker, who must belong to the new team.")
    reason: ShortNarrative = Field(description="Reason for the transfer.")


CaseSort = TypeAliasType(
    "CaseSort",
    Literal[
        "created_at",
        "-created_at",
        "opened_on",
        "-opened_on",
        "next_review_on",
        "-next_review_on",
        "risk_level",
        "-risk_level",
        "last_contact_on",
        "-last_contact_on",
        "number",
        "-number",
    ],
)
"""Order of the list of cases."""


class CaseFilters(CountedPageQuery):
    """Query parameters of the list of cases."""

    q: RecordSearchText | None = Field(
        None,
        description="Only cases of a child with a matching name or nickname, in either script and with tolerance for "
        "spelling differences; or with this phone number of the child, a supporter or a family member; or with this case number, in any "
        "notation and also without the year. The best match comes first.",
    )
    sort: CaseSort = Field(
        "-created_at",
        description="Order of the list; a minus sign means descending. Cases without a next review come last in "
        "ascending order, cases without a risk level or without a contact first. Excludes `q`.",
    )
    status: CommaSeparated[Annotated[str, CodeOf("case_status")]] | None = Field(
        None, description="Only cases with one of these statuses, separated by commas."
    )
    kind: CommaSeparated[Annotated[str, CodeOf("case_kind")]] | None = Field(
        None, description="Only cases of one of these kinds, separated by commas."
    )
    team_id: CommaSeparated[Id] | None = Field(
        None, description="Only cases of one of these teams, separated by commas."
    )
    lead_worker_id: CommaSeparated[Id] | None = Field(
        None, description="Only cases of one of these lead workers, separated by commas."
    )
    risk_level: CommaSeparated[Annotated[str, CodeOf("risk_level")]] | None = Field(
        None, description="Only cases with one of these risk levels, separated by commas."
    )
    province_code: CommaSeparated[ProvinceCode] | None = Field(
        None,
        description="Only cases of children from one of these provinces, by NCDD code, separated by commas.",
    )
    review_overdue: QueryBoolean | None = Field(
        None, description="Only cases whose next review is overdue (`true`), or only the others (`false`)."
    )
    opened_from: FilterDate | None = Field(None, description="Only cases opened on or after this date.")
    opened_to: FilterDate | None = Field(None, description="Only cases opened on or before this date.")
    updated_since: FilterTime | None = Field(
        None, description="Only cases that were changed at or after this time."
    )
    child_id: Id | None = Field(None, description="Only cases of this child.")
    number: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="Only the case with this number, such as FSC-2026-0042, in any notation."
    )


class CaseChild(Output):
    """The fields that identify the child of a case."""

    id: UUID = Field(description="Id of the child.")
    names: list[PersonName] = Field(description="Names of the child, each in one script.")
    nickname: str | None = Field(description="Nickname of the child.")
    sex: Annotated[str, CodeOf("sex")] = Field(description="Sex of the child.")
    age: Age | None = Field(description="Age of the child today; null if unknown.")


class Case(Versioned):
    """A case: one period of support for one child."""

    collection: ClassVar[str | None] = "cases"

    number: str = Field(description="Case number, such as FSC-2026-0042.")
    child_id: UUID = Field(description="Id of the child.")
    child: CaseChild = Field(description="The child of the case.")
    kind: Annotated[str, CodeOf("case_kind")] = Field(
        description="Kind of support: `survivor`, `hsb` (harmful sexual behaviour) or `both`."
    )
    status: Annotated[str, CodeOf("case_status")] = Field(description="Life-cycle status of the case.")
    team_id: UUID = Field(description="Id of the team that is responsible for the case.")
    team: TeamRef = Field(description="The team that is responsible for the case.")
    lead_worker_id: UUID = Field(description="Id of the social worker who leads the case.")
    lead_worker: StaffRef = Field(description="The social worker who leads the case.")
    co_worker_ids: list[UUID] = Field(
        description="Ids of the other workers of the case, in the order of `co_workers`."
    )
    co_workers: list[StaffRef] = Field(
        description="The other workers of the case, in the order of their names."
    )
    referral_id: UUID | None = Field(
        description="Id of the referral that opened the case; null for a case that follows a closed one."
    )
    previous_case_id: UUID | None = Field(
        description="Id of the closed case that this case reopens; null otherwise."
    )
    opened_on: date = Field(description="Date on which the case was opened, in Cambodia.")
    closed_on: date | None = Field(description="Date on which the case was closed; null while it is open.")
    next_review_on: date | None = Field(
        description="Due date of the next review; null before the case becomes active and after it is closed."
    )
    risk_level: Annotated[str, CodeOf("risk_level")] | None = Field(
        description="Risk level of the child's newest approved assessment; null without an approved assessment."
    )
    last_contact_on: date | None = Field(
        description="Date of the latest contact, in Cambodia: a held support session with the child, the supporter or the "
        "family; null if there is none."
    )
    extended_until: date | None = Field(
        description="Last day of support after an extension past 24 months; null without an extension."
    )
    close_reason: Annotated[str, CodeOf("closure_reason")] | None = Field(
        description="Reason for closing the case; null while it is open."
    )
    grant_code: str | None = Field(
        description="Code of the grant that pays for the support; null if the case is not attributed to a grant."
    )
    grant: DonorGrantRef | None = Field(description="The grant with the code `grant_code`.")
    hsb_outcome: Annotated[str, CodeOf("hsb_outcome")] | None = Field(
        description="Whether harmful sexual behaviour occurred again, as known at closing; null for cases of the kind "
        "`survivor`, and while the case is open."
    )
    age_at_referral_min: int | None = Field(
        description="Lowest possible age of the child at the referral, in whole years; null if unknown."
    )
    age_at_referral_max: int | None = Field(
        description="Highest possible age of the child at the referral, in whole years; null if unknown."
    )
    province_code: str | None = Field(description="NCDD code of the child's province at the referral.")
    province: PlaceRef | None = Field(description="The child's province at the referral.")
    summary: str | None = Field(description="Summary of the case, written by its workers.")
    outcome: str | None = Field(description="Outcome of the support; null while the case is open.")
    created_at: UtcDateTime = Field(description="Time at which the case was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change of the case.")


class CaseSummary(Versioned):
    """A case in a list."""

    number: str = Field(description="Case number, such as FSC-2026-0042.")
    child_id: UUID = Field(description="Id of the child.")
    child: CaseChild = Field(description="The child of the case.")
    kind: Annotated[str, CodeOf("case_kind")] = Field(
        description="Kind of support: `survivor`, `hsb` (harmful sexual behaviour) or `both`."
    )
    status: Annotated[str, CodeOf("case_status")] = Field(description="Life-cycle status of the case.")
    team_id: UUID = Field(description="Id of the team that is responsible for the case.")
    team: TeamRef = Field(description="The team that is responsible for the case.")
    lead_worker_id: UUID = Field(description="Id of the social worker who leads the case.")
    lead_worker: StaffRef = Field(description="The social worker who leads the case.")
    opened_on: date = Field(description="Date on which the case was opened, in Cambodia.")
    closed_on: date | None = Field(description="Date on which the case was closed; null while it is open.")
    next_review_on: date | None = Field(description="Due date of the next review; null if none is due.")
    review_overdue: bool = Field(description="Whether the next review was due before today.")
    overdue_actions: int = Field(
        description="Number of open actions of the current care plans that were due before today."
    )
    waiting_for: Annotated[str, CodeOf("case_waiting_for")] = Field(
        description="Next step that the case waits for."
    )
    risk_level: Annotated[str, CodeOf("risk_level")] | None = Field(
        description="Risk level of the child's newest approved assessment; null without an approved assessment."
    )
    last_contact_on: date | None = Field(
        description="Date of the latest contact, in Cambodia: a held support session with the child, the supporter or the "
        "family; null if there is none."
    )
    province_code: str | None = Field(description="NCDD code of the child's province at the referral.")
    province: PlaceRef | None = Field(description="The child's province at the referral.")
    created_at: UtcDateTime = Field(description="Time at which the case was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change of the case.")


class CaseList(CountedPage[CaseSummary]):
    """One page of cases, in the order of `sort`, or the best match first for a search."""
