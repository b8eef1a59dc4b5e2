"""Tables of released statistics. Published rows never change. They contain rounded counts only, and no data about one child.

The true counts are encrypted. Only the audit of later releases reads them, and no endpoint returns them.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField
from app.models.record import (
    Record,
    encrypted_column,
    id_column,
    json_column,
    text_array_column,
    timestamp_column,
)


class Release(Record, table=True):
    """Tables of one closed period that are published together. A correction is another edition of the period."""

    __tablename__ = "releases"
    __table_args__ = (
        Index("ix_releases_last_day", "last_day", "id"),
        Index("uq_releases_edition", "period", "edition", unique=True, postgresql_where=text("status = 'published'")),
        Index(
            "uq_releases_open", "period", unique=True, postgresql_where=text("status IN ('draft', 'auditing')")
        ),
        Index("uq_releases_auditing", "status", unique=True, postgresql_where=text("status = 'auditing'")),
    )  # fmt: skip

    period: str
    """A quarter such as 2026-Q3, or a year such as 2026."""
    first_day: date
    last_day: date
    edition: int
    status: str = "draft"
    prepared_by_id: uuid.UUID = Field(foreign_key="users.id")
    approved_at: datetime | None = timestamp_column()
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    """The person who decided to publish. The audit begins with this decision."""
    audited_reports: int = 0
    """Number of reports whose tables the audit has examined."""
    tables_to_drop: list[str] = text_array_column()
    """Names of the tables without which the audit would have allowed the publication."""
    published_at: datetime | None = timestamp_column()
    discarded_at: datetime | None = timestamp_column()
    discarded_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")


class ReleasedTable(SQLModel, table=True):
    """A table of a release, with its cells as they are published."""

    __tablename__ = "released_tables"
    __table_args__ = (UniqueConstraint("release_id", "name"),)

    id: uuid.UUID = id_column()
    release_id: uuid.UUID = Field(foreign_key="releases.id")
    position: int
    """Position of the table in its release, from 1."""
    name: str
    """Name of the table in the menu, a code of the list `release_table`."""
    report: str = Field(index=True)
    dimensions: list[str] = text_array_column()
    content: dict[str, Any] = json_column()
    """The cells with their rounded counts, and the median if there is one (`app.services.releases.published_cells`)."""
    hash: bytes
    """SHA-256 of the canonical form of the table."""


class ReleasePopulation(SQLModel, table=True):
    """The true counts of one report at the time of a release, which the audits of later releases need."""

    __tablename__ = "release_populations"
    __table_args__ = (UniqueConstraint("release_id", "report"),)

    id: uuid.UUID = id_column()
    release_id: uuid.UUID = Field(foreign_key="releases.id")
    report: str
    dimensions: list[str] = text_array_column()
    counts_encrypted: bytes = encrypted_column()
    counts = EncryptedField[dict[str, list[list[Any]]]]("counts_encrypted")
    """For each quarter of the period, the counts of the finest cells: the values of the dimensions, then the number."""
