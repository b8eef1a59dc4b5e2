"""Raise alerts: in the transaction of the act, or by the periodic search of the access log."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.kit.jobs import JobKind
from app.models import Alert
from app.services.alerts.notifications import notify_recipients

RAISE_FROM_LOG_SQL = text("SELECT access.raise_alerts()")
SEARCH_TIMEOUT_SQL = text("SET LOCAL statement_timeout = '80s'")
"""The search of the log after an interruption of several days takes longer than a request may."""


@dataclass(frozen=True, slots=True)
class AlertReason:
    """The act and the record that raise an alert."""

    kind: Literal["break_glass"]
    act: Permission
    record_kind: str
    record_id: UUID
    child_id: UUID | None = None
    case_id: UUID | None = None


async def raise_alert(
    session: AsyncSession, caller: Caller, reason: AlertReason, team_ids: Collection[UUID] = ()
) -> None:
    """Raise an alert about the act of the current request, for the data protection officers and supervisors of teams.

    The alert is part of the transaction of the request: it is not raised if the request is rejected. `reason.act` must be
    the act of the request.
    """
    alerts = [_build_alert(caller, reason, team_id) for team_id in (None, *team_ids)]
    statement = insert(Alert).values([alert.model_dump() for alert in alerts]).on_conflict_do_nothing()
    result: CursorResult[Any] = await session.execute(statement)  # type: ignore[assignment]  # an INSERT
    if result.rowcount:
        await notify_recipients(session, team_ids, except_user_id=caller.id)


def _build_alert(caller: Caller, reason: AlertReason, team_id: UUID | None) -> Alert:
    return Alert(
        kind=reason.kind,
        key=f"{reason.kind}:{reason.record_id}:{team_id or ''}",
        team_id=team_id,
        actor_id=caller.id,
        act=reason.act,
        record_kind=reason.record_kind,
        record_id=reason.record_id,
        child_id=reason.child_id,
        case_id=reason.case_id,
    )


async def raise_alerts_from_log(session: AsyncSession, _: Mapping[str, Any]) -> None:
    """Search the new entries of the access log, and raise alerts for the data protection officers."""
    await session.execute(SEARCH_TIMEOUT_SQL)
    if await session.scalar(RAISE_FROM_LOG_SQL):
        await notify_recipients(session)


ALERT_SEARCH = JobKind("alert_search", raise_alerts_from_log, period=timedelta(minutes=2))
