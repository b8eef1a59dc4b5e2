"""Collects the records that a session loads and writes, and the changes of accounts and configuration.

The access log contains these records, so that services need no code for the log.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, QueryContext, object_session

from app.access.accessed_records import RECORD_KINDS, AccessedRecord, AccessedRecords
from app.access.configuration_changes import (
    CONFIGURATION_KINDS,
    ConfigurationChanges,
    compare_columns,
    copy_columns,
    find_changes,
)


def get_accessed_records(session: AsyncSession) -> AccessedRecords:
    """Return the records that the session has collected for the access log."""
    return _accessed_records(session.info)


def _accessed_records(session_info: dict[Any, Any]) -> AccessedRecords:
    records: AccessedRecords = session_info.get("accessed_records") or session_info.setdefault(
        "accessed_records", AccessedRecords()
    )
    return records


def _record_orm_access(session_info: dict[Any, Any], record: object, *, is_written: bool = False) -> None:
    kind = RECORD_KINDS.get(type(record))
    if kind is None:
        return
    columns = record.__dict__  # not getattr(), which would reload an expired record
    record_id = columns.get("id") or columns.get("event_id") or columns["case_id"]
    child_id = record_id if kind == "child" else columns.get("child_id")
    case_id = record_id if kind == "case" else columns.get("case_id")
    _accessed_records(session_info).add(
        AccessedRecord(_to_text(child_id), _to_text(case_id), kind, str(record_id)), is_written=is_written
    )


def _to_text(record_id: UUID | None) -> str | None:
    return None if record_id is None else str(record_id)


def get_configuration_changes(session: AsyncSession) -> ConfigurationChanges:
    """Return the changes of accounts and configuration that the session has collected for the access log."""
    return _configuration_changes(session.info)


def _configuration_changes(session_info: dict[Any, Any]) -> ConfigurationChanges:
    changes: ConfigurationChanges = session_info.setdefault("configuration_changes", ConfigurationChanges())
    return changes


def record_change(
    session: AsyncSession, kind: str, record_id: UUID, changes: Mapping[str, tuple[Any, Any]]
) -> None:
    """Record old and new values by field, for a statement that bypasses the ORM."""
    _record_configuration_change(session.info, kind, record_id, changes)


async def record_function_insert(session: AsyncSession, model: type[Any], record_id: UUID) -> None:
    """Record the values of an account or a record of the configuration that a database function inserted."""
    record = await session.get_one(model, record_id)
    record_change(session, CONFIGURATION_KINDS[model], record_id, compare_columns(record, {}))


@asynccontextmanager
async def record_function_changes(session: AsyncSession, record: Any) -> AsyncIterator[None]:
    """Reload a record after the block, in which database functions change it, and record its changes."""
    old = copy_columns(record)
    yield
    await session.refresh(record)
    record_change(session, CONFIGURATION_KINDS[type(record)], record.id, compare_columns(record, old))


def _record_configuration_change(
    session_info: dict[Any, Any], kind: str, record_id: UUID, changes: Mapping[str, tuple[Any, Any]]
) -> None:
    _configuration_changes(session_info).add(kind, record_id, changes)
    _accessed_records(session_info).add(AccessedRecord(None, None, kind, str(record_id)))


@event.listens_for(Mapper, "before_insert")
@event.listens_for(Mapper, "before_update")
def _on_configuration_write(_: object, __: object, record: object) -> None:
    kind = CONFIGURATION_KINDS.get(type(record))
    session = object_session(record)
    if kind is not None and session is not None:
        changes = find_changes(record, is_new=not inspect(record).persistent)
        _record_configuration_change(session.info, kind, record.id, changes)  # type: ignore[attr-defined]


@event.listens_for(Mapper, "load")
def _on_load(record: object, context: QueryContext) -> None:
    _record_orm_access(context.session.info, record)


@event.listens_for(Mapper, "refresh")
def _on_refresh(record: object, context: QueryContext, _: object) -> None:
    _record_orm_access(context.session.info, record)


@event.listens_for(Mapper, "after_insert")
@event.listens_for(Mapper, "after_update")
def _on_write(_: object, __: object, record: object) -> None:
    session = object_session(record)
    if session is not None:
        _record_orm_access(session.info, record, is_written=True)
