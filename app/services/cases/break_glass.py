"""Break-glass: emergency read access to one case outside the caller's scope."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.access.permissions import Permission
from app.access.reader import ReadQuery, RecordReader, ShownRecord, session_reader
from app.database.errors import get_violated_constraint
from app.errors import NotFound
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import get_record
from app.kit.reference_names import case_number, staff_names, to_case_ref, to_staff_refs
from app.models import BreakGlassGrant, Case
from app.models.record import utc_now
from app.schemas.break_glass import BreakGlassFilters, BreakGlassGrantList, BreakGlassRequest
from app.schemas.break_glass import BreakGlassGrant as BreakGlassGrantSchema
from app.services.alerts.creation import AlertReason, raise_alert
from app.services.cases import history as case_history

BREAK_GLASS_DURATION = timedelta(hours=4)
COLUMN_FIELDS = [name for name in BreakGlassGrantSchema.model_fields if name in BreakGlassGrant.model_fields]
GRANT_COLUMNS = select(
    *(getattr(BreakGlassGrant, name) for name in COLUMN_FIELDS),
    *staff_names(BreakGlassGrant, "user"),
    case_number(col(BreakGlassGrant.case_id)).label("case_number"),
    col(BreakGlassGrant.reason_encrypted),
)
GRANT_QUERY = ReadQuery(
    GRANT_COLUMNS.where(col(BreakGlassGrant.id) == bindparam("grant_id")), shows=ShownRecord("break_glass")
)
GRANTS = ListQuery(
    "break_glass",
    BreakGlassGrant,
    GRANT_COLUMNS,
    filters={
        "case_id": col(BreakGlassGrant.case_id) == bindparam("case_id"),
        "user_id": is_one_of(col(BreakGlassGrant.user_id), "user_id"),
        "since": col(BreakGlassGrant.opened_at) >= bindparam("since"),
        "until": col(BreakGlassGrant.opened_at) < bindparam("until"),
    },
    sorts={"opened_at": col(BreakGlassGrant.opened_at)},
    default_sort="-opened_at",
    shows=ShownRecord("break_glass"),
)


async def open_case_with_break_glass(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: BreakGlassRequest
) -> BreakGlassGrantSchema:
    """Grant the caller read access to one case outside their scope for four hours.

    The reason is visible to the caller's supervisor and the data protection officer immediately.

    Raises:
        NotFound: The case does not exist, or a conflict wall excludes the caller from it.
    """
    opened_at = utc_now()
    grant = BreakGlassGrant(
        case_id=case_id, user_id=caller.id, opened_at=opened_at, expires_at=opened_at + BREAK_GLASS_DURATION
    )
    grant.reason = payload.reason
    session.add(grant)
    try:
        await session.flush()
    except IntegrityError as error:
        if get_violated_constraint(error) == "fk_break_glass_case_id":
            raise NotFound from error
        raise
    await refresh_context(session)  # the grant makes the case visible, unless a conflict wall hides it
    case = await get_record(session, Case, case_id)
    grant.child_id = case.child_id
    case_history.record_case_history(session, case, "break_glass", caller, grant, {"reason": payload.reason})
    await session.flush()  # the query of the response runs without autoflush
    await _raise_break_glass_alerts(session, caller, case, grant)
    row = await session_reader(session).fetch_required(GRANT_QUERY, grant_id=grant.id)
    return BreakGlassGrantSchema(**_row_to_fields(row))


async def _raise_break_glass_alerts(
    session: AsyncSession, caller: Caller, case: Case, grant: BreakGlassGrant
) -> None:
    """Alert the data protection officers, the supervisors of the case's team, and the supervisors of the caller."""
    reason = AlertReason(
        "break_glass",
        Permission.case_break_glass,
        "break_glass",
        grant.id,
        child_id=case.child_id,
        case_id=case.id,
    )
    teams = {case.team_id, *(caller.team_ids - caller.supervised_team_ids)}
    await raise_alert(session, caller, reason, teams)


async def list_break_glass_grants(
    reader: RecordReader, caller: Caller, filters: BreakGlassFilters
) -> BreakGlassGrantList:
    """List the break-glass grants that the caller can see, newest first.

    A grant is visible to its user, the user's supervisors, the supervisors who can see the case, programme managers and
    data protection officers.
    """
    page = await GRANTS.fetch_page(reader, caller, filters)
    return BreakGlassGrantList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "user"),
        "case": to_case_ref(row.case_id, row.case_number),
        "reason": BreakGlassGrant.reason.decrypt(row.id, row.reason_encrypted),
    }
