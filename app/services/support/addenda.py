"""Addenda: what is added to a session that is not changed any more; those of the clinical tier are read like its note."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_case_for_share, get_record
from app.kit.state_machine import raise_if_unmet
from app.models import Case, SessionAddendum, SupportSession
from app.models.record import new_id
from app.schemas.support_sessions import SupportSessionAddendum, SupportSessionAddendumCreate
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case
from app.services.support.session_states import check_support_session_recorded


async def create_support_session_addendum(
    session: AsyncSession, caller: Caller, session_id: UUID, payload: SupportSessionAddendumCreate
) -> SupportSessionAddendum:
    """Add something to a session: whoever works on the case may, and who held it.

    Raises:
        GateRefused: the session was not held or missed yet, the case is closed, or the actor only looks at it.
    """
    case = await get_case_for_share(session, SupportSession, session_id)
    contact = await get_record(session, SupportSession, session_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_support_session_recorded(contact),
            *await _check_write_access(session, caller, case, contact),
        ]
    )
    addendum = SessionAddendum(
        id=payload.id or new_id(),
        session_id=contact.id,
        child_id=contact.child_id,
        case_id=contact.case_id,
        author_id=caller.id,
        tier=payload.tier,
    )
    encrypt(addendum, "sealed", payload.text)
    session.add(addendum)
    await session.flush()  # the history names it
    case_history.record_case_history(session, case, "addendum_added", caller, addendum)
    return _to_schema(addendum)


async def _check_write_access(
    session: AsyncSession, caller: Caller, case: Case, contact: SupportSession
) -> list[Fault]:
    return [] if contact.worker_id == caller.id else await check_works_on_case(session, case)


async def list_support_session_addenda(
    session: AsyncSession, caller: Caller, session_id: UUID, page: PageQuery
) -> Page[SupportSessionAddendum]:
    """List what was added to a session, newest first, as far as the actor reads its tier."""
    await ensure_exists(session, SupportSession, session_id)
    paging = Paginator("addenda", page.limit, page.cursor, {"session": session_id, "for": caller.id})
    rows, cursor = await paging.fetch_records(
        session,
        select(SessionAddendum).where(col(SessionAddendum.session_id) == session_id),
        col(SessionAddendum.created_at),
        col(SessionAddendum.id),
    )
    return Page(items=[_to_schema(addendum) for addendum in rows], next_cursor=cursor)


def _to_schema(addendum: SessionAddendum) -> SupportSessionAddendum:
    plain = addendum.model_dump(include=set(SupportSessionAddendum.model_fields))
    return SupportSessionAddendum(**plain, text=decrypt(addendum))
