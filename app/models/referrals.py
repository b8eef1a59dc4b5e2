"""Tables of referrals, their questions and the search tokens."""

import uuid
from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from app.fault_codes import FaultCode
from app.models.contents import StoredBasisWithoutConsent, StoredChildIdentity, StoredPersonName, StoredPhone
from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import Record, encrypted_column, id_column, timestamp_column

# Indexed sort key, as in `app.services.referrals.views`. The line breaks must equal the index definition that
# PostgreSQL returns, because Alembic compares the texts.
URGENCY_KEY = """(
CASE urgency
    WHEN 'emergency' THEN 0
    WHEN 'urgent' THEN 1
    ELSE 2
END)"""
IS_OPEN = "status IN ('received', 'acknowledged', 'information_requested')"


class StoredConcern(TypedDict):
    """The concern that a referral reports."""

    kind: str | None
    summary: str
    occurred_on: str | None
    period: str | None
    child_is_safe_now: bool | None
    reported_to: list[str]


class StoredReferralChild(StoredChildIdentity):
    """The child as the referrer describes it."""

    sex: str | None


class StoredCaregiver(TypedDict):
    """The child's caregiver as the referrer describes them."""

    names: list[StoredPersonName]
    relationship: str | None
    phones: list[StoredPhone]
    place_code: str | None
    address_detail: str | None
    knows_of_referral: bool | None


class StoredReferrer(TypedDict):
    """The person who refers the child."""

    name: str | None
    position: str | None
    phone: str | None
    phone_e164: str | None
    email: str | None


class StoredReferralConsent(TypedDict):
    """The consent to the referral, or the legal basis for acting without consent."""

    given_by: list[str]
    method: str | None
    on: str | None
    scope: list[str]
    witness: str | None
    alternative_giver_reason: str | None
    basis_without_consent: StoredBasisWithoutConsent | None


class StoredReferralDocument(TypedDict):
    """A document that the referrer can provide on request."""

    title: str
    note: str | None


class StoredWarning(TypedDict):
    """A finding about a field of the content, at the time of its last change."""

    pointer: str
    code: FaultCode
    params: dict[str, Any]
    value: str | None
    """The value as it was sent, if it could not be read and is therefore not in the content."""


class StoredWaiver(TypedDict):
    """The decision to accept a referral although a field is not complete."""

    pointer: str
    reason: str


class StoredReferralContent(TypedDict):
    """The content of a referral, with normalized names, phone numbers and places, and the warnings about it."""

    urgency: str
    concern: StoredConcern
    child: StoredReferralChild
    caregiver: StoredCaregiver | None
    referrer: StoredReferrer | None
    consent: StoredReferralConsent
    services_already_given: list[str]
    documents: list[StoredReferralDocument]
    warnings: list[StoredWarning]


class StoredScreening(TypedDict):
    """The screening decision of an accepted referral."""

    meets_criteria: bool
    reason: str | None


class StoredReferralOutcome(TypedDict, total=False):
    """The decision on a referral: the screening (accepted), or the reason (declined or withdrawn)."""

    screening: StoredScreening | None
    waivers: list[StoredWaiver]
    reason_code: str
    reason: str
    signposted_to: list[str] | None


class StoredReversal(TypedDict):
    """A decision on a referral that was reversed, with the reason for the reversal."""

    reason: str
    reversed_at: str
    reversed_by_id: str
    status: str
    decided_at: str
    decline_reason_code: str | None
    outcome: StoredReferralOutcome | None


