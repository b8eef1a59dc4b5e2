"""Fetch and lock records. Row-level security decides which records the caller can see.

A record that does not exist and a record that the caller cannot see raise the same error, `NotFound`.

Every lock lasts until the transaction of the request ends. A request that waits for a lock fails with `TimedOut` after
five seconds (`lock_timeout` of the database role), and with `Conflict` if PostgreSQL detects a deadlock. To avoid
deadlocks, every operation that locks records of a case locks the case first. An operation that opens or links cases
calls `lock_case_opening` before it locks a case.
"""

from collections.abc import Mapping
from functools import cache
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import ScalarSelect, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.accessed_records import RECORD_KINDS
from app.access.log import refresh_context
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.errors import InvalidInput, NotFound, StaleVersion, VersionRequired
from app.kit.entered_in_error import check_not_entered_in_error
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseLink, CaseSibling
from app.models.record import CaseRecord, Record
from app.schemas.fault_messages import VALIDATION_MESSAGES
from app.schemas.merge_patch import apply_merge_patch
from app.schemas.validation_faults import convert_validation_errors

RecordT = TypeVar("RecordT", bound=Record | CaseLink | CaseSibling)
ModelT = TypeVar("ModelT", bound=BaseModel)
RecordIdOrQuery = UUID | ScalarSelect[UUID]
"""The id of a record, or a scalar subquery that selects the id."""


async def get_record(session: AsyncSession, record_type: type[RecordT], record_id: UUID) -> RecordT:
    """Return a record without locking it.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    record = await session.scalar(select(record_type).where(col(record_type.id) == record_id))
    if record is None:
        raise NotFound
    return record


async def ensure_exists(session: AsyncSession, record_type: type[RecordT], record_id: UUID) -> None:
    """Check that the caller can see a record.

    The record is not loaded, so the access log gets no entry for it.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    query = select(col(record_type.id)).where(col(record_type.id) == record_id)
    if await session.scalar(query) is None:
        raise NotFound


async def ensure_visible(reader: RecordReader, record_type: type[Record], record_id: UUID) -> None:
    """Check that the caller can see a record. Lists below a record call this if they are empty.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    if not reader.has_shown(RECORD_KINDS.get(record_type), record_id):
        await reader.fetch_required(_build_id_query(record_type), record_id=record_id)


@cache
def _build_id_query(record_type: type[Record]) -> ReadQuery:
    query = select(col(record_type.id)).where(col(record_type.id) == bindparam("record_id"))
    return ReadQuery(query, shows=NoShownRecord("the response contains only records below this one"))


async def get_for_share(
    session: AsyncSession, record_type: type[RecordT], record_id: RecordIdOrQuery
) -> RecordT:
    """Return a record and block changes to it until the transaction ends (`SELECT ... FOR SHARE`).

    Several transactions can hold this lock at the same time. Transactions that update the record or call `get_for_update`
    wait. Services lock a case in this mode before they add a record to it, so that the case cannot be closed or reassigned
    in the meantime.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    return await _get_locked(
        session, select(record_type).where(col(record_type.id) == record_id).with_for_update(read=True)
    )


