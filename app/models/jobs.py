"""The table of background jobs. It contains no data about a child."""

import uuid
from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import SQLModel

from app.models.record import id_column, json_column, timestamp_column


class Job(SQLModel, table=True):
    """Work that the job process does after the transaction that wrote this row has committed."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_waiting",
            "run_after",
            "id",
            postgresql_where=text("finished_at IS NULL AND failed_at IS NULL"),
        ),
        Index(
            "uq_jobs_periodic",
            "kind",
            unique=True,
            postgresql_where=text("is_periodic AND finished_at IS NULL"),
        ),
    )

    id: uuid.UUID = id_column()
    kind: str
    payload: dict[str, str] = json_column()
    """Ids of the records that the job is about. Never personal data."""
    is_periodic: bool = False
    """Whether the job schedules its next run when it finishes. A periodic kind has one unfinished row."""
    created_at: datetime = timestamp_column(default_now=True)
    run_after: datetime = timestamp_column(default_now=True)
    """Earliest time of the next attempt."""
    attempts: int = 0
    """Number of attempts that began. It also identifies the lease: only the newest attempt can finish the job."""
    leased_until: datetime | None = timestamp_column()
    """Until this time, no other process runs the job."""
    last_error: str | None = None
    """Type of the last error, without its message."""
    finished_at: datetime | None = timestamp_column()
    failed_at: datetime | None = timestamp_column()
    """Time of the last permitted attempt, if it failed too."""
