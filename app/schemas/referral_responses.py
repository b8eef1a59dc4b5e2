"""Responses about referrals, in the view of staff or of the partner agency. The field `view` is the discriminator."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Age, Birth, ChildIdentity, PersonName
from app.schemas.references import AgencyRef, PlaceRef, StaffRef, TeamRef
from app.schemas.referral_content import Caregiver, Concern, ReferralConsent, ReferralDocument, Referrer
from app.schemas.warnings import InputWarning
from app.schemas.wire import CountedPage, Output, UtcDateTime, Versioned


class ReferralQuestion(Output):
    """A question to the referrer, with the answer."""

    id: UUID = Field(description="Id of the question.")
    question: str = Field(description="Question to the referrer.")
    asked_at: UtcDateTime = Field(description="Time of the question.")
    answer: str | None = Field(description="Answer of the referrer.")
    answered_at: UtcDateTime | None = Field(description="Time of the answer.")


class UnreadReferralValue(Output):
    """The original of a value that could not be read, or was cut or converted."""

    pointer: str = Field(
        description="JSON pointer of the value in the body of the request, as in `warnings`."
    )
    value: str = Field(
        description="The value: a text as it was sent, anything else as JSON. Of a list that is too long, the "
        "omitted items."
    )


class ReferralWaiver(Output):
    """The decision to accept a referral although the field of a warning was not complete."""

    pointer: str = Field(description="`pointer` of the warning.")
    reason: str = Field(description="Reason for the decision.")


class ReferralProgress(Versioned):
    """Fields that every view of a referral contains."""

    collection: ClassVar[str | None] = "referrals"

    external_id: str | None = Field(
        description="Number that the partner's system gives the referral, unique within the agency."
    )
    tracking_number: str = Field(description="Short number that identifies the referral on the telephone.")
    status: Annotated[str, CodeOf("referral_status")] = Field(
        description="Life-cycle status of the referral."
    )
    received_at: UtcDateTime = Field(description="Time at which the referral was received.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")
    acknowledged_at: UtcDateTime | None = Field(description="Time of the acknowledgement.")
    decided_at: UtcDateTime | None = Field(
        description="Time at which the referral was accepted, declined or withdrawn."
    )
    decision_reversed_at: UtcDateTime | None = Field(
        description="Time at which a decision was reversed, because it was a mistake; null if none was reversed."
    )


class PartnerReferral(ReferralProgress):
    """A referral in the view of the agency that sent it: its progress, without First Step's records of the child."""

    view: Literal["partner"] = Field(
        description="`partner`: the fields that the agency that sent it can see."
    )

    decline_reason_code: Annotated[str, CodeOf("decline_reason")] | None = Field(
        description="Reason code of a declined referral."
    )
    signposted_to: list[str] = Field(description="Other organisations that may help.")
    questions: list[ReferralQuestion] = Field(description="Questions to the referrer, with the answers.")
    warnings: list[InputWarning] = Field(
        description="Fields that were accepted although they look wrong or incomplete."
    )


class PartnerReferralList(CountedPage[PartnerReferral]):
    """One page of the referrals of the caller's agency."""

    view: Literal["partner"] = Field(description="View of the agency that sent the referrals.")


class MatchingAllowance(Output):
    """Permission of a supervisor to exceed the daily limit of comparisons for one referral."""

    allowed_by_id: UUID = Field(description="Id of the person who allowed it.")
    allowed_by: StaffRef = Field(description="The person who allowed it.")
    allowed_at: UtcDateTime = Field(description="Time of the permission. It ends with this day in Cambodia.")
    reason: str = Field(description="Reason for the permission.")


class ReferralScreening(Output):
    """Recorded result of the screening against First Step's criteria."""

    meets_criteria: bool = Field(description="Whether the child meets the criteria for support.")
    reason: str | None = Field(description="Reason for the result.")


class ReferralReversal(Output):
    """A decision on a referral that was reversed."""

    reason: str = Field(description="Reason for the reversal.")
    reversed_at: UtcDateTime = Field(description="Time of the reversal.")
    reversed_by_id: UUID = Field(description="Id of the staff member who reversed the decision.")
    reversed_by: StaffRef = Field(description="The staff member who reversed the decision.")
    status: Annotated[str, CodeOf("referral_status")] = Field(description="Status before the reversal.")
    decided_at: UtcDateTime = Field(description="Time of the reversed decision.")
    decline_reason_code: Annotated[str, CodeOf("decline_reason")] | None = Field(
        description="Reason code of a reversed decline."
    )
    decision_reason: str | None = Field(description="Reason of the reversed decision.")


class StaffReferral(ReferralProgress):
    """Fields that the staff view of a referral contains in detail and in the list."""

    source: Annotated[str, CodeOf("referral_source")] = Field(
        description="Channel through which the referral arrived."
    )
    agency_id: UUID | None = Field(description="Id of the referring agency.")
    agency: AgencyRef | None = Field(description="The referring agency.")
    handed_to_id: UUID | None = Field(description="Id of the staff member assigned to the referral.")
    handed_to: StaffRef | None = Field(description="The staff member assigned to the referral.")
    team_id: UUID | None = Field(
        description="Id of the team assigned to the referral. After the acceptance, id of the team of its case."
    )
    team: TeamRef | None = Field(description="The team assigned to the referral.")
    case_id: UUID | None = Field(description="Id of the case of an accepted referral.")
    child_id: UUID | None = Field(description="Id of the child of an accepted referral.")
    urgency: Annotated[str, CodeOf("urgency")] = Field(
        description="Urgency of the referral: `emergency`, `urgent` or `routine`."
    )


