"""Tables of the access log: an event per request and an entry per disclosed child. Rows are never changed or deleted.

The context of an access is not part of the log: it exists only while the access is open.
"""

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, DateTime, Index, SmallInteger, Text, Uuid, text
from sqlmodel import Field, SQLModel

from app.models.record import Xid8, inet_column

UUID_ARRAY = ARRAY(Uuid(as_uuid=True))


class AccessEvent(SQLModel, table=True):
    """A request of a caller. It is committed before the transaction of the request begins."""

    __tablename__ = "access_events"
    __table_args__ = (
        Index("ix_access_events_actor", "actor_id", "id"),
        Index("ix_access_events_act", "act", "id"),
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
    address: str | None = inet_column()


class AccessEntry(SQLModel, table=True):
    """One child whose data a request disclosed (or none), with the outcome of the request."""

    __tablename__ = "access_entries"
    __table_args__ = (
        Index("ix_access_entries_child", "child_id", "event_id"),
        # A record without a child is a referral before it is accepted, or a record that a rejected request named.
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


class AccessContext(SQLModel, table=True):
    """The scope of the caller of an open access. Only functions of the database read and write it."""

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
    is_finance_officer: bool
    is_custodian: bool
    partner_agency_id: uuid.UUID | None = None
    """The agency of a partner system."""
    supervised_team_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    assigned_case_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    """Cases that the caller is assigned to as a co-worker."""
    break_glass_case_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    conflict_wall_case_ids: list[uuid.UUID] = Field(sa_type=UUID_ARRAY)
    """Cases that the conflict wall hides from the caller."""
