"""Finding a record: it is there for this actor, or it is not. Row security has the last word, not we."""

from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import InvalidInput, NotFound, Stale
from app.models.record import Record
from app.schemas.merge_patch import merge
from app.schemas.rules import SENTENCES
from app.schemas.validation_faults import faults_of

R = TypeVar("R", bound=Record)
M = TypeVar("M", bound=BaseModel)


async def find(session: AsyncSession, kind: type[R], record_id: UUID) -> R:
    """Return a record.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    found = await session.scalar(select(kind).where(col(kind.id) == record_id))
    if found is None:
        raise NotFound
    return found


async def require(session: AsyncSession, kind: type[R], record_id: UUID) -> None:
    """Make sure that a record is there for this actor, without loading it: nothing of it is shown.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    if await session.scalar(select(col(kind.id)).where(col(kind.id) == record_id)) is None:
        raise NotFound


async def find_for_change(session: AsyncSession, kind: type[R], record_id: UUID, seen: int) -> R:
    """Return a record, locked until this transaction ends, in the version the caller saw; its version rises.

    Raises:
        NotFound: there is none, or not for this actor.
        Stale: somebody changed it meanwhile.
    """
    query = select(kind).where(col(kind.id) == record_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    # A referral accepted while this waited for its lock is seen through a case younger than the statement's
    # snapshot: it seems gone. A second statement has a new snapshot, and finds it changed.
    found = await session.scalar(query) or await session.scalar(query)
    if found is None:
        raise NotFound
    if found.version != seen:
        raise Stale
    found.version += 1
    return found


def patched(model: type[M], document: dict[str, Any], patch: BaseModel) -> M:
    """Apply a merge patch to a stored document and check the whole.

    Raises:
        InvalidInput: the result is not what `model` asks for.
    """
    return checked(model, merge(document, patch.model_dump(mode="json", exclude_unset=True)))


def checked(model: type[M], document: Any) -> M:
    """Return a document as its model.

    Raises:
        InvalidInput: it does not fit; each fault is pointed at.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise InvalidInput(faults_of(found, document, SENTENCES)) from None