class Referral(StaffReferral):
    """A referral in the staff view."""

    view: Literal["staff"] = Field(description="`staff`: all fields. Partner systems get `partner`.")

    received_by_id: UUID | None = Field(
        description="Id of the staff member who entered the referral; null if a partner's system sent it."
    )
    received_by: StaffRef | None = Field(description="The staff member who entered the referral.")
    concern: Concern = Field(description="Concern about the child.")
    child: ChildIdentity = Field(description="Identity of the child.")
    child_place: PlaceRef | None = Field(description="The place of `child.place_code`.")
    caregiver: Caregiver | None = Field(description="Caregiver of the child.")
    caregiver_place: PlaceRef | None = Field(description="The place of `caregiver.place_code`.")
    referrer: Referrer | None = Field(description="Contact person at the referring organisation.")
    consent: ReferralConsent = Field(
        description="Consent to the referral, or the legal basis for a referral without consent."
    )
    services_already_given: list[Annotated[str, CodeOf("service")]] = Field(
        description="Services that other organisations have already provided."
    )
    documents: list[ReferralDocument] = Field(description="Documents that the referrer can provide.")
    decided_by_id: UUID | None = Field(
        description="Id of the staff member who accepted or declined; null for a withdrawal by a partner's system."
    )
    decided_by: StaffRef | None = Field(description="The staff member who accepted or declined.")
    decline_reason_code: Annotated[str, CodeOf("decline_reason")] | None = Field(
        description="Reason code of a declined referral."
    )
    reason: str | None = Field(description="Reason for which the referral was declined or withdrawn.")
    signposted_to: list[str] = Field(description="Other organisations that may help.")
    screening: ReferralScreening | None = Field(description="Result of the screening.")
    warnings: list[InputWarning] = Field(
        description="Fields that were accepted although they look wrong or incomplete."
    )
    unread_values: list[UnreadReferralValue] = Field(
        description="Original values that could not be read, or were cut or converted (`value_converted`). Each has a "
        "warning."
    )
    waivers: list[ReferralWaiver] = Field(
        description="Warnings whose fields were not completed before the acceptance, with the reasons."
    )
    reversals: list[ReferralReversal] = Field(description="Reversed decisions, oldest first.")
    questions: list[ReferralQuestion] = Field(description="Questions to the referrer, with the answers.")
    matching_allowances: list[MatchingAllowance] = Field(
        description="Permissions to compare more changes of the referral (see `allow-matching`)."
    )


class ReferralSummary(StaffReferral):
    """A referral in the intake queue."""

    concern_kind: Annotated[str, CodeOf("concern_kind")] | None = Field(
        description="Kind of concern; null if the referrer did not state it. `hsb` means harmful sexual behaviour."
    )
    child_names: list[PersonName] = Field(description="Names of the child, each in one script.")
    child_nickname: str | None = Field(description="Nickname of the child.")
    child_sex: Annotated[str, CodeOf("sex")] | None = Field(description="Sex of the child.")
    child_birth: Birth | None = Field(
        description="Birth date or estimated age of the child; null if unknown."
    )
    child_age: Age | None = Field(description="Age of the child today; null if unknown.")
    province_code: str | None = Field(description="NCDD code of the child's province.")
    province: PlaceRef | None = Field(description="The child's province.")
    acknowledgement_overdue: bool = Field(
        description="Whether the referral is not acknowledged within the target of its urgency: by default 2 hours for an "
        "emergency, 1 day for an urgent and 2 days for a routine referral."
    )


class ReferralList(CountedPage[ReferralSummary]):
    """One page of the intake queue."""

    view: Literal["staff"] = Field(description="`staff`: all fields. Partner systems get `partner`.")


class KeptRecordReason(StrEnum):
    """Reason why the detachment of a referral does not remove the data that the referral added to a record."""

    changed_since = "changed_since"
    in_another_referral = "in_another_referral"


class KeptRecordKind(StrEnum):
    """Kind of a record that still contains data of a detached referral."""

    child = "child"
    person = "person"


class RecordToCheck(Output):
    """A record that still contains data that a detached referral added. A supervisor checks it."""

    record_kind: KeptRecordKind = Field(description="Kind of the record.")
    record_id: UUID = Field(description="Id of the record.")
    link: str = Field(description="Path of the record.")
    why: KeptRecordReason = Field(
        description="`changed_since`: staff confirmed or changed the record after the acceptance. `in_another_referral`: "
        "another referral of the case contains the same phone number or person."
    )


class DetachedReferral(Referral):
    """A referral that was detached from the wrong child, with the records that a supervisor has to check."""

    records_to_check: list[RecordToCheck] = Field(
        description="The child and the people whose records still contain data of the referral."
    )


ReferralView = Annotated[Referral | PartnerReferral, Field(discriminator="view")]
ReferralListView = Annotated[ReferralList | PartnerReferralList, Field(discriminator="view")]
