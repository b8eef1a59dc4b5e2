"""Base classes and column types of the tables, and the naming convention of constraints.

Default values are set in Python, so that an INSERT needs no RETURNING clause. Row-level security would reject the
clause for a row that its author cannot read.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    text,
)
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
    """The 64-bit transaction id of PostgreSQL, the id of the database transaction that inserted a row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type in DDL."""
        return "XID8"


_SIMULATED_TIME: ContextVar[datetime | None] = ContextVar("simulated_time", default=None)


def utc_now() -> datetime:
    """Return the current time in UTC, or the time that `freeze_time` sets."""
    return _SIMULATED_TIME.get() or datetime.now(UTC)


@contextmanager
def freeze_time(moment: datetime) -> Iterator[None]:
    """Make `utc_now` return a fixed time, for the two years of history of the demonstration data.

    The access log does not use `utc_now`; its timestamps stay real.
    """
    token = _SIMULATED_TIME.set(moment)
    try:
        yield
    finally:
        _SIMULATED_TIME.reset(token)


def new_id() -> uuid.UUID:
    """Return a random UUID (version 4). A time-based UUID would reveal when a record was created."""
    return uuid.uuid4()


def id_column() -> Any:
    """Declare the primary key of a record. For many records the client can choose the id."""
    return Field(default_factory=new_id, primary_key=True)


def timestamp_column(*, default_now: bool = False, index: bool = False) -> Any:
    """Declare a point in time in UTC. The column is nullable unless `default_now` is set."""
    column_type = DateTime(timezone=True)
    if default_now:
        return Field(default_factory=utc_now, sa_type=column_type, nullable=False, index=index)
    return Field(default=None, sa_type=column_type, nullable=True, index=index)


def encrypted_column(*, nullable: bool = False) -> Any:
    """Declare the column of an encrypted field. See `app.models.encrypted_field`."""
    if nullable:
        return Field(default=None, sa_type=LargeBinary, nullable=True)
    return Field(default=b"", sa_type=LargeBinary, nullable=False)


def text_array_column() -> Any:
    """Declare a list of codes."""
    return Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)


def unique_name_index(table: str) -> Index:
    """Return an index that makes the column `name` of a table unique, without regard to case."""
    return Index(f"uq_{table}_name", text("lower(name)"), unique=True)


def uuid_array_column() -> Any:
    """Declare a list of ids."""
    return Field(default_factory=list, sa_type=ARRAY(Uuid), nullable=False)


def json_column() -> Any:
    """Declare an unencrypted JSON object. It must not contain personal data."""
    return Field(default_factory=dict, sa_type=JSONB, nullable=False)


def inet_column() -> Any:
    """Declare a network address."""
    return Field(default=None, sa_type=INET, nullable=True)


def version_column() -> Any:
    """Declare the version of a record. Every update increments it; the ETag contains it."""
    return Field(default=1, nullable=False)


def bigint_column(*, default: int = 0) -> Any:
    """Declare a 64-bit integer."""
    return Field(default=default, sa_type=BigInteger, nullable=False)


class Record(SQLModel):
    """Base class of tables whose rows have an id, a creation time and a version."""

    id: uuid.UUID = id_column()
    created_at: datetime = timestamp_column(default_now=True)
    version: int = version_column()


class CaseRecord(Record):
    """Base class of tables whose rows belong to one case, and therefore to one child."""

    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)


class CorrectableRecord(SQLModel):
    """Columns of records that can be marked as entered in error. A marked record is final."""

    entered_in_error_at: datetime | None = timestamp_column()
    entered_in_error_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    entered_in_error_reason_encrypted: bytes | None = encrypted_column(nullable=True)
    entered_in_error_reason = OptionalEncryptedField[str]("entered_in_error_reason_encrypted")


class ApprovalRecord(SQLModel):
    """Columns of records that an author submits and another person approves or returns. Submitted records are frozen."""

    status: str = "draft"
    author_id: uuid.UUID = Field(foreign_key="users.id")
    submitted_at: datetime | None = timestamp_column()
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    contributor_ids: list[uuid.UUID] = uuid_array_column()
    """Ids of all users who changed the record, maintained by a trigger. They cannot approve or return it."""
    decided_at: datetime | None = timestamp_column()
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    decision_comment_encrypted: bytes | None = encrypted_column(nullable=True)
    decision_comment = OptionalEncryptedField[str]("decision_comment_encrypted")
    """Comment of the supervisor on the approval or return."""


CASE_AND_CHILD_COLUMNS = (
    ("case_id", "child_id"),
    ("linked_case_id", "linked_child_id"),
    ("sibling_case_id", "sibling_child_id"),
)
LOG_TABLES = frozenset({"access_entries", "alerts"})
"""Tables that keep the child of the time at which their rows were written."""


def add_case_and_child_keys(metadata: MetaData) -> None:
    """Add a foreign key on case and child to every table with both columns.

    The child of a record is therefore always the child of its case. If a merge moves the case to another child, PostgreSQL
    updates the records with it.
    """
    for table in metadata.tables.values():
        for columns in CASE_AND_CHILD_COLUMNS:
            if table.name not in LOG_TABLES and set(columns) <= set(table.columns.keys()):
                table.append_constraint(
                    ForeignKeyConstraint(columns, ["cases.id", "cases.child_id"], onupdate="CASCADE")
                )
