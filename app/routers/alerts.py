"""Endpoints of alerts."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import AlertAcknowledger, AlertReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.alerts import Alert, AlertAcknowledgement, AlertFilters, AlertList
from app.services.alerts import alerts

router = Router(prefix="/alerts", tags=["audit"])


@router.get("")
async def list_alerts(
    caller: AlertReader, reader: Reader, filters: Annotated[AlertFilters, Query()]
) -> AlertList:
    """List alerts, newest first.

    Data protection officers receive all kinds. Supervisors receive the break-glass accesses to cases of their teams and
    by members of their teams. A break-glass access raises one alert for each group of recipients.
    """
    return await alerts.list_alerts(reader, caller, filters)


@router.get("/{alert_id}")
async def get_alert(_caller: AlertReader, reader: Reader, alert_id: UUID) -> Alert:
    """Get an alert.

    If the alert is about one child, reading it is recorded in the access log of the child.
    """
    return await alerts.get_alert(reader, alert_id)


@router.post("/{alert_id}/acknowledge")
async def acknowledge_alert(
    caller: AlertAcknowledger,
    session: Session,
    alert_id: UUID,
    expected_version: ExpectedVersion,
    payload: AlertAcknowledgement,
) -> Alert:
    """Acknowledge an alert.

    The acknowledgement applies for all recipients of the alert and cannot be changed. The person whose act raised the
    alert cannot acknowledge it.
    """
    return await alerts.acknowledge_alert(session, caller, alert_id, expected_version, payload)
