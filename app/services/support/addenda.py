"""Addenda: what is added to a session that is not changed any more; those of the clinical tier are read like its note."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.pagination import Paging
from app.kit.records import find, require, steady_case
from app.kit.state_machine import refuse
from app.models import Case, SessionAddendum, SupportSession
from app.models.record import new_id
from app.schemas.support_sessions import AddendumIn, AddendumOut
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.cases.write_access import unmet_working
from app.services.support.session_states import unmet_recorded


async def add(session: AsyncSession, actor: Actor, session_id: UUID, told: AddendumIn) -> AddendumOut:
    """Add something to a session: whoever works on the case may, and who held it.

    Raises:
        GateRefused: the session was not held or missed yet, the case is closed, or the actor only looks at it.
    """
    case = await steady_case(session, SupportSession, session_id)
    contact = await find(session, SupportSession, session_id)
    refuse([*unmet_open(case), *unmet_recorded(contact), *await _unmet_part(session, actor, case, contact)])
    addendum = SessionAddendum(
        id=told.id or new_id(),
        session_id=contact.id,
        child_id=contact.child_id,
        case_id=contact.case_id,
        author_id=actor.id,
        tier=told.tier,
    )
    seal(addendum, "sealed", told.text)
    session.add(addendum)
    await session.flush()  # the history names it
    case_history.record(session, case, "addendum_added", actor, addendum)
    return _shown(addendum)


async def _unmet_part(
    session: AsyncSession, actor: Actor, case: Case, contact: SupportSession
) -> list[Fault]:
    return [] if contact.worker_id == actor.id else await unmet_working(session, case)


async def listed(session: AsyncSession, actor: Actor, session_id: UUID, page: PageQuery) -> Page[AddendumOut]:
    """List what was added to a session, newest first, as far as the actor reads its tier."""
    await require(session, SupportSession, session_id)
    paging = Paging("addenda", page.limit, page.cursor, {"session": session_id, "for": actor.id})
    rows, cursor = await paging.records(
        session,
        select(SessionAddendum).where(col(SessionAddendum.session_id) == session_id),
        col(SessionAddendum.created_at),
        col(SessionAddendum.id),
    )
    return Page(items=[_shown(addendum) for addendum in rows], next_cursor=cursor)


def _shown(addendum: SessionAddendum) -> AddendumOut:
    plain = addendum.model_dump(include=set(AddendumOut.model_fields))
    return AddendumOut(**plain, text=unseal(addendum))
