"""Reject statements of a session that read encrypted columns about children without access entries."""

from typing import Any

from sqlalchemy import Select, event
from sqlalchemy.orm import ORMExecuteState, Session

from app.access.accessed_records import RECORD_KINDS


@event.listens_for(Session, "do_orm_execute")
def reject_unlogged_reads(state: ORMExecuteState) -> None:
    """Fail a statement that selects encrypted columns instead of records. Only a `ReadQuery` can select them."""
    if isinstance(state.statement, Select):
        columns = [column for column in state.statement.column_descriptions if is_encrypted_column(column)]
        assert not columns, (
            f"unlogged read of encrypted columns: {[str(column['expr']) for column in columns]}"
        )


def is_encrypted_column(description: Any) -> bool:
    record_type = getattr(description["expr"], "class_", None)
    return record_type in RECORD_KINDS and getattr(description["expr"], "key", "").endswith("_encrypted")
