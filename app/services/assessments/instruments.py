"""Questionnaires as administrators keep them. An edition never changes: answers rest on it."""

from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Instrument
from app.models.record import new_id
from app.schemas.instruments import (
    Instrument as InstrumentSchema,
)
from app.schemas.instruments import (
    InstrumentAnswers,
    InstrumentCreate,
    InstrumentDefinition,
    InstrumentFilters,
    InstrumentSettings,
    InstrumentSummary,
)
from app.schemas.wire import Input, Page
from app.services.assessments.instrument_validation import check_instrument_definition
from app.services.assessments.scoring import check_answers, score_answers


async def create_instrument(session: AsyncSession, payload: InstrumentCreate) -> InstrumentSchema:
    """Add a questionnaire; one with the code of another is its next edition, and takes its place.

    Raises:
        InvalidInput: the definition makes no sense as a whole.
        AlreadyExists: the id is taken, or somebody else is making the same edition.
    """
    if faults := check_instrument_definition(payload.definition):
        raise InvalidInput(faults)
    same_code = col(Instrument.code) == payload.code
    last = await session.scalar(select(func.max(col(Instrument.edition))).where(same_code))
    await session.execute(
        update(Instrument)
        .where(same_code, col(Instrument.is_active))
        .values(is_active=False, version=Instrument.version + 1)
    )
    made = Instrument(
        id=payload.id or new_id(),
        code=payload.code,
        edition=(last or 0) + 1,
        definition=payload.definition.model_dump(mode="json"),
    )
    session.add(made)
    await session.flush()  # a conflict must surface before the answer leaves
    return _to_schema(made)


async def list_instruments(session: AsyncSession, filters: InstrumentFilters) -> Page[InstrumentSummary]:
    """List the questionnaires, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("instruments", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.fetch_records(
        session, select(Instrument).filter_by(**wanted), col(Instrument.created_at), col(Instrument.id)
    )
    return Page(items=[_to_summary(row) for row in rows], next_cursor=cursor)


async def get_instrument(session: AsyncSession, instrument_id: UUID) -> InstrumentSchema:
    """Read one edition."""
    return _to_schema(await get_record(session, Instrument, instrument_id))


async def update_instrument(
    session: AsyncSession, instrument_id: UUID, expected_version: int, patch: Input
) -> InstrumentSchema:
    """Retire an edition, or bring it back.

    Raises:
        GateRefused: another edition is in use.
    """
    instrument = await get_version_for_update(session, Instrument, instrument_id, expected_version)
    wanted = apply_patch(InstrumentSettings, {"is_active": instrument.is_active}, patch)
    if wanted.is_active and await _has_other_active_version(session, instrument):
        raise_if_unmet([Fault("/is_active", "replaced", "Another edition is in use: retire that one first.")])
    instrument.is_active = wanted.is_active
    await session.flush()  # the answer shows what was stored
    return _to_schema(instrument)


async def _has_other_active_version(session: AsyncSession, instrument: Instrument) -> bool:
    in_use = exists().where(
        col(Instrument.code) == instrument.code,
        col(Instrument.id) != instrument.id,
        col(Instrument.is_active),
    )
    return bool(await session.scalar(select(in_use)))


async def score_instruments(
    session: AsyncSession, known: dict[str, Any], wanted: dict[str, InstrumentAnswers]
) -> dict[str, dict[str, Any]]:
    """Return the results of what is answered, by code; `known` are the results so far.

    Answers stay with the edition they were begun with, even where it was replaced or retired meanwhile.

    Raises:
        InvalidInput: there is no such questionnaire in use, or an answer is none of its options.
    """
    results = {code: result for code, result in known.items() if wanted.get(code) == result["answers"]}
    changed = {code: answers for code, answers in wanted.items() if code not in results}
    editions = await _find_versions(session, known, set(changed))
    faults = []
    for code, answers in changed.items():
        if code not in editions:
            faults.append(Fault("/instruments", "instrument_unknown", "One of them is not in use."))
            continue
        definition = InstrumentDefinition.model_validate(editions[code].definition)
        faults += check_answers(code, definition, answers)
        edition = {"instrument_id": str(editions[code].id), "edition": editions[code].edition}
        results[code] = {**edition, **score_answers(definition, answers)}
    if faults:
        raise InvalidInput(faults)
    return results


async def _find_versions(
    session: AsyncSession, known: dict[str, Any], codes: set[str]
) -> dict[str, Instrument]:
    if not codes:
        return {}
    begun = [UUID(known[code]["instrument_id"]) for code in codes & known.keys()]
    in_use = col(Instrument.code).in_(codes - known.keys()) & col(Instrument.is_active)
    query = select(Instrument).where(or_(col(Instrument.id).in_(begun), in_use))
    return {found.code: found for found in await session.scalars(query)}


def _to_schema(instrument: Instrument) -> InstrumentSchema:
    return InstrumentSchema(**instrument.model_dump())


def _to_summary(instrument: Instrument) -> InstrumentSummary:
    plain = instrument.model_dump(exclude={"definition"})
    return InstrumentSummary(**plain, title=instrument.definition["title"])