async def get_for_update(
    session: AsyncSession, record_type: type[RecordT], record_id: RecordIdOrQuery
) -> RecordT:
    """Return a record and lock it for an update, without a version check (`SELECT ... FOR NO KEY UPDATE`).

    Only one transaction can hold this lock. Transactions that update the record, or lock it in any mode of this module,
    wait. Inserts that only refer to the record by a foreign key, such as an entry of the case history, do not wait,
    because this mode does not lock the key.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    return await _get_locked(
        session, select(record_type).where(col(record_type.id) == record_id).with_for_update(key_share=True)
    )


async def _get_locked(session: AsyncSession, query: Select[RecordT]) -> RecordT:
    """Run a locking query, and run it a second time if it returns no row.

    A statement reads from a snapshot that is taken when it begins. If it waits for a lock, PostgreSQL reads the locked row
    again after the wait, but evaluates the row policies on the old snapshot. For example, another transaction accepts the
    referral during the wait. The referral is then visible only through its new case, which the old snapshot does not
    contain, so the statement returns no row. The second run has a new snapshot and a refreshed context, in case the caller
    was assigned to the case during the wait, and returns the changed record. `get_version_for_update` then raises
    `StaleVersion` instead of `NotFound`.
    """
    # populate_existing overwrites a copy that the session loaded before the wait for the lock.
    query = query.execution_options(populate_existing=True)
    record = await session.scalar(query)
    if record is None:
        await refresh_context(session)
        record = await session.scalar(query)
    if record is None or (isinstance(record, Case) and not await recheck_case(session, record)):
        raise NotFound
    return record


async def recheck_case(session: AsyncSession, case: Case) -> bool:
    """Return whether the caller can still read a case after its row was locked.

    The context of the access is a snapshot of the cases that the caller works with. Another person may have linked the
    case, or removed the caller from it, since the access was opened. While the case is locked, its staff and its links
    cannot change.
    """
    return bool(await session.scalar(select(func.access.recheck_case(case.id))))


async def get_case_for_update(session: AsyncSession, record_type: type[CaseRecord], record_id: UUID) -> Case:
    """Return the case of a record, locked as by `get_for_update`.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    return await get_for_update(session, Case, _case_id_query(record_type, record_id))


async def get_case_for_share(session: AsyncSession, record_type: type[CaseRecord], record_id: UUID) -> Case:
    """Return the case of a record, locked as by `get_for_share`.

    Services call this before they change a record of a case, so that the case cannot be closed or reassigned in the
    meantime.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
    """
    return await get_for_share(session, Case, _case_id_query(record_type, record_id))


def _case_id_query(record_type: type[CaseRecord], record_id: UUID) -> ScalarSelect[UUID]:
    # Select only the id: a loaded record would stay in the session and be stale after the wait for the lock.
    return select(col(record_type.case_id)).where(col(record_type.id) == record_id).scalar_subquery()


def validate_expected_version(record: Record | None, expected_version: int | None) -> None:
    """Check the version from `If-Match` of a PUT request, which creates or replaces a record.

    Raises:
        VersionRequired: the record exists, and the request has no `If-Match`.
        StaleVersion: the record has another version, or does not exist although the request has `If-Match`.
    """
    if record is not None and expected_version is None:
        raise VersionRequired
    if expected_version != (record.version if record else None):
        raise StaleVersion


async def get_version_for_update(
    session: AsyncSession, record_type: type[RecordT], record_id: RecordIdOrQuery, expected_version: int
) -> RecordT:
    """Return a record in the expected version, locked as by `get_for_update`, and increment its version.

    The version is compared while the lock is held. Of two concurrent requests with the same `If-Match`, only one
    succeeds.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
        StaleVersion: the record has another version.
        GateRefused: the record was entered in error, so it is final.
    """
    record = await get_for_update(session, record_type, record_id)
    if record.version != expected_version:
        raise StaleVersion
    raise_if_unmet(check_not_entered_in_error(record))
    record.version += 1
    return record


def apply_patch(model: type[ModelT], document: Mapping[str, object], patch: BaseModel) -> ModelT:
    """Apply a JSON merge patch to a stored document and return the result, validated as `model`.

    Only the fields that the request contains are applied.

    Raises:
        InvalidInput: the result is not valid; `errors` points at each field.
    """
    return validate_document(
        model, apply_merge_patch(document, patch.model_dump(mode="json", exclude_unset=True))
    )


def validate_document(model: type[ModelT], document: object) -> ModelT:
    """Validate a JSON document as `model` and return the model.

    Raises:
        InvalidInput: the document is not valid; `errors` points at each field.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        errors = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        raise InvalidInput(convert_validation_errors(errors, document, VALIDATION_MESSAGES)) from None
