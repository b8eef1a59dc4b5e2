"""Planning a series of sessions at once: every so many weeks, at the same local time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.records import get_for_share
from app.kit.state_machine import raise_if_unmet
from app.models import Case
from app.models.record import new_id
from app.schemas.support_sessions import (
    SupportSessionContent,
    SupportSessionPlan,
    SupportSessionSeries,
    SupportSessionSeriesCreate,
)
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.support.session_checks import (
    check_support_session_staffing,
    check_support_session_time,
    validate_case_goals,
)
from app.services.support.session_states import INITIAL_STATUS
from app.services.support.sessions import (
    apply_support_session_content,
    build_support_session,
    support_session_to_schema,
)


async def create_case_support_session_series(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: SupportSessionSeriesCreate
) -> SupportSessionSeries:
    """Plan all sessions of a series; one line of the timeline tells of it.

    Raises:
        AlreadyExists: the series' id is taken: it was planned before.
        GateRefused: the case is closed; who is to hold them does not work on the case.
        InvalidInput: it begins or ends out of all reach, or names a goal of another case.
    """
    moments = _session_times(payload)
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *await check_support_session_staffing(session, caller, case, payload, INITIAL_STATUS),
        ]
    )
    await validate_case_goals(session, case, payload.goal_ids)
    series_id, contacts = payload.id or new_id(), []
    fields = payload.model_dump(include=set(SupportSessionPlan.model_fields))
    for number, at in enumerate(moments):
        # Ids that follow from the series': sent twice, even without an Idempotency-Key, it is still one series.
        contact = build_support_session(case, caller, uuid5(series_id, str(number)))
        contact.series_id = series_id
        apply_support_session_content(contact, caller, SupportSessionContent(planned_at=at, **fields))
        contacts.append(contact)
    session.add_all(contacts)
    await session.flush()  # the history names the first of them
    detail = {"kind": payload.kind, "at": moments[0].isoformat(), "count": str(payload.count)}
    detail |= {"series_id": str(series_id), "every_weeks": str(payload.every_weeks)}
    case_history.record_case_history(session, case, "session_planned", caller, contacts[0], detail)
    return SupportSessionSeries(
        series_id=series_id,
        items=[support_session_to_schema(contact, has_clinical_note=False) for contact in contacts],
    )


def _session_times(payload: SupportSessionSeriesCreate) -> list[datetime]:
    """Return when the sessions are, by the clock on the wall in Cambodia."""
    faults = check_support_session_time("/first_at", payload.first_at)
    if faults:
        raise InvalidInput(faults)
    first = payload.first_at.astimezone(CAMBODIA_TIMEZONE)
    every = timedelta(weeks=payload.every_weeks)
    moments = [(first + number * every).astimezone(UTC) for number in range(payload.count)]
    faults = check_support_session_time("/count", moments[-1])
    if faults:
        raise InvalidInput(faults)
    return moments
