"""Tables of cases: staffing, periods, links, break-glass grants and history."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NotRequired, TypeAlias, TypedDict

from sqlalchemy import DateTime, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import (
    CaseRecord,
    CorrectableRecord,
    Record,
    encrypted_column,
    id_column,
    timestamp_column,
    version_column,
)


class StoredCaseContent(TypedDict):
    """The summary of a case, and its outcome after closing."""

    summary: str | None
    outcome: NotRequired[str]


StoredHistoryDetail: TypeAlias = Mapping[str, str | bool | list[str] | None]
"""Facts about a history entry; the keys depend on its kind."""


# Indexed sort keys, as in `app.services.cases.sort_keys`. The line breaks must equal the index definition that
# PostgreSQL returns, because Alembic compares the texts.
NEXT_REVIEW_KEY = """(
CASE
    WHEN next_review_on IS NULL THEN 'infinity'::date
    ELSE next_review_on
END)"""
LAST_CONTACT_KEY = """(
CASE
    WHEN last_contact_on IS NULL THEN '-infinity'::date
    ELSE last_contact_on
END)"""
RISK_LEVEL_KEY = """(
CASE risk_level
    WHEN 'high' THEN 3
    WHEN 'medium' THEN 2
    WHEN 'low' THEN 1
    ELSE 0
END)"""


class Case(Record, table=True):
    """One period of support for one child. Its status, team and workers change through acts."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_newest", text("created_at DESC"), text("id DESC")),
        UniqueConstraint("id", "child_id"),  # the records of a case refer to both
        Index("uq_cases_one_open", "child_id", unique=True, postgresql_where=text("status <> 'closed'")),
        Index("ix_cases_team_newest", "team_id", text("created_at DESC"), text("id DESC")),
        Index("ix_cases_lead_worker_newest", "lead_worker_id", text("created_at DESC"), text("id DESC")),
        Index("ix_cases_opened_on", "opened_on", "id"),
        # The agenda reads the open cases of a team, and those that were opened long ago.
        Index("ix_cases_open_lead_worker", "lead_worker_id", postgresql_where=text("status <> 'closed'")),
        Index("ix_cases_open_team", "team_id", postgresql_where=text("status <> 'closed'")),
        Index("ix_cases_open_opened_on", "opened_on", postgresql_where=text("status <> 'closed'")),
        Index("ix_cases_next_review_on", text(NEXT_REVIEW_KEY), "id"),
        Index("ix_cases_last_contact_on", text(LAST_CONTACT_KEY), "id"),
        Index("ix_cases_risk_level", text(RISK_LEVEL_KEY), "id"),
    )

    number: str = Field(unique=True)
    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    kind: str
    status: str = "assessment"
    team_id: uuid.UUID = Field(foreign_key="teams.id")
    lead_worker_id: uuid.UUID = Field(foreign_key="users.id")
    referral_id: uuid.UUID | None = None
    previous_case_id: uuid.UUID | None = Field(default=None, foreign_key="cases.id")
    opened_on: date
    closed_on: date | None = None
    next_review_on: date | None = None
    risk_level: str | None = None
    """Risk level of the child's newest approved assessment: `low`, `medium` or `high`. NULL if there is none."""
    last_contact_on: date | None = None
    """Local date of the latest contact. The database function `access.update_last_contact` sets it."""
    extended_until: date | None = None
    close_reason: str | None = None
    grant_code: str | None = Field(default=None, foreign_key="donor_grants.code")
    """Grant that pays for the support of the child, for reports to donors."""
    hsb_outcome: str | None = None
    """Whether harmful sexual behaviour occurred again, as known at closing; NULL for other kinds and open cases."""
    age_at_referral_min: int | None = None
    age_at_referral_max: int | None = None
    province_code: str | None = None
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredCaseContent]("content_encrypted")


