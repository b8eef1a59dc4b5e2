"""Service providers, and referrals of a child or family to them."""

import uuid
from datetime import date, datetime
from typing import NotRequired, TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.contents import (
    StoredBasisWithoutConsent,
    StoredDisability,
    StoredPersonName,
    StoredPhone,
    StoredSchool,
)
from app.models.encrypted_field import EncryptedField
from app.models.record import (
    CaseRecord,
    Record,
    encrypted_column,
    json_column,
    text_array_column,
    timestamp_column,
)


class StoredAge(TypedDict):
    """An age range on a day."""

    min: int
    max: int
    on: str


class StoredPlace(TypedDict):
    """A place and the address in it."""

    place_code: str | None
    address_detail: str | None


class StoredSupporter(TypedDict):
    """Name and phone number of a supporter."""

    names: list[StoredPersonName] | None
    phone: StoredPhone | None


class StoredSharedFields(TypedDict, total=False):
    """The values that were shared with a provider when the service referral was sent."""

    names: list[StoredPersonName]
    phone: StoredPhone | None
    languages: list[str]
    disability: StoredDisability | None
    school: StoredSchool | None
    age: StoredAge
    sex: str
    place: StoredPlace
    need: str
    supporter: list[StoredSupporter]


class StoredServiceReferralContent(TypedDict):
    """The content of a service referral; the optional keys are added by sending it and by the provider's answer."""

    need: str
    basis_without_consent: StoredBasisWithoutConsent | None
    shared: NotRequired[StoredSharedFields]
    answer: NotRequired[str | None]
    reason: NotRequired[str | None]
    outcome_note: NotRequired[str | None]


class Provider(Record, table=True):
    """An organisation that serves children or families: a hospital, a school, legal aid. Contains no child's data."""

    __tablename__ = "providers"

    name: str
    kind: str
    agency_id: uuid.UUID | None = Field(default=None, foreign_key="agencies.id")
    """The provider's agency, if it has one. A consent can name an agency as the only permitted recipient."""
    services: list[str] = text_array_column()
    province_codes: list[str] = text_array_column()
    safeguarding_checked_on: date | None = None
    safeguarding_valid_until: date | None = None
    is_active: bool = True
    details: dict[str, object] = json_column()
    """Contacts, capacity, and notes (`DETAIL_FIELDS` of the service). Not encrypted, because it is public."""


class ServiceReferral(CaseRecord, table=True):
    """A request to a provider to serve the child or the family."""

    __tablename__ = "service_referrals"
    __table_args__ = (
        Index("ix_service_referrals_newest", text("created_at DESC"), text("id DESC")),
        Index("ix_service_referrals_updated_at", "updated_at", "id"),
    )

    provider_id: uuid.UUID = Field(foreign_key="providers.id", index=True)
    service: str
    status: str = "draft"
    area: str | None = None
    goal_id: uuid.UUID | None = Field(default=None, foreign_key="goals.id")
    consent_id: uuid.UUID | None = Field(default=None, foreign_key="consents.id")
    basis_without_consent: str | None = None
    shared_fields: list[str] = text_array_column()
    author_id: uuid.UUID = Field(foreign_key="users.id")
    sent_at: datetime | None = timestamp_column()
    sent_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    answered_at: datetime | None = timestamp_column()
    ended_at: datetime | None = timestamp_column()
    outcome: str | None = None
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredServiceReferralContent]("content_encrypted")
    """The need, the legal basis, a copy of the shared values at the time of sending, and the provider's answer."""
