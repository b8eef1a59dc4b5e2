"""Mark a record as entered in error. It stays readable with its mark, but no list, gate or count includes it by default.

The database function `access.protect_entered_in_error` enforces the same rules: the mark is set once, alone, and by a
person who may set it.
"""

from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, GateRefused
from app.kit.list_query import Filters
from app.kit.reference_names import staff_names, to_staff_refs
from app.models.record import CorrectableRecord, utc_now

FILTER_NAME = "entered_in_error"


def is_valid(record_type: type[CorrectableRecord]) -> ColumnElement[bool]:
    """Return the condition that a record was not entered in error."""
    return col(record_type.entered_in_error_at).is_(None)


def build_error_filter(record_type: type[CorrectableRecord]) -> Filters:
    """Return the filter of a list: without marked records by default, or only with them."""
    return {FILTER_NAME: {False: is_valid(record_type), True: ~is_valid(record_type)}}


def error_mark_columns(record_type: type[Any]) -> list[Any]:
    """Return the columns that `to_error_mark` reads."""
    return [
        *(
            getattr(record_type, f"entered_in_error_{name}").label(f"entered_in_error_{name}")
            for name in ("at", "by_id")
        ),
        *staff_names(record_type, "entered_in_error_by"),
        col(record_type.entered_in_error_reason_encrypted),
    ]


def to_error_mark(record_type: type[CorrectableRecord], row: Any) -> dict[str, Any]:
    """Return the field `entered_in_error` of a row that was selected with `error_mark_columns`."""
    if row.entered_in_error_at is None:
        return {FILTER_NAME: None}
    names = to_staff_refs(row, "entered_in_error_by")
    reason = record_type.entered_in_error_reason.decrypt(row.id, row.entered_in_error_reason_encrypted)
    return {
        FILTER_NAME: {
            "at": row.entered_in_error_at,
            "by_id": row.entered_in_error_by_id,
            "by": names["entered_in_error_by"],
            "reason": reason,
        }
    }


def check_not_entered_in_error(record: object, pointer: str | None = None) -> list[Fault]:
    """Return a fault if a record has the mark. Records of other kinds cannot have it."""
    if isinstance(record, CorrectableRecord) and record.entered_in_error_at is not None:
        return [Fault(pointer, "entered_in_error", "The record was entered in error and cannot be used.")]
    return []


async def mark_entered_in_error(
    session: AsyncSession,
    caller: Caller,
    record: Any,
    author_id: Any,
    reason: str,
    second_case_id: Any = None,
) -> None:
    """Set the mark of a locked record. `second_case_id` is another case whose staff may do this too.

    Raises:
        GateRefused: the caller is neither the author, the lead worker nor a supervisor of the case.
    """
    is_permitted = or_(
        func.access.can_enter_in_error(record.case_id, author_id),
        func.access.can_enter_in_error(second_case_id, author_id),
    )
    if not await session.scalar(select(is_permitted)):
        detail = (
            "Only the author, the lead worker, a supervisor of the team or a programme manager can do this."
        )
        raise GateRefused([Fault(None, "not_yours", detail)])
    record.entered_in_error_at, record.entered_in_error_by_id = utc_now(), caller.id
    record.entered_in_error_reason = reason
