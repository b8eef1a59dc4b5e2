"""Plan a series of support sessions on the same weekday and at the same local time, at an interval of some weeks."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.reader import session_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.records import get_for_share
from app.kit.state_machine import raise_if_unmet
from app.models import Case
from app.models.record import new_id, utc_now
from app.schemas.dates import DAYS_PER_YEAR, PLAN
from app.schemas.support_sessions import (
    SupportSessionContent,
    SupportSessionPlan,
    SupportSessionSeries,
    SupportSessionSeriesCreate,
)
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.persons.life_dates import validate_after_birth
from app.services.support.session_checks import (
    check_support_session_staffing,
    validate_case_goals,
)
from app.services.support.session_responses import load_series
from app.services.support.session_states import INITIAL_STATUS
from app.services.support.sessions import (
    apply_support_session_content,
    build_support_session,
)

PLANNING_HORIZON = timedelta(days=PLAN.years_ahead * DAYS_PER_YEAR)
"""Maximum time between today and the last session of a series, as for a single planned session."""


async def create_case_support_session_series(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: SupportSessionSeriesCreate
) -> SupportSessionSeries:
    """Plan all sessions of a series. The case history gets one entry for the whole series.

    Raises:
        AlreadyExists: the id of the series is taken.
        GateRefused: the case is closed, or the caller or the worker is not staff of the case.
        InvalidInput: the series begins or ends out of bounds or before the birth of the child, or a goal belongs to another case.
    """
    times = _compute_session_times(payload)
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *await check_support_session_staffing(session, caller, case, payload, INITIAL_STATUS),
        ]
    )
    await validate_case_goals(session, case, payload.goal_ids)
    await validate_after_birth(session, case.child_id, {"/first_at": payload.first_at})
    series_id, support_sessions = payload.id or new_id(), []
    fields = payload.model_dump(include=set(SupportSessionPlan.model_fields))
    for number, time in enumerate(times):
        # The ids are derived from the id of the series. If the client chose that id, the same request sent twice fails
        # with AlreadyExists, even without an Idempotency-Key.
        support_session = build_support_session(case, caller, uuid5(series_id, str(number)))
        support_session.series_id = series_id
        apply_support_session_content(
            support_session, caller, SupportSessionContent(planned_at=time, **fields)
        )
        support_sessions.append(support_session)
    session.add_all(support_sessions)
    await session.flush()  # the query of the response runs without autoflush
    detail = {"kind": payload.kind, "at": times[0].isoformat(), "count": str(payload.count)}
    detail |= {"series_id": str(series_id), "every_weeks": str(payload.every_weeks)}
    case_history.record_case_history(session, case, "session_planned", caller, support_sessions[0], detail)
    items = await load_series(session_reader(session), series_id)
    return SupportSessionSeries(series_id=series_id, items=items)


def _compute_session_times(payload: SupportSessionSeriesCreate) -> list[datetime]:
    """Return the times of the sessions in UTC. The intervals are computed in local time.

    Raises:
        InvalidInput: the last session is more than five years ahead.
    """
    first = payload.first_at.astimezone(CAMBODIA_TIMEZONE)
    interval = timedelta(weeks=payload.every_weeks)
    times = [(first + number * interval).astimezone(UTC) for number in range(payload.count)]
    if times[-1] > utc_now() + PLANNING_HORIZON:
        detail = "The last session must not be more than five years ahead."
        raise InvalidInput([Fault("/count", "date_too_late", detail)])
    return times
