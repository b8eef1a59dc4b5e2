"""Scored questionnaires (instruments)."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from app.http.permissions import InstrumentManager, InstrumentReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.instruments import (
    Instrument,
    InstrumentCreate,
    InstrumentFilters,
    InstrumentList,
    InstrumentUpdate,
)
from app.services.assessments import instruments

router = Router(prefix="/instruments", tags=["instruments"])

InstrumentId = Annotated[UUID, Path(description="Id of the edition of the questionnaire.")]


@router.post("", status_code=201)
async def create_instrument(
    _caller: InstrumentManager,
    session: Session,
    payload: InstrumentCreate,
) -> Instrument:
    """Create a questionnaire, or its next edition.

    If a questionnaire with the code exists, the request creates its next edition and retires the active one. A stored
    definition never changes, because the answers in assessments refer to it.
    """
    return await instruments.create_instrument(session, payload)


@router.get("")
async def list_instruments(
    caller: InstrumentReader,
    reader: Reader,
    filters: Annotated[InstrumentFilters, Query()],
) -> InstrumentList:
    """List the editions of all questionnaires, newest first.

    Each item is one edition of a questionnaire, without its definition.
    """
    return await instruments.list_instruments(reader, caller, filters)


@router.get("/{instrument_id}")
async def get_instrument(
    _caller: InstrumentReader,
    reader: Reader,
    instrument_id: InstrumentId,
) -> Instrument:
    """Get an edition of a questionnaire.

    The response contains the definition: items, scoring rules and score bands.
    """
    return await instruments.get_instrument(reader, instrument_id)


@router.patch("/{instrument_id}")
async def update_instrument(
    _caller: InstrumentManager,
    session: Session,
    instrument_id: InstrumentId,
    expected_version: ExpectedVersion,
    payload: InstrumentUpdate,
) -> Instrument:
    """Retire or reactivate an edition of a questionnaire.

    Only one edition of a questionnaire can be active. A change of the definition requires a new edition.
    """
    return await instruments.update_instrument(session, instrument_id, expected_version, payload)
