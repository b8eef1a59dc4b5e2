"""Schemas of referrals: requests, the staff view and the partner view."""

from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from app.schemas.codes import CodeOf
from app.schemas.lenient_validation import UnreadValue, validate_leniently
from app.schemas.references import StaffRef
from app.schemas.referral_content import (
    ReferralContent,
    ReferralContentUpdate,
)
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    Page,
    Reason,
    ShortNarrative,
    ShortText,
    StrictBoolean,
)

REQUIRED_PATHS: Final = frozenset[tuple[str | int, ...]]({
    (), ("urgency",), ("concern",), ("concern", "summary"), ("child",),
})  # fmt: skip
"""The fields without which a new referral is refused. Faults of the other fields are warnings."""
EXACT_PATHS: Final = frozenset[tuple[str | int, ...]]({("id",), ("external_id",)})
"""The fields that identify a referral. They are neither converted nor cut."""


class ReferralCreate(ReferralContent):
    """A new referral, from a partner's system or from staff.

    A referral is rejected only for a missing name, summary or urgency, an invalid `id` or `external_id`, malformed JSON, or
    a body that is too large. All other faults, such as a value of another type, a text or list that is too long, or an
    unknown field, are `warnings` of the response. Before the acceptance, staff complete or waive them.
    """

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
    _unread_values: list[UnreadValue] = PrivateAttr(default_factory=list)

    @model_validator(mode="wrap")
    @classmethod
    def keep_imperfect_values(cls, document: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Accept a referral without the values that cannot be read, unless one of them is required."""
        referral, unread_values = validate_leniently(
            validate, document, required=REQUIRED_PATHS, exact=EXACT_PATHS
        )
        referral._unread_values = unread_values  # noqa: SLF001 - the same class
        return referral

    def get_unread_values(self) -> list[UnreadValue]:
        """Return the values that were removed, cut or converted, each with its warning."""
        return self._unread_values


class ReferralUpdate(ReferralContentUpdate):
    """Changes to a referral (JSON merge patch). Supervisors and programme managers may also assign it."""

    handed_to_id: Id | None = Field(
        None, description="Id of the staff member assigned to the referral, a member of the team."
    )
    team_id: Id | None = Field(None, description="Id of the team assigned to the referral.")


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


class ReferralWaiverCreate(Input):
    """The decision to accept a referral although the field of a warning is not complete."""

    pointer: Annotated[ShortText, Field(max_length=200)] = Field(
        description="`pointer` of the warning, such as `/child/phone/number`."
    )
    reason: Reason = Field(description="Reason for which the field cannot or need not be completed.")


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
    waivers: Annotated[list[ReferralWaiverCreate], Field(max_length=100)] = Field(
        default_factory=list,
        description="Warnings of the referral whose fields are not completed, with the reasons.",
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


class ReferralReinstatement(Input):
    """Reversal of a decline that was a mistake, with the reason."""

    reason: ShortNarrative = Field(description="Reason why the decline was a mistake.")


class ReferralDetachment(Input):
    """Request to undo the acceptance for the wrong child."""

    reason: ShortNarrative = Field(description="Reason, for example how the wrong identity was noticed.")


class ReferralMatchKind(StrEnum):
    """Kind of a match: a child or referral that may be the same child, or another child of the same household."""

    child = "child"
    referral = "referral"
    household = "household"


class ReferralMatchRecordKind(StrEnum):
    """Kind of the record that matches a referral."""

    child = "child"
    referral = "referral"


class ReferralMatchLikelihood(StrEnum):
    """Likelihood that a record describes the same child as the referral."""

    likely = "likely"
    possible = "possible"


class ReferralMatch(Output):
    """A child or referral that may be about the same child, or about a sibling. It contains no personal data."""

    kind: ReferralMatchKind = Field(
        description="Kind of the match. `household`: another child that shares two of the phone number, the caregiver "
        "and the commune, for example a sibling. Only records that the caller can see are listed as `household`."
    )
    record_kind: ReferralMatchRecordKind = Field(
        description="Kind of the record with this id. A `referral` has no child and no case yet, because it was not accepted."
    )
    id: UUID = Field(
        description="Id of the matching child or referral. For a record that the caller cannot see, an id that is valid "
        "only for this referral with its present content. `child_id` of the acceptance takes the id of a child."
    )
    is_visible: bool = Field(description="Whether the caller can see the record.")
    likelihood: ReferralMatchLikelihood = Field(
        description="`likely` from a score of 0.75, otherwise `possible`. For a household, `likely` if both the phone number "
        "and the caregiver are shared."
    )
    score: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="Similarity, from 0.55 to 1. For a household, the sum of 0.15 for the phone number, 0.15 for the caregiver "
        "and 0.10 for the place if they are shared. Null for a record that the caller cannot see."
    )
    why: list[Annotated[str, CodeOf("match_reason")]] | None = Field(
        description="Codes of the facts that agree or differ; null for a record that the caller cannot see."
    )


class ReferralMatchingLimit(StrEnum):
    """A limit on the comparison with records that the caller cannot see."""

    referral_limit = "referral_limit"
    caller_limit = "caller_limit"


class WithheldMatches(Output):
    """The limit that omits matches that the caller cannot see, and the people who can list them."""

    limit: ReferralMatchingLimit = Field(
        description="`referral_limit`: five changes of the referral were compared on this day in Cambodia; `caller_limit`: the "
        "caller compared eight identities."
    )
    ask: list[StaffRef] = Field(
        description="People who can list all matches, or allow more with `allow-matching`: the other supervisors of the team, "
        "or else the programme managers. The comparison is on their agenda."
    )


class ReferralMatchList(Page[ReferralMatch]):
    """One page of possible duplicates of a referral, likely ones first, then other children of the household."""

    withheld: WithheldMatches | None = Field(
        description="Limit that the caller or the referral has reached on this day. The items are then only records that "
        "the caller can see, and there may be more matches. The field does not show whether there are any. The referral "
        "can still be accepted. Null if no limit is reached."
    )


class ReferralMatchingAllowance(Input):
    """Permission for other staff to compare more changes of a referral on this day."""

    reason: Reason = Field(description="Reason, for example what was corrected in the referral.")
