"""What every table shares: names of constraints, kinds of columns, the version behind an ETag.

Every default is made here, in Python: an INSERT then needs no RETURNING, which row security would refuse
for a row that its own writer may not (or not yet) read.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import OptionalEncryptedField

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: which transaction wrote a row of the log."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "XID8"


_SIMULATED_TIME: ContextVar[datetime | None] = ContextVar("then", default=None)


def utc_now() -> datetime:
    """Return this moment, in UTC."""
    return _SIMULATED_TIME.get() or datetime.now(UTC)


@contextmanager
def freeze_time(moment: datetime) -> Iterator[None]:
    """Act as if it were another moment: the demonstration lives through two years in a minute. The log's clock stays true."""
    before = _SIMULATED_TIME.set(moment)
    try:
        yield
    finally:
        _SIMULATED_TIME.reset(before)


def new_id() -> uuid.UUID:
    """Return a random id (v4: it tells nobody when a record was made)."""
    return uuid.uuid4()


def id_column() -> Any:
    """Declare the primary key of a record; a client may have chosen it."""
    return Field(default_factory=new_id, primary_key=True)


def timestamp_column(*, default_now: bool = False, index: bool = False) -> Any:
    """Declare a point in time (UTC); optional unless it defaults to now."""
    kind = DateTime(timezone=True)
    if default_now:
        return Field(default_factory=utc_now, sa_type=kind, nullable=False, index=index)
    return Field(default=None, sa_type=kind, nullable=True, index=index)


def encrypted_column(*, nullable: bool = False) -> Any:
    """Declare an encrypted JSON document: what may only be read with the key ring."""
    if nullable:
        return Field(default=None, sa_type=LargeBinary, nullable=True)
    return Field(default=b"", sa_type=LargeBinary, nullable=False)


def text_array_column() -> Any:
    """Declare a list of codes."""
    return Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)


def uuid_array_column() -> Any:
    """Declare a list of ids."""
    return Field(default_factory=list, sa_type=ARRAY(Uuid), nullable=False)


def json_column() -> Any:
    """Declare a JSON document that may be read without the key ring: nothing in it tells of a person."""
    return Field(default_factory=dict, sa_type=JSONB, nullable=False)


def inet_column() -> Any:
    """Declare a network address."""
    return Field(default=None, sa_type=INET, nullable=True)


def version_column() -> Any:
    """Declare the version of a record: every change raises it by one; the ETag shows it."""
    return Field(default=1, nullable=False)


def bigint_column(*, default: int = 0) -> Any:
    """Declare a 64-bit whole number."""
    return Field(default=default, sa_type=BigInteger, nullable=False)


class Record(SQLModel):
    """A thing with an id, a birth and a version."""

    id: uuid.UUID = id_column()
    created_at: datetime = timestamp_column(default_now=True)
    version: int = version_column()


class CaseRecord(Record):
    """A record that belongs to one case, and so to one child."""

    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)


class ApprovalRecord(SQLModel):
    """A record that its author submits and somebody else decides on; frozen from its submission."""

    status: str = "draft"
    author_id: uuid.UUID = Field(foreign_key="users.id")
    submitted_at: datetime | None = timestamp_column()
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    contributor_ids: list[uuid.UUID] = uuid_array_column()
    """Who wrote on it, noted by the database; none of them decides."""
    decided_at: datetime | None = timestamp_column()
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    decision_comment_encrypted: bytes | None = encrypted_column(nullable=True)
    decision_comment = OptionalEncryptedField[str]("decision_comment_encrypted")
    """What was said in deciding."""
