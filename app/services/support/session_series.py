"""Planning a series of sessions at once: every so many weeks, at the same local time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.errors import InvalidInput
from app.kit.dates import LOCAL
from app.kit.records import find_steady
from app.kit.state_machine import refuse
from app.models import Case
from app.models.record import new_id
from app.schemas.support_sessions import SeriesIn, SeriesOut, SessionPlan, SupportSessionContent
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.support.session_checks import refuse_foreign_goals, unlikely, unmet_staffing
from app.services.support.session_states import FIRST
from app.services.support.sessions import begun, shown, write


async def plan(session: AsyncSession, actor: Actor, case_id: UUID, told: SeriesIn) -> SeriesOut:
    """Plan all sessions of a series; one line of the timeline tells of it.

    Raises:
        AlreadyExists: the series' id is taken: it was planned before.
        GateRefused: the case is closed; who is to hold them does not work on the case.
        InvalidInput: it begins or ends out of all reach, or names a goal of another case.
    """
    moments = _moments(told)
    case = await find_steady(session, Case, case_id)
    refuse([*unmet_open(case), *await unmet_staffing(session, actor, case, told, FIRST)])
    await refuse_foreign_goals(session, case, told.goal_ids)
    series_id, contacts = told.id or new_id(), []
    fields = told.model_dump(include=set(SessionPlan.model_fields))
    for number, at in enumerate(moments):
        # Ids that follow from the series': sent twice, even without an Idempotency-Key, it is still one series.
        contact = begun(case, actor, uuid5(series_id, str(number)))
        contact.series_id = series_id
        write(contact, actor, SupportSessionContent(planned_at=at, **fields))
        contacts.append(contact)
    session.add_all(contacts)
    await session.flush()  # the history names the first of them
    detail = {"kind": told.kind, "at": moments[0].isoformat(), "count": str(told.count)}
    detail |= {"series_id": str(series_id), "every_weeks": str(told.every_weeks)}
    case_history.record(session, case, "session_planned", actor, contacts[0], detail)
    return SeriesOut(series_id=series_id, items=[shown(contact, has_note=False) for contact in contacts])


def _moments(told: SeriesIn) -> list[datetime]:
    """Return when the sessions are, by the clock on the wall in Cambodia."""
    faults = unlikely("/first_at", told.first_at)
    if faults:
        raise InvalidInput(faults)
    first = told.first_at.astimezone(LOCAL)
    every = timedelta(weeks=told.every_weeks)
    moments = [(first + number * every).astimezone(UTC) for number in range(told.count)]
    faults = unlikely("/count", moments[-1])
    if faults:
        raise InvalidInput(faults)
    return moments