class CaseWorker(SQLModel, table=True):
    """A co-worker on a case."""

    __tablename__ = "case_workers"

    case_id: uuid.UUID = Field(foreign_key="cases.id", primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", primary_key=True, index=True)
    child_id: uuid.UUID = Field(foreign_key="children.id")
    since: datetime = timestamp_column(default_now=True)


def _sequence_constraints(table: str) -> tuple[Any, ...]:
    """Return the constraints that exclude gaps and overlaps of the periods of a case. CHECK constraints complete them.

    Each period of a case except the first one begins where another one ends, and no two periods begin or end at the same
    time.
    """
    return (
        UniqueConstraint("case_id", "ended_at"),
        ForeignKeyConstraint(
            ["case_id", "previous_ended_at"],
            [f"{table}.case_id", f"{table}.ended_at"],
            name=f"fk_{table}_previous_period",
        ),
        Index(
            f"uq_{table}_first", "case_id", unique=True, postgresql_where=text("previous_ended_at IS NULL")
        ),
        Index(f"uq_{table}_current", "case_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )


class CasePeriod(SQLModel):
    """Columns of a period of a case, which a trigger of the cases fills. The end does not belong to the period."""

    case_id: uuid.UUID = Field(foreign_key="cases.id", primary_key=True)
    began_at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    ended_at: datetime | None = timestamp_column()
    """End of the period; NULL for the current one."""
    previous_ended_at: datetime | None = timestamp_column()
    """End of the previous period of the case, which equals `began_at`; NULL for the first one."""


class AssignmentPeriod(CasePeriod, table=True):
    """A period in which one person led an open case in one team. The closing of the case ends the last one."""

    __tablename__ = "assignment_periods"
    __table_args__ = _sequence_constraints("assignment_periods")

    team_id: uuid.UUID = Field(foreign_key="teams.id")
    lead_worker_id: uuid.UUID = Field(foreign_key="users.id")


class StatusPeriod(CasePeriod, table=True):
    """A period in which a case had one status. The period of the status `closed` does not end."""

    __tablename__ = "status_periods"
    __table_args__ = _sequence_constraints("status_periods")

    status: str


class CaseLink(CorrectableRecord, table=True):
    """A link between the cases of two children, such as a survivor and a child with HSB in the same matter.

    A link creates a conflict wall between the workers of the two children. `case_id` is the lower of the two ids.
    """

    __tablename__ = "case_links"
    __table_args__ = (
        Index(
            "uq_case_links_pair",
            "case_id",
            "linked_case_id",
            unique=True,
            postgresql_where=text("entered_in_error_at IS NULL"),
        ),
        # The conflict wall looks up the links of a child in both directions.
        Index("ix_case_links_children", "child_id", "linked_child_id"),
        Index("ix_case_links_linked_children", "linked_child_id", "child_id"),
    )

    id: uuid.UUID = id_column()
    version: int = version_column()
    child_id: uuid.UUID = Field(foreign_key="children.id")
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    linked_child_id: uuid.UUID = Field(foreign_key="children.id")
    linked_case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    linked_by_id: uuid.UUID = Field(foreign_key="users.id")
    linked_at: datetime = timestamp_column(default_now=True)
    reason_encrypted: bytes = encrypted_column()
    reason = EncryptedField[str]("reason_encrypted")


class CaseSibling(CorrectableRecord, table=True):
    """Two cases of siblings or of children of one household. It creates no conflict wall.

    `case_id` is the lower of the two ids.
    """

    __tablename__ = "case_siblings"
    __table_args__ = (
        Index(
            "uq_case_siblings_pair",
            "case_id",
            "sibling_case_id",
            unique=True,
            postgresql_where=text("entered_in_error_at IS NULL"),
        ),
        Index("ix_case_siblings_children", "child_id", "sibling_child_id"),
        Index("ix_case_siblings_sibling_children", "sibling_child_id", "child_id"),
    )

    id: uuid.UUID = id_column()
    version: int = version_column()
    child_id: uuid.UUID = Field(foreign_key="children.id")
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    sibling_child_id: uuid.UUID = Field(foreign_key="children.id")
    sibling_case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    named_by_id: uuid.UUID = Field(foreign_key="users.id")
    named_at: datetime = timestamp_column(default_now=True)
    note_encrypted: bytes | None = encrypted_column(nullable=True)
    note = OptionalEncryptedField[str]("note_encrypted")


class BreakGlassGrant(SQLModel, table=True):
    """Break-glass access of a user to one case for four hours."""

    __tablename__ = "break_glass"
    __table_args__ = (Index("ix_break_glass_opened_at", "opened_at", "id"),)

    id: uuid.UUID = id_column()
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    child_id: uuid.UUID | None = Field(default=None, foreign_key="children.id", index=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    opened_at: datetime = timestamp_column(default_now=True)
    expires_at: datetime = timestamp_column(default_now=True)
    reason_encrypted: bytes = encrypted_column()
    reason = EncryptedField[str]("reason_encrypted")


class ClinicalHandover(CaseRecord, table=True):
    """The permission of a lead worker to read the clinical notes of a case that were written before the handover."""

    __tablename__ = "clinical_handovers"
    __table_args__ = (Index("ix_clinical_handovers_newest", text("created_at DESC"), text("id DESC")),)

    worker_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    handed_over_by_id: uuid.UUID = Field(foreign_key="users.id")
    ended_at: datetime | None = timestamp_column()
    """Time at which the worker stopped leading the case. Only a trigger of the table `cases` sets it."""
    reason_encrypted: bytes = encrypted_column()
    reason = EncryptedField[str]("reason_encrypted")


class CaseHistoryEntry(SQLModel, table=True):
    """An event in the history of a case. Entries are never changed; the timeline lists them."""

    __tablename__ = "case_history"
    __table_args__ = (Index("ix_case_history_newest", "case_id", text("at DESC"), text("id DESC")),)

    id: uuid.UUID = id_column()
    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    case_id: uuid.UUID = Field(foreign_key="cases.id")
    at: datetime = timestamp_column(default_now=True)
    """Time of the event, which can be long before `recorded_at`."""
    recorded_at: datetime = timestamp_column(default_now=True)
    kind: str
    by_id: uuid.UUID | None = None
    tier: str = "case"
    """`case`, `legal` or `clinical`; only callers who can see the tier can see the entry."""
    record_kind: str
    record_id: uuid.UUID
    detail_encrypted: bytes | None = encrypted_column(nullable=True)
    detail = OptionalEncryptedField[StoredHistoryDetail]("detail_encrypted")
    """Facts about the event; NULL if its kind has none."""
