"""Tables of the access log: an event per request and an entry per disclosed child. Rows are never changed or deleted."""

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
        Index("ix_access_entries_child", "child_id", "id"),
        Index("ix_access_entries_case", "case_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: uuid.UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    at: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    event_id: uuid.UUID = Field(index=True)
    child_id: uuid.UUID | None = None
    case_id: uuid.UUID | None = None
    record_kind: str | None = None
    record_id: uuid.UUID | None = None
    outcome: str
    status: int = Field(sa_type=SmallInteger)