class Referral(Record, table=True):
    """A referral. `content` holds the concern, the child, the caregiver, the referrer and the consent."""

    __tablename__ = "referrals"
    __table_args__ = (
        Index("uq_referrals_agency_external_id", "agency_id", "external_id", unique=True),
        Index("ix_referrals_newest", text("received_at DESC"), text("id DESC")),
        Index("ix_referrals_agency_newest", "agency_id", text("received_at DESC"), text("id DESC")),
        Index("ix_referrals_team_newest", "team_id", text("received_at DESC"), text("id DESC")),
        Index("ix_referrals_updated_at", "updated_at", "id"),
        Index(
            "ix_referrals_urgency",
            text(URGENCY_KEY),
            "received_at",
            "id",
        ),
        # Open referrals are few, and most lists and the agenda read only these.
        Index(
            "ix_referrals_open_newest",
            text("received_at DESC"),
            text("id DESC"),
            postgresql_where=text(IS_OPEN),
        ),
        Index(
            "ix_referrals_open_team_newest",
            "team_id",
            text("received_at DESC"),
            text("id DESC"),
            postgresql_where=text(IS_OPEN),
        ),
    )

    child_id: uuid.UUID | None = Field(default=None, foreign_key="children.id", index=True)
    """Id of the child for which the referral was accepted; NULL before the acceptance."""
    case_id: uuid.UUID | None = Field(default=None, foreign_key="cases.id", index=True)
    agency_id: uuid.UUID | None = Field(default=None, foreign_key="agencies.id")
    received_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    """Id of the staff member who entered the referral; NULL if a partner's system sent it."""
    handed_to_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    team_id: uuid.UUID | None = Field(default=None, foreign_key="teams.id")
    external_id: str | None = None
    external_id_key: str | None = Field(default=None, index=True)
    """The external id as `fold_number` folds it, in which lists search. Only equal external ids are repetitions."""
    tracking_number: str = Field(unique=True)
    source: str
    urgency: str
    concern_kind: str | None = None
    status: str = "received"
    received_at: datetime = timestamp_column(default_now=True)
    updated_at: datetime = timestamp_column(default_now=True)
    acknowledged_at: datetime | None = timestamp_column()
    decided_at: datetime | None = timestamp_column()
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    decline_reason_code: str | None = None
    province_code: str | None = None
    identity_changed_by_staff: bool = False
    """Whether staff changed a fact about the child that matching compares. `access.record_matching()` reads it."""
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredReferralContent]("content_encrypted")
    outcome_encrypted: bytes | None = encrypted_column(nullable=True)
    outcome = OptionalEncryptedField[StoredReferralOutcome]("outcome_encrypted")
    """Screening of an accepted referral; reason and other sources of help of a declined or withdrawn one."""
    decision_reversed_at: datetime | None = timestamp_column()
    """Time of the last reversal of a decision, from which the agency sees that the status was corrected."""
    decision_reversed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    reversals_encrypted: bytes | None = encrypted_column(nullable=True)
    reversals = OptionalEncryptedField[list[StoredReversal]]("reversals_encrypted")
    """The reversed decisions, oldest first; NULL if there are none."""


class ReferralQuestion(SQLModel, table=True):
    """A question to the referrer, with the answer."""

    __tablename__ = "referral_questions"

    id: uuid.UUID = id_column()
    referral_id: uuid.UUID = Field(foreign_key="referrals.id", index=True)
    child_id: uuid.UUID | None = Field(default=None, foreign_key="children.id")
    asked_at: datetime = timestamp_column(default_now=True)
    asked_by_id: uuid.UUID = Field(foreign_key="users.id")
    question_encrypted: bytes = encrypted_column()
    question = EncryptedField[str]("question_encrypted")
    answered_at: datetime | None = timestamp_column()
    answer_encrypted: bytes | None = encrypted_column(nullable=True)
    answer = OptionalEncryptedField[str]("answer_encrypted")


class NameToken(SQLModel, table=True):
    """An entry of the blind index: a few bits of a keyed hash of a search key. It finds candidates without decryption."""

    __tablename__ = "name_tokens"
    __table_args__ = (
        # `kind` is the first column, so that inserts change few pages of the index. `owner_id` is included, so that the
        # search for duplicates is an index-only scan.
        Index("ix_name_tokens_kind_token", "kind", "token", postgresql_include=["owner_id"]),
    )

    owner_id: uuid.UUID = Field(primary_key=True)
    token: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = Field(primary_key=True)
    """`child`, `referral` or `accepted_referral`."""
    child_id: uuid.UUID | None = None


class NameTokenLength(SQLModel, table=True):
    """A length of tokens in use. The table has several rows only during a rebuild of the tokens."""

    __tablename__ = "name_token_lengths"
    __table_args__ = (
        Index(
            "uq_name_token_lengths_current", "is_current", unique=True, postgresql_where=text("is_current")
        ),
    )

    bits: int = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    is_current: bool
    """Whether new tokens have this length."""
    rules: int = Field(sa_type=SmallInteger)
    """Version of the rules by which all tokens were computed (`SEARCH_KEY_RULES`)."""
