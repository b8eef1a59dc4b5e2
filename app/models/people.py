"""Tables of children and their changes, the people around them, and consents."""

import uuid
from datetime import date, datetime
from typing import Any, NotRequired, TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.contents import (
    StoredBasisWithoutConsent,
    StoredBirth,
    StoredChildIdentity,
    StoredPersonName,
    StoredPhone,
)
from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import (
    CaseRecord,
    CorrectableRecord,
    Record,
    encrypted_column,
    id_column,
    text_array_column,
    timestamp_column,
    uuid_array_column,
)


class StoredPersonDetails(TypedDict):
    """Details of a person around the child. An accepted referral stores only the required keys."""

    names: list[StoredPersonName]
    nickname: NotRequired[str | None]
    sex: NotRequired[str | None]
    birth: NotRequired[StoredBirth | None]
    phones: list[StoredPhone]
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
    __table_args__ = (
        Index("ix_children_newest", text("created_at DESC"), text("id DESC")),
        Index(
            "ix_children_merged_into_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
    )

    sex: str = "unknown"
    province_code: str | None = None
    has_birth: bool = False
    """Whether the identity contains a birth date or an estimated age, for the list of missing data."""
    merged_into_id: uuid.UUID | None = Field(default=None, foreign_key="children.id")
    """Id of the record of the same child into which this one was merged. A merged child has no cases."""
    identity_encrypted: bytes = encrypted_column()
    identity = EncryptedField[StoredChildIdentity]("identity_encrypted")

    @property
    def child_id(self) -> uuid.UUID:
        """The id of the child; all records about a child have this attribute."""
        return self.id


class ChildMerge(SQLModel, table=True):
    """A merge of a child into another record of the same child. Only functions of the database use this table."""

    __tablename__ = "child_merges"
    __table_args__ = (
        Index(
            "uq_child_merges_merged_child",
            "merged_child_id",
            unique=True,
            postgresql_where=text("unmerged_at IS NULL"),
        ),
    )

    id: uuid.UUID = id_column()
    kept_child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    """Id of the child to which the cases were moved."""
    merged_child_id: uuid.UUID = Field(foreign_key="children.id")
    case_ids: list[uuid.UUID] = uuid_array_column()
    """Ids of the cases that the merge moved."""
    merged_by_id: uuid.UUID = Field(foreign_key="users.id")
    merged_at: datetime = timestamp_column(default_now=True)
    unmerged_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    unmerged_at: datetime | None = timestamp_column()
    """Time at which the merge was undone; NULL while it applies."""


class Person(CaseRecord, CorrectableRecord, table=True):
    """A person around the child: the supporter, a family member or another person."""

    __tablename__ = "people"

    role: str
    relationship: str
    is_responsible: bool = False
    added_by_referral_id: uuid.UUID | None = None
    """Id of the referral whose acceptance added the person; NULL for a person that staff added."""
    referral_to_confirm_id: uuid.UUID | None = None
    """Id of the referral that added the person, or names and phones to it, until staff confirm them."""
    details_encrypted: bytes = encrypted_column()
    details = EncryptedField[StoredPersonDetails]("details_encrypted")


class Consent(CaseRecord, CorrectableRecord, table=True):
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
        # Partial indexes for filters of the register by a rare status.
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
    basis_confirmed_at: datetime | None = timestamp_column()
    basis_confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    """The second person who confirmed the legal basis. Only a function of the database sets it."""
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
    added_by_referral_id: uuid.UUID | None = None
    """Id of the referral whose acceptance added the entry; NULL for an entry that staff recorded."""
    withdrawn_at: datetime | None = timestamp_column()
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    withdrawn_givers: list[str] = text_array_column()
    """Givers who withdrew; empty until the withdrawal."""
    details_encrypted: bytes = encrypted_column()
    details = EncryptedField[StoredConsentDetails]("details_encrypted")
    withdrawal_reason_encrypted: bytes | None = encrypted_column(nullable=True)
    withdrawal_reason = OptionalEncryptedField[str]("withdrawal_reason_encrypted")
    alternative_giver_reason_encrypted: bytes | None = encrypted_column(nullable=True)
    alternative_giver_reason = OptionalEncryptedField[str]("alternative_giver_reason_encrypted")
    """Reason why another adult consents in place of the caregiver. Without a reason, the answer of `other` is not a
    consent.
    """


class StoredFieldChange(TypedDict):
    """The value of a field before and after a change, as JSON."""

    before: Any
    after: Any


class RecordChange(SQLModel, table=True):
    """One change of a child, a case, a person or a consent, with the values before and after it. Rows are never changed."""

    __tablename__ = "record_changes"
    __table_args__ = (
        Index("ix_record_changes_newest", "child_id", text("at DESC"), text("id DESC")),
        Index(
            "ix_record_changes_referral_id",
            "referral_id",
            postgresql_where=text("referral_id IS NOT NULL"),
        ),
    )

    id: uuid.UUID = id_column()
    child_id: uuid.UUID = Field(foreign_key="children.id")
    case_id: uuid.UUID | None = Field(default=None, foreign_key="cases.id", index=True)
    """The case of the record; NULL for a child, which belongs to all of its cases."""
    at: datetime = timestamp_column(default_now=True)
    by_id: uuid.UUID = Field(foreign_key="users.id")
    referral_id: uuid.UUID | None = None
    """Id of the referral whose acceptance or detachment made the change; NULL for other changes."""
    record_kind: str
    record_id: uuid.UUID
    fields: list[str] = text_array_column()
    """Names of the changed fields."""
    changes_encrypted: bytes = encrypted_column()
    changes = EncryptedField[dict[str, StoredFieldChange]]("changes_encrypted")
