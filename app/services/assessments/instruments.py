"""Scored questionnaires (instruments). The definition of an edition never changes, because stored answers refer to it."""

from uuid import UUID

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.list_query import ListQuery
from app.kit.records import apply_patch, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Instrument
from app.models.assessments import StoredInstrumentResult
from app.models.record import new_id
from app.schemas.instruments import Instrument as InstrumentSchema
from app.schemas.instruments import (
    InstrumentAnswers,
    InstrumentCreate,
    InstrumentDefinition,
    InstrumentFilters,
    InstrumentList,
    InstrumentSettings,
    InstrumentSummary,
    InstrumentUpdate,
)
from app.services.assessments.instrument_checks import check_instrument_definition
from app.services.assessments.scoring import check_answers, score_answers

INSTRUMENT_QUERY = ReadQuery(
    select(*(getattr(Instrument, name) for name in InstrumentSchema.model_fields)).where(
        col(Instrument.id) == bindparam("instrument_id")
    )
)
SUMMARY_FIELDS = [name for name in InstrumentSummary.model_fields if name != "title"]
INSTRUMENTS = ListQuery(
    "instruments",
    Instrument,
    select(
        *(getattr(Instrument, name) for name in SUMMARY_FIELDS),
        col(Instrument.definition)["title"].label("title"),
    ),
    filters={
        "code": col(Instrument.code) == bindparam("code"),
        "is_active": {True: col(Instrument.is_active).is_(True), False: col(Instrument.is_active).is_(False)},
    },
    sorts={"created_at": col(Instrument.created_at)},
)


async def create_instrument(session: AsyncSession, payload: InstrumentCreate) -> InstrumentSchema:
    """Create a questionnaire. If the code exists, create its next edition and retire the previous edition.

    Raises:
        InvalidInput: the definition violates a rule of `check_instrument_definition`.
        AlreadyExists: the id is in use, or a concurrent request created the same edition.
    """
    if faults := check_instrument_definition(payload.definition):
        raise InvalidInput(faults)
    same_code = col(Instrument.code) == payload.code
    last_edition = await session.scalar(select(func.max(col(Instrument.edition))).where(same_code))
    await session.execute(
        update(Instrument)
        .where(same_code, col(Instrument.is_active))
        .values(is_active=False, version=Instrument.version + 1)
    )
    instrument = Instrument(
        id=payload.id or new_id(),
        code=payload.code,
        edition=(last_edition or 0) + 1,
        definition=payload.definition.model_dump(mode="json"),
    )
    session.add(instrument)
    return await get_instrument(await open_response_reader(session), instrument.id)


async def list_instruments(
    reader: RecordReader, caller: Caller, filters: InstrumentFilters
) -> InstrumentList:
    """Return the editions of all questionnaires, newest first."""
    page = await INSTRUMENTS.fetch_page(reader, caller, filters)
    items = [{**dict(zip(SUMMARY_FIELDS, row, strict=False)), "title": row.title} for row in page.rows]
    return InstrumentList.from_trusted_items(items, **page.fields)


async def get_instrument(reader: RecordReader, instrument_id: UUID) -> InstrumentSchema:
    """Return one edition of a questionnaire.

    Raises:
        NotFound: the edition does not exist.
    """
    row = await reader.fetch_required(INSTRUMENT_QUERY, instrument_id=instrument_id)
    return InstrumentSchema(**row._asdict())


async def update_instrument(
    session: AsyncSession, instrument_id: UUID, expected_version: int, patch: InstrumentUpdate
) -> InstrumentSchema:
    """Retire an edition of a questionnaire or reactivate it.

    Raises:
        GateRefused: another edition of the questionnaire is active.
    """
    instrument = await get_version_for_update(session, Instrument, instrument_id, expected_version)
    settings = apply_patch(InstrumentSettings, {"is_active": instrument.is_active}, patch)
    if settings.is_active and await _has_other_active_edition(session, instrument):
        detail = "Another edition of this questionnaire is active. Retire that edition first."
        raise_if_unmet([Fault("/is_active", "replaced", detail)])
    instrument.is_active = settings.is_active
    return await get_instrument(await open_response_reader(session), instrument.id)


async def _has_other_active_edition(session: AsyncSession, instrument: Instrument) -> bool:
    other_edition = exists().where(
        col(Instrument.code) == instrument.code,
        col(Instrument.id) != instrument.id,
        col(Instrument.is_active),
    )
    return bool(await session.scalar(select(other_edition)))


async def score_instruments(
    session: AsyncSession,
    stored_results: dict[str, StoredInstrumentResult],
    answers_by_code: dict[str, InstrumentAnswers],
) -> dict[str, StoredInstrumentResult]:
    """Return the scored results of the answers, by questionnaire code.

    `stored_results` are the results before the change. A questionnaire that is already in `stored_results` is scored
    with the same edition again, even if that edition is retired.

    Raises:
        InvalidInput: a questionnaire is unknown or retired, or an answer is not one of its options.
    """
    results = {
        code: result
        for code, result in stored_results.items()
        if answers_by_code.get(code) == result["answers"]
    }
    changed = {code: answers for code, answers in answers_by_code.items() if code not in results}
    editions = await _find_editions(session, stored_results, set(changed))
    faults = []
    for code, answers in changed.items():
        if code not in editions:
            detail = "Use a code from `GET /v1/instruments?is_active=true`."
            faults.append(Fault(f"/instruments/{code}", "instrument_unknown", detail))
            continue
        definition = InstrumentDefinition.model_validate(editions[code].definition)
        faults += check_answers(code, definition, answers)
        results[code] = {
            "instrument_id": str(editions[code].id),
            "edition": editions[code].edition,
            **score_answers(definition, answers),
        }
    if faults:
        raise InvalidInput(faults)
    return results


async def _find_editions(
    session: AsyncSession, stored_results: dict[str, StoredInstrumentResult], codes: set[str]
) -> dict[str, Instrument]:
    """Return the edition that scores the answers, by questionnaire code.

    It is the edition of the stored result if there is one, otherwise the active edition.
    """
    if not codes:
        return {}
    scored_ids = [UUID(stored_results[code]["instrument_id"]) for code in codes & stored_results.keys()]
    is_active = col(Instrument.code).in_(codes - stored_results.keys()) & col(Instrument.is_active)
    query = select(Instrument).where(or_(col(Instrument.id).in_(scored_ids), is_active))
    return {instrument.code: instrument for instrument in await session.scalars(query)}
