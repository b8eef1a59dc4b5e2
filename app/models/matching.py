"""Tables that limit how often a referral is compared with children whom the caller cannot see."""

import uuid
from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField
from app.models.record import encrypted_column, id_column, timestamp_column


class ReferralMatching(SQLModel, table=True):
    """An identity of a referral that was compared. Only `access.record_matching()` reads and writes this table."""

    __tablename__ = "referral_matchings"
    __table_args__ = (Index("ix_referral_matchings_caller", "matched_by_id", "matched_at"),)

    referral_id: uuid.UUID = Field(foreign_key="referrals.id", primary_key=True)
    identity_digest: bytes = Field(primary_key=True)
    """Keyed digest of the compared facts about the child. It does not reveal them."""
    matched_by_id: uuid.UUID = Field(foreign_key="users.id")
    matched_at: datetime = timestamp_column(default_now=True)
    is_exempt: bool
    """Whether the comparison does not count for the caller: another person allowed more comparisons of the referral on
    this day, or it is the first comparison of a partner's referral whose identity staff did not change.
    """


class ReferralMatchReading(SQLModel, table=True):
    """A caller who listed the matches of an identity. Only functions of the database read and write this table."""

    __tablename__ = "referral_match_readings"
    __table_args__ = (
        Index("ix_referral_match_readings_limited", "referral_id", postgresql_where=text("is_limited")),
    )

    referral_id: uuid.UUID = Field(foreign_key="referrals.id", primary_key=True)
    identity_digest: bytes = Field(primary_key=True)
    read_by_id: uuid.UUID = Field(foreign_key="users.id", primary_key=True)
    read_at: datetime = timestamp_column(default_now=True)
    is_limited: bool = False
    """Whether a limit omitted the matches that the caller cannot see."""


class MatchingAllowance(SQLModel, table=True):
    """Permission of a supervisor to exceed the daily limit of comparisons for one referral."""

    __tablename__ = "matching_allowances"

    id: uuid.UUID = id_column()
    referral_id: uuid.UUID = Field(foreign_key="referrals.id", index=True)
    allowed_by_id: uuid.UUID = Field(foreign_key="users.id")
    allowed_at: datetime = timestamp_column(default_now=True)
    reason_encrypted: bytes = encrypted_column()
    reason = EncryptedField[str]("reason_encrypted")
