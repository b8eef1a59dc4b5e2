"""Finding a record: it is there for this actor, or it is not. Row security has the last word, not we."""

from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import ScalarSelect, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import InvalidInput, NotFound, StaleVersion, VersionRequired
from app.models import Case
from app.models.record import CaseRecord, Record
from app.schemas.merge_patch import apply_merge_patch
from app.schemas.rules import VALIDATION_MESSAGES
from app.schemas.validation_faults import convert_validation_errors

RecordT = TypeVar("RecordT", bound=Record)
ModelT = TypeVar("ModelT", bound=BaseModel)
RecordIdOrQuery = UUID | ScalarSelect[UUID]
"""Told, or found by the same statement."""


async def get_record(session: AsyncSession, kind: type[RecordT], record_id: UUID) -> RecordT:
    """Return a record.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    found = await session.scalar(select(kind).where(col(kind.id) == record_id))
    if found is None:
        raise NotFound
    return found


async def ensure_exists(session: AsyncSession, kind: type[RecordT], record_id: UUID) -> None:
    """Make sure that a record is there for this actor, without loading it: nothing of it is shown.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    if await session.scalar(select(col(kind.id)).where(col(kind.id) == record_id)) is None:
        raise NotFound


async def get_for_share(session: AsyncSession, kind: type[RecordT], record_id: RecordIdOrQuery) -> RecordT:
    """Return a record that nobody changes until this transaction ends: what is added to a case is not added as it closes.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    return await _get_locked(
        session, select(kind).where(col(kind.id) == record_id).with_for_update(read=True)
    )


async def get_for_update(session: AsyncSession, kind: type[RecordT], record_id: RecordIdOrQuery) -> RecordT:
    """Return a record, locked until this transaction ends, in whichever version it is.

    What an act does to a case and to records of it, it does with the case held first: two such acts wait for each
    other, and never in a circle. Ids never change, so who only names the case (a line of its history) does not wait.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    return await _get_locked(
        session, select(kind).where(col(kind.id) == record_id).with_for_update(key_share=True)
    )


async def _get_locked(session: AsyncSession, query: Select[RecordT]) -> RecordT:
    query = query.execution_options(populate_existing=True)
    # What changed while this waited for its lock is seen with the eyes of before: a referral accepted meanwhile, through
    # a case younger than the statement's snapshot; a case, by a lead who became a co-worker. It seems gone. A second
    # statement has a new snapshot, and finds it changed.
    found = await session.scalar(query) or await session.scalar(query)
    if found is None:
        raise NotFound
    return found


async def get_case_for_update(session: AsyncSession, kind: type[CaseRecord], record_id: UUID) -> Case:
    """Return the case of a record, held: see `hold`.

    Raises:
        NotFound: there is no such record, or not for this actor.
    """
    return await get_for_update(session, Case, _case_id_query(kind, record_id))


async def get_case_for_share(session: AsyncSession, kind: type[CaseRecord], record_id: UUID) -> Case:
    """Return the case of a record, as steady as `find_steady` leaves it: whoever changes a record begins with its case.

    A closing, or somebody else's taking the case over, comes before or after as a whole: it too begins with the case.

    Raises:
        NotFound: there is no such record, or not for this actor.
    """
    return await get_for_share(session, Case, _case_id_query(kind, record_id))


def _case_id_query(kind: type[CaseRecord], record_id: UUID) -> ScalarSelect[UUID]:
    # The id alone: a record that was loaded before the wait would not be seen to have changed during it.
    return select(col(kind.case_id)).where(col(kind.id) == record_id).scalar_subquery()


def validate_expected_version(record: Record | None, expected_version: int | None) -> None:
    """Hold what a caller of PUT saw against what there is.

    Raises:
        VersionRequired: there is a record, and the caller named no version of it.
        Stale: it is another version, or there is none.
    """
    if record is not None and expected_version is None:
        raise VersionRequired
    if expected_version != (record.version if record else None):
        raise StaleVersion


async def get_version_for_update(
    session: AsyncSession, kind: type[RecordT], record_id: UUID, expected_version: int
) -> RecordT:
    """Return a record, locked until this transaction ends, in the version the caller saw; its version rises.

    Raises:
        NotFound: there is none, or not for this actor.
        Stale: somebody changed it meanwhile.
    """
    found = await get_for_update(session, kind, record_id)
    if found.version != expected_version:
        raise StaleVersion
    found.version += 1
    return found


def apply_patch(model: type[ModelT], document: dict[str, Any], patch: BaseModel) -> ModelT:
    """Apply a merge patch to a stored document and check the whole.

    Raises:
        InvalidInput: the result is not what `model` asks for.
    """
    return validate_document(
        model, apply_merge_patch(document, patch.model_dump(mode="json", exclude_unset=True))
    )


def validate_document(model: type[ModelT], document: Any) -> ModelT:
    """Return a document as its model.

    Raises:
        InvalidInput: it does not fit; each fault is pointed at.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise InvalidInput(convert_validation_errors(found, document, VALIDATION_MESSAGES)) from None
