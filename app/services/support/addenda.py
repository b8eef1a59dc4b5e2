"""Addenda: texts added to a support session after it was recorded.

Clinical addenda have the same readers as clinical notes.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_case_for_share, get_record
from app.kit.state_machine import raise_if_unmet
from app.models import Case, SessionAddendum, SupportSession
from app.models.record import new_id
from app.schemas.support_session_notes import (
    SupportSessionAddendum,
    SupportSessionAddendumCreate,
    SupportSessionAddendumList,
)
from app.schemas.wire import PageQuery
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case
from app.services.support.session_states import check_support_session_recorded


async def create_support_session_addendum(
    session: AsyncSession, caller: Caller, support_session_id: UUID, payload: SupportSessionAddendumCreate
) -> SupportSessionAddendum:
    """Add an addendum to a support session.

    The staff of the case can add addenda. The worker of the session can too, even if they are not staff of the case.

    Raises:
        GateRefused: the session was not recorded as held or missed, the case is closed, or the caller is neither staff
            of the case nor the worker of the session.
        AlreadyExists: the id is taken.
    """
    case = await get_case_for_share(session, SupportSession, support_session_id)
    support_session = await get_record(session, SupportSession, support_session_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_support_session_recorded(support_session),
            *await _check_write_access(session, caller, case, support_session),
        ]
    )
    addendum = SessionAddendum(
        id=payload.id or new_id(),
        session_id=support_session.id,
        child_id=support_session.child_id,
        case_id=support_session.case_id,
        author_id=caller.id,
        tier=payload.tier,
    )
    addendum.text = payload.text
    session.add(addendum)
    await session.flush()  # report a database error before the response is built
    case_history.record_case_history(session, case, "addendum_added", caller, addendum)
    return _to_schema(addendum)


async def _check_write_access(
    session: AsyncSession, caller: Caller, case: Case, support_session: SupportSession
) -> list[Fault]:
    return [] if support_session.worker_id == caller.id else await check_works_on_case(session, case)


async def list_support_session_addenda(
    session: AsyncSession, caller: Caller, support_session_id: UUID, page: PageQuery
) -> SupportSessionAddendumList:
    """List the addenda of a support session that the caller can read, newest first.

    Raises:
        NotFound: the session does not exist, or the caller cannot see it.
    """
    await ensure_exists(session, SupportSession, support_session_id)
    paginator = Paginator(
        "addenda", page.limit, page.cursor, {"session": support_session_id, "for": caller.id}
    )
    addenda, cursor = await paginator.fetch_records(
        session,
        select(SessionAddendum).where(col(SessionAddendum.session_id) == support_session_id),
        col(SessionAddendum.created_at),
        col(SessionAddendum.id),
    )
    return SupportSessionAddendumList(
        items=[_to_schema(addendum) for addendum in addenda], next_cursor=cursor
    )


def _to_schema(addendum: SessionAddendum) -> SupportSessionAddendum:
    columns = addendum.model_dump(include=set(SupportSessionAddendum.model_fields))
    return SupportSessionAddendum(**columns, text=addendum.text)
