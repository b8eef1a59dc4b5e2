"""The rule that keeps the access log whole: who reads a child's sealed column goes through the ORM, or says what was shown."""

from typing import Any

from sqlalchemy import Select, event
from sqlalchemy.orm import ORMExecuteState, Session

from app.access.log import RECORD_KINDS


@event.listens_for(Session, "do_orm_execute")
def reject_unlogged_reads(state: ORMExecuteState) -> None:
    """Fail a statement that reads sealed columns of a child's table as plain columns, and does not say it notes them."""
    if isinstance(state.statement, Select) and "uncollected" not in state.execution_options:
        plain = [found for found in state.statement.column_descriptions if is_encrypted_column(found)]
        assert not plain, f"read past the access log: {[str(found['expr']) for found in plain]}"


def is_encrypted_column(described: Any) -> bool:
    kind, column = getattr(described["expr"], "class_", None), getattr(described["expr"], "key", "")
    return kind in RECORD_KINDS and column.endswith("_encrypted")
