"""Schemas of referrals: requests, the staff view and the partner view."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.referral_content import (
    ReferralContent,
    ReferralContentUpdate,
)
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPageQuery,
    Id,
    Input,
    Narrative,
    Output,
    Page,
    PlainDate,
    ProvinceCode,
    QueryBoolean,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
)


class ReferralCreate(ReferralContent):
    """A new referral, from a partner's system or from staff."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    external_id: Annotated[ShortText, Field(max_length=100)] | None = Field(
        None,
        description="Number that the partner's system gives the referral, unique within the agency. Required from "
        "API clients.",
    )
    source: Annotated[str, CodeOf("referral_source")] | None = Field(
        None,
        description="Channel through which the referral arrived. Default: `api` for API clients, `phone_call` for staff.",
    )


class ReferralUpdate(ReferralContentUpdate):
    """Changes to a referral (JSON merge patch). Supervisors and programme managers may also assign it."""

    handed_to_id: Id | None = Field(
        None, description="Id of the staff member assigned to the referral, a member of the team."
    )
    team_id: Id | None = Field(None, description="Id of the team assigned to the referral.")


ReferralSort = TypeAliasType(
    "ReferralSort",
    Literal["received_at", "-received_at", "urgency", "-urgency", "updated_at", "-updated_at"],
)
"""Order of the list of referrals."""


class ReferralFilters(CountedPageQuery):
    """Query parameters of the list of referrals."""

    q: Annotated[str, Field(min_length=2, max_length=100)] | None = Field(
        None,
        description="Name of the child in Khmer or Latin script (not for API clients), tracking number, or `external_id`. The "
        "best match comes first.",
    )
    sort: ReferralSort = Field(
        "-received_at",
        description="Order of the list; a minus sign means descending. `urgency` lists emergencies first. Excludes `q`.",
    )
    status: CommaSeparated[Annotated[str, CodeOf("referral_status")]] | None = Field(
        None,
        description="Only referrals with one of these statuses, separated by commas. `information_requested` waits for an "
        "answer of the referrer.",
    )
    urgency: CommaSeparated[Annotated[str, CodeOf("urgency")]] | None = Field(
        None, description="Only referrals with one of these urgencies, separated by commas."
    )
    concern_kind: CommaSeparated[Annotated[str, CodeOf("concern_kind")]] | None = Field(
        None, description="Only referrals with one of these kinds of concern, separated by commas."
    )
    source: CommaSeparated[Annotated[str, CodeOf("referral_source")]] | None = Field(
        None, description="Only referrals that arrived through one of these channels, separated by commas."
    )
    external_id: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Only referrals with this `external_id`."
    )
    tracking_number: Annotated[str, Field(max_length=20)] | None = Field(
        None, description="Only the referral with this tracking number."
    )
    agency_id: CommaSeparated[Id] | None = Field(
        None, description="Only referrals of one of these agencies, separated by commas."
    )
    team_id: CommaSeparated[Id] | None = Field(
        None, description="Only referrals assigned to one of these teams, separated by commas."
    )
    handed_to_id: CommaSeparated[Id] | None = Field(
        None, description="Only referrals assigned to one of these staff members, separated by commas."
    )
    province_code: CommaSeparated[ProvinceCode] | None = Field(
        None,
        description="Only referrals of children from one of these provinces, by NCDD code, separated by commas.",
    )
    received_from: PlainDate | None = Field(
        None, description="Only referrals received on or after this day in Cambodia."
    )
    received_to: PlainDate | None = Field(
        None, description="Only referrals received on or before this day in Cambodia."
    )
    updated_since: UtcDateTime | None = Field(
        None, description="Only referrals that were changed at or after this time."
    )
    acknowledgement_overdue: QueryBoolean | None = Field(
        None,
        description="Only referrals that were received more than two days ago and are not acknowledged (`true`), or only the "
        "others (`false`).",
    )


class ReferralAcknowledgement(Input):
    """Acknowledgement of a referral, with the team and staff member it is assigned to."""

    team_id: Id | None = Field(
        None,
        description="Id of the team assigned to the referral; null: the team that the caller supervises, if there is "
        "exactly one.",
    )
    handed_to_id: Id | None = Field(
        None, description="Id of the staff member assigned to the referral, a member of the team."
    )


class ReferralInformationRequest(Input):
    """A question to the referrer that must be answered before the decision."""

    question: ShortNarrative = Field(description="Question to the referrer.")


class ReferralInformationAnswer(Input):
    """The referrer's answer to the open question."""

    answer: Narrative = Field(description="Answer to the question.")


class ReferralScreeningCreate(Input):
    """Result of the screening against First Step's criteria."""

    meets_criteria: StrictBoolean = Field(description="Whether the child meets the criteria for support.")
    reason: ShortNarrative | None = Field(
        None, description="Reason. Required if the age at referral may be outside 5 to 17 years."
    )


class ReferralAcceptance(Input):
    """Acceptance of a referral.

    No field is required by the schema, so that a 409 response can list every unmet condition.
    """

    case_kind: Annotated[str, CodeOf("case_kind")] | None = Field(
        None, description="Kind of the case. `hsb` means harmful sexual behaviour."
    )
    lead_worker_id: Id | None = Field(None, description="Id of the social worker who leads the case.")
    team_id: Id | None = Field(None, description="Id of the team that is responsible for the case.")
    screening: ReferralScreeningCreate | None = Field(None, description="Result of the screening.")
    duplicates_reviewed: StrictBoolean = Field(
        default=False, description="Whether the possible duplicates were reviewed."
    )
    child_id: Id | None = Field(
        None, description="Id of the known child if a duplicate was confirmed; null to create a new child."
    )


def _convert_to_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ReferralDecline(Input):
    """The decline of a referral, with the reason and other sources of help."""

    reason_code: Annotated[str, CodeOf("decline_reason")] = Field(
        description="Reason code, visible to the referring agency."
    )
    reason: ShortNarrative = Field(description="Reason in words, visible to staff only.")
    signposted_to: (
        Annotated[
            list[ShortText],
            BeforeValidator(_convert_to_list, json_schema_input_type=list[ShortText] | ShortText | None),
            Field(max_length=20),
        ]
        | None
    ) = Field(
        None, description="Other organisations that may help. A single text is accepted instead of a list."
    )


class ReferralWithdrawal(Input):
    """Withdrawal of a referral by its referrer, with the reason."""

    reason: ShortNarrative = Field(description="Reason for the withdrawal.")


class ReferralMatchKind(StrEnum):
    """Kind of record that may describe the same child as the referral."""

    child = "child"
    referral = "referral"


class ReferralMatch(Output):
    """A child or referral that may be about the same child. It contains no personal data."""

    kind: ReferralMatchKind = Field(description="Kind of the matching record.")
    id: UUID = Field(description="Id of the matching child or referral.")
    child_id: UUID | None = Field(description="Id of the child; null for a referral that was not accepted.")
    score: Annotated[float, Field(ge=0, le=1)] = Field(description="Similarity, from 0 to 1.")
    why: list[Annotated[str, CodeOf("match_reason")]] = Field(
        description="Codes of the facts that agree or differ."
    )


class ReferralMatchList(Page[ReferralMatch]):
    """One page of possible duplicates of a referral, most similar first."""
