"""Scored questionnaires, as administrators configure them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import InstrumentManager, InstrumentReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.instruments import (
    Instrument,
    InstrumentCreate,
    InstrumentFilters,
    InstrumentSummary,
    InstrumentUpdate,
)
from app.schemas.wire import Page
from app.services.assessments import instruments

router = Router(prefix="/instruments", tags=["instruments"])


@router.post("", status_code=201)
async def create_instrument(
    _caller: InstrumentManager,
    session: Session,
    payload: InstrumentCreate,
) -> Instrument:
    """Add a questionnaire, or the next edition of one, which takes its place."""
    return await instruments.create_instrument(session, payload)


@router.get("")
async def list_instruments(
    _caller: InstrumentReader,
    session: Session,
    filters: Annotated[InstrumentFilters, Query()],
) -> Page[InstrumentSummary]:
    """List the questionnaires, newest first."""
    return await instruments.list_instruments(session, filters)


@router.get("/{instrument_id}")
async def get_instrument(
    _caller: InstrumentReader,
    session: Session,
    instrument_id: UUID,
) -> Instrument:
    """Read one edition of a questionnaire."""
    return await instruments.get_instrument(session, instrument_id)


@router.patch("/{instrument_id}")
async def update_instrument(
    _caller: InstrumentManager,
    session: Session,
    instrument_id: UUID,
    expected_version: ExpectedVersion,
    payload: InstrumentUpdate,
) -> Instrument:
    """Retire an edition, or bring it back; anything else about it is a new edition."""
    return await instruments.update_instrument(session, instrument_id, expected_version, payload)
