"""Tables of children, the people around them, and consents."""

import uuid
from datetime import date, datetime
from typing import NotRequired, TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.contents import (
    StoredBasisWithoutConsent,
    StoredBirth,
    StoredChildIdentity,
    StoredPersonName,
    StoredPhone,
)
from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import CaseRecord, Record, encrypted_column, text_array_column, timestamp_column


class StoredPersonDetails(TypedDict):
    """Details of a person around the child. An accepted referral stores only the required keys."""

    names: list[StoredPersonName]
    nickname: NotRequired[str | None]
    sex: NotRequired[str | None]
    birth: NotRequired[StoredBirth | None]
    phone: StoredPhone | None
    place_code: str | None
    address_detail: str | None
    note: NotRequired[str | None]


class StoredConsentDetails(TypedDict):
    """The texts of a consent. An accepted referral stores no note."""

    witness: str | None
    basis_without_consent: StoredBasisWithoutConsent | None
    note: NotRequired[str | None]


class Child(Record, table=True):
    """A child that FSC supports. No other table holds the identity of a child."""

    __tablename__ = "children"
    __table_args__ = (Index("ix_children_newest", text("created_at DESC"), text("id DESC")),)

    sex: str = "unknown"
    province_code: str | None = None
    identity_encrypted: bytes = encrypted_column()
    identity = EncryptedField[StoredChildIdentity]("identity_encrypted")

    @property
    def child_id(self) -> uuid.UUID:
        """The id of the child; all records about a child have this attribute."""
        return self.id


class Person(CaseRecord, table=True):
    """A person around the child: the supporter, a family member or another person."""

    __tablename__ = "people"

    role: str
    relationship: str
    is_responsible: bool = False
    details_encrypted: bytes = encrypted_column()
    details = EncryptedField[StoredPersonDetails]("details_encrypted")


class Consent(CaseRecord, table=True):
    """An entry of the consent register. It is never overwritten, only withdrawn."""

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_newest", text("created_at DESC"), text("id DESC")),
        Index("ix_consents_given_on", "given_on", "id"),
        Index(
            "ix_consents_recipient_agency_newest",
            "recipient_agency_id",
            text("created_at DESC"),
            text("id DESC"),
        ),
        # Filters of the register by a status that few entries have.
        Index(
            "ix_consents_withdrawn",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("withdrawn_at IS NOT NULL"),
        ),
        Index(
            "ix_consents_refused",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'refused'"),
        ),
        Index(
            "ix_consents_limited",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("valid_until IS NOT NULL"),
        ),
    )

    given_by: list[str] = text_array_column()
    method: str | None = None
    given_on: date
    scope: list[str] = text_array_column()
    status: str = "given"
    """`given` or `refused`. `withdrawn_at` and `valid_until` determine whether a consent is withdrawn or expired."""
    recipient_agency_id: uuid.UUID | None = Field(default=None, foreign_key="agencies.id")
    valid_until: date | None = None
    basis_without_consent: str | None = None
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
    withdrawn_at: datetime | None = timestamp_column()
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    details_encrypted: bytes = encrypted_column()
    details = EncryptedField[StoredConsentDetails]("details_encrypted")
    withdrawal_reason_encrypted: bytes | None = encrypted_column(nullable=True)
    withdrawal_reason = OptionalEncryptedField[str]("withdrawal_reason_encrypted")
