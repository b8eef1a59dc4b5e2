"""List, read and acknowledge alerts. The row policies decide which alerts a caller receives."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.errors import Fault
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.list_query import COUNTED, MAX_TOTAL, ListQuery, is_one_of
from app.kit.records import get_record, get_version_for_update
from app.kit.reference_names import case_number, person_name, staff_names, team_name, to_case_ref, to_ref
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import Alert, ApiClient
from app.models.record import utc_now
from app.schemas.alerts import Alert as AlertSchema
from app.schemas.alerts import AlertAcknowledgement, AlertFilters, AlertList

COLUMN_FIELDS = [name for name in AlertSchema.model_fields if name in Alert.model_fields and name != "note"]
CLIENT_NAME = select(col(ApiClient.name)).where(col(ApiClient.id) == col(Alert.actor_id)).scalar_subquery()
IS_ACKNOWLEDGED = col(Alert.acknowledged_at).is_not(None)
UNACKNOWLEDGED = select(col(Alert.id)).where(~IS_ACKNOWLEDGED).limit(MAX_TOTAL)
UNACKNOWLEDGED_COUNT_QUERY = ReadQuery(
    select(func.count().label("number")).select_from(UNACKNOWLEDGED.subquery()), shows=COUNTED
)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "actor": {"id": row.actor_id, "name": row.actor_name},
        "team": to_ref(row.team_id, row.team_name),
        "record": row.record_id and {"kind": row.record_kind or "record", "id": row.record_id},
        "case": row.case_id and to_case_ref(row.case_id, row.case_number),
        "accesses": _build_log_path(row),
        "acknowledged_by": to_ref(row.acknowledged_by_id, row.acknowledged_by_name),
        "note": row.note_encrypted and Alert.note.decrypt(row.id, row.note_encrypted),
    }


def _build_log_path(row: Any) -> str:
    """Return the path of the log entries of the actor, and of the child if there is one, on the day of the act."""
    occurred_at: datetime = row.occurred_at
    day = occurred_at.astimezone(CAMBODIA_TIMEZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = (f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for moment in (day, day + timedelta(days=1)))
    child = f"&child_id={row.child_id}" if row.child_id else ""
    # An operator on the command line has no id.
    actor = f"actor_id={row.actor_id}" if row.actor_id else f"act={row.act}"
    return f"/v1/audit/accesses?{actor}&from={start}&to={end}{child}"


ALERTS = Resource(
    ListQuery(
        "alerts",
        Alert,
        select(
            *(getattr(Alert, name) for name in COLUMN_FIELDS),
            col(Alert.actor_id),
            func.coalesce(person_name(col(Alert.actor_id)), CLIENT_NAME).label("actor_name"),
            col(Alert.team_id),
            team_name(col(Alert.team_id)).label("team_name"),
            col(Alert.record_kind),
            col(Alert.record_id),
            case_number(col(Alert.case_id)).label("case_number"),
            col(Alert.acknowledged_by_id),
            *staff_names(Alert, "acknowledged_by"),
            col(Alert.note_encrypted),
            case((col(Alert.child_id).is_not(None), col(Alert.id))).label("shown_id"),
        ),
        filters={
            "kind": is_one_of(col(Alert.kind), "kind"),
            "acknowledged": {True: IS_ACKNOWLEDGED, False: ~IS_ACKNOWLEDGED},
            "since": col(Alert.created_at) >= bindparam("since"),
            "until": col(Alert.created_at) < bindparam("until"),
        },
        sorts={"created_at": col(Alert.created_at)},
        # An alert without a child contains nothing about a child.
        shows=ShownRecord("alert", record_id="shown_id"),
    ),
    AlertSchema,
    AlertList,
    _row_to_fields,
)


async def list_alerts(reader: RecordReader, caller: Caller, filters: AlertFilters) -> AlertList:
    """List the alerts that the caller receives, newest first."""
    return await ALERTS.list_page(reader, caller, filters)


async def get_alert(reader: RecordReader, alert_id: UUID) -> AlertSchema:
    """Return one alert."""
    return await ALERTS.get(reader, alert_id)


async def count_unacknowledged_alerts(reader: RecordReader) -> int:
    """Count the unacknowledged alerts that the caller receives, up to the maximum of a total."""
    return int((await reader.fetch_required(UNACKNOWLEDGED_COUNT_QUERY)).number)


async def acknowledge_alert(
    session: AsyncSession,
    caller: Caller,
    alert_id: UUID,
    expected_version: int,
    payload: AlertAcknowledgement,
) -> AlertSchema:
    """Acknowledge an alert, with an optional note.

    Raises:
        GateRefused: the alert is acknowledged already, or it is about an act of the caller.
    """
    await get_record(session, Alert, alert_id)
    alert = await get_version_for_update(session, Alert, alert_id, expected_version)
    raise_if_unmet(_check_acknowledgement(alert, caller))
    alert.acknowledged_at, alert.acknowledged_by_id, alert.note = utc_now(), caller.id, payload.note
    return await ALERTS.save(session, alert)


def _check_acknowledgement(alert: Alert, caller: Caller) -> list[Fault]:
    unmet = []
    if alert.acknowledged_at is not None:
        unmet.append(Fault("/acknowledged_at", "already_acknowledged", "The alert is acknowledged already."))
    if alert.actor_id == caller.id:
        unmet.append(Fault("/actor", "own_work", "Another recipient must acknowledge an alert about you."))
    return unmet
