"""Responses about referrals, in the view of staff or of the partner agency. The field `view` is the discriminator."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Age, Birth, ChildIdentity, PersonName
from app.schemas.references import AgencyRef, PlaceRef, StaffRef, TeamRef
from app.schemas.referral_content import Caregiver, Concern, ReferralConsent, ReferralDocument, Referrer
from app.schemas.wire import CountedPage, Output, UtcDateTime, Versioned


class ReferralQuestion(Output):
    """A question to the referrer, with the answer."""

    id: UUID = Field(description="Id of the question.")
    question: str = Field(description="Question to the referrer.")
    asked_at: UtcDateTime = Field(description="Time of the question.")
    answer: str | None = Field(description="Answer of the referrer.")
    answered_at: UtcDateTime | None = Field(description="Time of the answer.")


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


class PartnerReferral(ReferralProgress):
    """A referral in the view of the agency that sent it: its progress, without First Step's records of the child."""

    view: Literal["partner"] = Field(description="View of the agency that sent the referral.")

    decline_reason_code: Annotated[str, CodeOf("decline_reason")] | None = Field(
        description="Reason code of a declined referral."
    )
    signposted_to: list[str] = Field(description="Other organisations that may help.")
    questions: list[ReferralQuestion] = Field(description="Questions to the referrer, with the answers.")


class PartnerReferralList(CountedPage[PartnerReferral]):
    """One page of the referrals of the caller's agency."""

    view: Literal["partner"] = Field(description="View of the agency that sent the referrals.")


class ReferralScreening(Output):
    """Recorded result of the screening against First Step's criteria."""

    meets_criteria: bool = Field(description="Whether the child meets the criteria for support.")
    reason: str | None = Field(description="Reason for the result.")


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

    view: Literal["staff"] = Field(description="View of First Step's staff.")

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
    questions: list[ReferralQuestion] = Field(description="Questions to the referrer, with the answers.")


class ReferralSummary(StaffReferral):
    """A referral in the intake queue."""

    concern_kind: Annotated[str, CodeOf("concern_kind")] = Field(
        description="Kind of concern. `hsb` means harmful sexual behaviour."
    )
    child_names: list[PersonName] = Field(description="Names of the child, each in one script.")
    child_nickname: str | None = Field(description="Nickname of the child.")
    child_sex: Annotated[str, CodeOf("sex")] | None = Field(description="Sex of the child.")
    child_birth: Birth = Field(description="Birth date or estimated age of the child.")
    child_age: Age = Field(description="Age of the child today.")
    province_code: str | None = Field(description="NCDD code of the child's province.")
    province: PlaceRef | None = Field(description="The child's province.")
    acknowledgement_overdue: bool = Field(
        description="Whether the referral was received more than two days ago and is not acknowledged."
    )


class ReferralList(CountedPage[ReferralSummary]):
    """One page of the intake queue."""

    view: Literal["staff"] = Field(description="View of First Step's staff.")


ReferralView = Annotated[Referral | PartnerReferral, Field(discriminator="view")]
ReferralListView = Annotated[ReferralList | PartnerReferralList, Field(discriminator="view")]
