"""Schemas of the content of a referral: concern, child, caregiver, referrer, consent."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.consents import BasisWithoutConsent
from app.schemas.dates import IncidentDate, PastDate
from app.schemas.identity import ChildIdentity, ContactDetails
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    Email,
    Input,
    Narrative,
    ShortNarrative,
    ShortText,
    StrictBoolean,
)


class Concern(Input):
    """The concern about the child that leads to the referral."""

    kind: Annotated[str, CodeOf("concern_kind")] | None = Field(
        None, description="Kind of concern, if known. `hsb` means harmful sexual behaviour."
    )
    summary: Narrative = Field(description="Summary of the concern.")
    occurred_on: IncidentDate | None = Field(None, description="Day of the incident, if known.")
    period: ShortText | None = Field(
        None, description="Period of the incidents in words, if no single day is known."
    )
    child_is_safe_now: StrictBoolean | None = Field(
        None, description="Whether the child is safe at present, to the knowledge of the referrer."
    )
    reported_to: Annotated[list[Annotated[str, CodeOf("authority")]], Field(max_length=20)] = Field(
        default_factory=list, description="Authorities that have already been informed."
    )


class Caregiver(ContactDetails):
    """The person who cares for the child."""

    relationship: Annotated[str, CodeOf("relationship")] | None = Field(
        None, description="Relationship of the caregiver to the child."
    )
    knows_of_referral: StrictBoolean | None = Field(
        None, description="Whether the caregiver knows of the referral."
    )


class Referrer(Input):
    """The person who sends the referral, as a contact for questions."""

    name: ShortText | None = Field(None, description="Name of the referrer.")
    position: ShortText | None = Field(None, description="Position of the referrer in the organisation.")
    phone: ShortText | None = Field(
        None,
        description="Phone number at work. A certainly valid number is stored in E.164 format, any other text as it was "
        "typed, for example with an extension.",
    )
    phone_e164: Annotated[ShortText, Field(max_length=20)] | None = Field(
        None,
        description="The phone number in E.164 format; null if it is not certainly valid. Only this value is dialled. The server "
        "sets it, and ignores a value in a request.",
    )
    email: Email | None = Field(None, description="Email address at work.")


class ReferralConsent(Input):
    """Consent to the referral, or the legal basis for a referral without consent.

    The acceptance requires either `given_by`, `method`, `on` and `scope` with `services`, or `basis_without_consent`. A consent
    to a partner's referral also needs the scope `share_with_fsc`. The age of the child decides whose consent is required.
    """

    given_by: Annotated[list[Annotated[str, CodeOf("consent_giver")]], Field(max_length=5)] = Field(
        default_factory=list, description="Persons who consented."
    )
    method: Annotated[str, CodeOf("consent_method")] | None = Field(None, description="Form of the consent.")
    on: PastDate | None = Field(None, description="Day of the consent.")
    scope: Annotated[list[Annotated[str, CodeOf("consent_scope")]], Field(max_length=10)] = Field(
        default_factory=list, description="Actions that the consent permits."
    )
    witness: ShortText | None = Field(None, description="Name of the witness.")
    alternative_giver_reason: ShortNarrative | None = Field(
        None,
        description="Reason why another trusted adult (`other`) consents in place of the caregiver, for example because "
        "the caregiver may be involved in the abuse. Without a reason, the consent of `other` does not count.",
    )
    basis_without_consent: BasisWithoutConsent | None = Field(
        None, description="Legal basis for acting without consent."
    )


class ReferralDocument(Input):
    """A document that the referrer can provide on request. The referral contains its title, not its content."""

    title: ShortText = Field(description="Title of the document.")
    note: ShortNarrative | None = Field(None, description="Additional information about the document.")


class ReferralContent(Input):
    """Editable content of a referral. It is stored encrypted and can be changed until the decision."""

    urgency: Annotated[str, CodeOf("urgency")] = Field(
        description="Urgency of the referral: `emergency`, `urgent` or `routine`."
    )
    concern: Concern = Field(description="Concern about the child.")
    child: ChildIdentity = Field(description="Identity of the child.")
    caregiver: Caregiver | None = Field(None, description="Caregiver of the child.")
    referrer: Referrer | None = Field(None, description="Contact person at the referring organisation.")
    consent: ReferralConsent = Field(
        default_factory=ReferralConsent,
        description="Consent to the referral, or the legal basis for a referral without consent.",
    )
    services_already_given: Annotated[list[Annotated[str, CodeOf("service")]], Field(max_length=20)] = Field(
        default_factory=list, description="Services that other organisations have already provided."
    )
    documents: Annotated[list[ReferralDocument], Field(max_length=20)] = Field(
        default_factory=list, description="Documents that the referrer can provide on request."
    )


if TYPE_CHECKING:

    class ReferralContentUpdate(Input):
        """Changes to the content of a referral."""
else:
    ReferralContentUpdate = build_patch_model(ReferralContent, "ReferralContentUpdate")
