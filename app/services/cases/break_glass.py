"""Break-glass: emergency read access to one case outside the caller's scope."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.database.errors import get_violated_constraint
from app.errors import NotFound
from app.kit.pagination import Paginator
from app.kit.records import get_record
from app.models import BreakGlassGrant, Case
from app.models.record import utc_now
from app.schemas.cases import BreakGlassGrant as BreakGlassGrantSchema
from app.schemas.cases import BreakGlassGrantList, BreakGlassRequest
from app.schemas.wire import PageQuery
from app.services.cases import history as case_history

BREAK_GLASS_DURATION = timedelta(hours=4)


async def open_case_with_break_glass(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: BreakGlassRequest
) -> BreakGlassGrantSchema:
    """Grant the caller read access to one case outside their scope for four hours.

    The reason is visible to the caller's supervisor and the data protection officer at once.

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
    await session.flush()  # report a database error before the response is built
    return _to_schema(grant)


async def list_break_glass_grants(
    session: AsyncSession, caller: Caller, page: PageQuery
) -> BreakGlassGrantList:
    """List the break-glass grants that the caller can see, newest first.

    A grant is visible to its user, the user's supervisors, the supervisors who can see the case, programme managers and
    data protection officers.
    """
    paginator = Paginator("break_glass", page.limit, page.cursor, {"for": caller.id})
    rows, cursor = await paginator.fetch_records(
        session, select(BreakGlassGrant), col(BreakGlassGrant.opened_at), col(BreakGlassGrant.id)
    )
    return BreakGlassGrantList(items=[_to_schema(row) for row in rows], next_cursor=cursor)


def _to_schema(grant: BreakGlassGrant) -> BreakGlassGrantSchema:
    columns = grant.model_dump(include=set(BreakGlassGrantSchema.model_fields) - {"reason"})
    return BreakGlassGrantSchema(**columns, reason=grant.reason)
