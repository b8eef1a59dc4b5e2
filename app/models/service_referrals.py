"""Service providers, and referrals of a child or family to them."""

import uuid
from datetime import date, datetime
from typing import NotRequired, TypedDict

from sqlalchemy import Index, event, text
from sqlmodel import Field

from app.models.contents import (
    StoredBasisWithoutConsent,
    StoredDisability,
    StoredPersonName,
    StoredPhone,
    StoredSchool,
)
from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import (
    CaseRecord,
    Record,
    encrypted_column,
    json_column,
    text_array_column,
    timestamp_column,
)
from app.text_folding import fold_text


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
    """Name and phone numbers of a supporter. `phone` is the first of `phones`."""

    names: list[StoredPersonName] | None
    phone: StoredPhone | None
    phones: list[StoredPhone]


class StoredSharedFields(TypedDict, total=False):
    """The values that were shared with a provider when the service referral was sent."""

    names: list[StoredPersonName]
    phone: StoredPhone | None
    phones: list[StoredPhone]
    languages: list[str]
    disability: StoredDisability | None
    school: StoredSchool | None
    age: StoredAge | None
    sex: str
    place: StoredPlace
    need: str
    supporter: list[StoredSupporter]


class StoredServiceReferralContent(TypedDict):
    """The content of a service referral. Sending it adds the shared values."""

    need: str
    basis_without_consent: StoredBasisWithoutConsent | None
    shared: NotRequired[StoredSharedFields]


class StoredServiceReferralAnswer(TypedDict, total=False):
    """The texts about events after the sending. Each act adds a text."""

    answer: str | None
    reason: str | None
    outcome_note: str | None


class Provider(Record, table=True):
    """An organisation that serves children or families: a hospital, a school, legal aid. Contains no child's data."""

    __tablename__ = "providers"

    name: str
    name_key: str = ""
    """The folded name, in which the directory searches (see `app.text_folding`)."""
    kind: str
    agency_id: uuid.UUID | None = Field(default=None, foreign_key="agencies.id")
    """The provider's agency, if it has one. A consent can contain an agency as the only permitted recipient."""
    services: list[str] = text_array_column()
    province_codes: list[str] = text_array_column()
    safeguarding_checked_on: date | None = None
    safeguarding_valid_until: date | None = None
    is_active: bool = True
    details: dict[str, object] = json_column()
    """Contacts, capacity, and notes (`DETAIL_FIELDS` of the service). Not encrypted, because it is public."""


@event.listens_for(Provider, "before_insert")
@event.listens_for(Provider, "before_update")
def set_provider_key(_mapper: object, _connection: object, provider: Provider) -> None:
    """Set the folded name of a provider."""
    provider.name_key = fold_text(provider.name)


class ServiceReferral(CaseRecord, table=True):
    """A request to a provider to serve the child or the family."""

    __tablename__ = "service_referrals"
    __table_args__ = (
        Index(
            "ix_service_referrals_waiting", "case_id", postgresql_where=text("status IN ('sent', 'accepted')")
        ),
        Index(
            "ix_service_referrals_recall",
            "case_id",
            postgresql_where=text("recall_requested_at IS NOT NULL AND recalled_at IS NULL"),
        ),
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
    basis_entry_id: uuid.UUID | None = Field(default=None, foreign_key="consents.id")
    """The entry of the consent register with the legal basis, which a second person confirms."""
    shared_fields: list[str] = text_array_column()
    author_id: uuid.UUID = Field(foreign_key="users.id")
    sent_at: datetime | None = timestamp_column()
    sent_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    answered_at: datetime | None = timestamp_column()
    ended_at: datetime | None = timestamp_column()
    outcome: str | None = None
    recall_requested_at: datetime | None = timestamp_column()
    """Time of the refusal or withdrawal after which the shared data has to be recalled from the provider."""
    recalled_at: datetime | None = timestamp_column()
    recalled_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredServiceReferralContent]("content_encrypted")
    """The need, the legal basis, and a copy of the shared values at the time of sending. Frozen when it is sent."""
    answer_encrypted: bytes | None = encrypted_column(nullable=True)
    answer = OptionalEncryptedField[StoredServiceReferralAnswer]("answer_encrypted")
    """The provider's answer, the note on the outcome, and the reason of a refusal or cancellation."""
    recall_note_encrypted: bytes | None = encrypted_column(nullable=True)
    recall_note = OptionalEncryptedField[str]("recall_note_encrypted")
