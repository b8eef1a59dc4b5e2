"""Intake on the wire: what a referrer tells of a child, and may complete until it is decided."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.consents import BasisWithoutConsent
from app.schemas.identity import ChildIdentity, PersonName, Phone
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    Email,
    Input,
    Narrative,
    PlaceCode,
    PlainDate,
    ShortNarrative,
    ShortText,
    StrictBoolean,
)


class Concern(Input):
    """What somebody is worried about."""

    kind: Annotated[str, CodeOf("concern_kind")]
    summary: Narrative
    occurred_on: PlainDate | None = None
    period: ShortText | None = None
    child_is_safe_now: StrictBoolean | None = None
    reported_to: Annotated[list[Annotated[str, CodeOf("authority")]], Field(max_length=20)] = Field(
        default_factory=list
    )


class Caregiver(Input):
    """Who looks after the child."""

    names: Annotated[list[PersonName], Field(max_length=10)] = Field(default_factory=list)
    relationship: Annotated[str, CodeOf("relationship")] | None = None
    phone: Phone | None = None
    place_code: PlaceCode | None = None
    address_detail: ShortNarrative | None = None
    knows_of_referral: StrictBoolean | None = None


class Referrer(Input):
    """Who tells us."""

    name: ShortText | None = None
    position: ShortText | None = None
    phone: Annotated[ShortText, Field(max_length=40)] | None = None
    email: Email | None = None


class ReferralConsent(Input):
    """Who agreed, how, when and to what; or the basis for acting without."""

    given_by: Annotated[list[Annotated[str, CodeOf("consent_giver")]], Field(max_length=5)] = Field(
        default_factory=list
    )
    method: Annotated[str, CodeOf("consent_method")] | None = None
    on: PlainDate | None = None
    scope: Annotated[list[Annotated[str, CodeOf("consent_scope")]], Field(max_length=10)] = Field(
        default_factory=list
    )
    witness: ShortText | None = None
    basis_without_consent: BasisWithoutConsent | None = None

    @model_validator(mode="after")
    def require_consent_or_basis(self) -> Self:
        """Ask for one of the two, whole."""
        given = bool(self.given_by) and self.method is not None and self.on is not None and bool(self.scope)
        if not given and self.basis_without_consent is None:
            raise PydanticCustomError(
                "consent_missing", "needs given_by, method, on and scope, or basis_without_consent"
            )
        return self


class ReferralDocument(Input):
    """A document the referrer holds and can hand over."""

    title: ShortText
    note: ShortNarrative | None = None


class ReferralContent(Input):
    """The told part of a referral: what may be completed later, and is kept sealed."""

    urgency: Annotated[str, CodeOf("urgency")]
    concern: Concern
    child: ChildIdentity
    caregiver: Caregiver | None = None
    referrer: Referrer | None = None
    consent: ReferralConsent
    services_already_given: Annotated[list[Annotated[str, CodeOf("service")]], Field(max_length=20)] = Field(
        default_factory=list
    )
    documents: Annotated[list[ReferralDocument], Field(max_length=20)] = Field(default_factory=list)


if TYPE_CHECKING:

    class ReferralContentUpdate(Input):
        """Changes to what was told."""
else:
    ReferralContentUpdate = build_patch_model(ReferralContent, "ReferralContentUpdate")
