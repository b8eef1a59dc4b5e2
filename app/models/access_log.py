"""Tables of the access log: an event per request and an entry per disclosed child. Rows are never changed or deleted.

The context of an access is not part of the log: it exists only while the access is open. Alerts are found in the log, or
raised by a request.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, DateTime, Index, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import OptionalEncryptedField
from app.models.record import Record, Xid8, encrypted_column, inet_column, timestamp_column

UUID_ARRAY = ARRAY(Uuid(as_uuid=True))


class AccessEvent(SQLModel, table=True):
    """A request of a caller. It is committed before the transaction of the request begins."""

    __tablename__ = "access_events"
    __table_args__ = (
        Index("ix_access_events_actor", "actor_id", "id"),
        Index("ix_access_events_act", "act", "id"),
        Index(
            "ix_access_events_correlation",
            "correlation_id",
            "id",
            postgresql_where=text("correlation_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: uuid.UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    opened_at: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    kind: str
    """`person`, `client`, `system` or `anonymous`."""
    actor_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    token_id: uuid.UUID | None = None
    roles: list[str] = Field(sa_type=ARRAY(Text))
    agency_id: uuid.UUID | None = None
    supervised_team_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    """Ids of the teams that the caller supervised at the time of the request."""
    act: str
    request_id: str = Field(index=True)
    """Id that the server generated for the request."""
    address: str | None = inet_column()
    correlation_id: str | None = None
    """Id that the caller chose for the request."""


class AccessEntry(SQLModel, table=True):
    """One child whose data a request disclosed (or none), with the outcome of the request."""

    __tablename__ = "access_entries"
    __table_args__ = (
        Index("ix_access_entries_child", "child_id", "event_id"),
        # A record without a child is a referral before it is accepted, or an id of a rejected request that belongs to no child.
        Index("ix_access_entries_record", "record_id", "event_id", postgresql_where=text("child_id IS NULL")),
        Index(
            "ix_access_entries_rejected", "outcome", "event_id", postgresql_where=text("outcome <> 'allowed'")
        ),
        {"postgresql_partition_by": "RANGE (event_id)"},
    )

    event_id: uuid.UUID = Field(primary_key=True)
    n: int = Field(primary_key=True, sa_type=SmallInteger)
    """Number of the entry in its event, from 1."""
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    at: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    child_id: uuid.UUID | None = None
    case_id: uuid.UUID | None = None
    record_kind: str | None = None
    record_id: uuid.UUID | None = None
    outcome: str
    status: int = Field(sa_type=SmallInteger)
    changes: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """Old and new values of an act on an account or on configuration, by the name of the field."""


class AccessContext(SQLModel, table=True):
    """The scope of the caller of an open access event. Only functions of the database read and write it."""

    __tablename__ = "access_contexts"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    event_id: uuid.UUID = Field(primary_key=True)
    secret_digest: bytes
    """SHA-256 of the secret of the access."""
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    opened_at: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    act: str
    caller_id: uuid.UUID | None = None
    is_staff: bool
    """Whether the caller is a social worker, supervisor or programme manager, or the custodian."""
    worker_id: uuid.UUID | None = None
    """The user id of a social worker or supervisor."""
    can_read_all_cases: bool
    can_read_access_log: bool
    can_report_all_teams: bool
    """Whether reports count the records of all teams for the caller. For supervisors they count those of their teams."""
    is_finance_officer: bool
    is_custodian: bool
    is_command_line: bool
    """Whether an operator acts with a command. Such an access can change accounts, and shows no data of children."""
    partner_agency_id: uuid.UUID | None = None
    """The agency of a partner system."""
    supervised_team_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    assigned_case_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    """Cases that the caller is assigned to as a co-worker."""
    break_glass_case_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    conflict_wall_case_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    """Cases that the conflict wall hides from the caller."""


class Alert(Record, table=True):
    """An act that the data protection officer, or the supervisors of a team, should look at.

    Like the access log, an alert has no foreign keys to children and cases, so that it does not depend on their rows.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_created_at", "created_at", "id"),
        Index("ix_alerts_team_id", "team_id", "created_at", "id"),
    )

    kind: str
    key: str = Field(unique=True)
    """Identifies the reason and the recipients. A second alert with the same key is not raised."""
    team_id: uuid.UUID | None = Field(default=None, foreign_key="teams.id")
    """The team whose supervisors receive the alert. None: the data protection officers receive it."""
    actor_id: uuid.UUID | None = None
    """The user or API client who acted. None: an operator acted on the command line."""
    act: str | None = None
    """The act in the access log, such as `case.break_glass`. None if accesses with different acts are counted."""
    count: int = 1
    """Number of children or of requests, depending on the kind."""
    occurred_at: datetime = timestamp_column(default_now=True)
    """Time of the act, or of the last one that was counted."""
    record_kind: str | None = None
    record_id: uuid.UUID | None = None
    child_id: uuid.UUID | None = Field(default=None, index=True)
    case_id: uuid.UUID | None = None
    acknowledged_at: datetime | None = timestamp_column()
    acknowledged_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    note_encrypted: bytes | None = encrypted_column(nullable=True)
    note = OptionalEncryptedField[str]("note_encrypted")
    """Note of the person who acknowledged the alert."""


class AlertThresholds(SQLModel, table=True):
    """The numbers from which the search of the access log raises an alert. The table has one row, named `log`."""

    __tablename__ = "alert_thresholds"

    name: str = Field(primary_key=True)
    children_per_day: int
    children_per_day_of_manager: int
    matches_per_day: int


class AccessLogScan(SQLModel, table=True):
    """Position up to which the access log has been searched. Only functions of the database read and write this row."""

    __tablename__ = "access_log_scans"

    name: str = Field(primary_key=True)
    scanned_xid: int = Field(sa_type=Xid8)
    """The entries of all smaller transaction ids are searched."""
    unassigned_xid: int = Field(sa_type=Xid8)
    """The first transaction id that was not assigned at the last search."""
    scanned_at: datetime = Field(sa_type=DateTime(timezone=True))
    """Time of the last search."""
    since: datetime = Field(sa_type=DateTime(timezone=True))
    """The transactions that are not searched began after this time."""
