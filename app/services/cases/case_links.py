"""Links between the cases of two children. A link creates a conflict wall between their workers."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.errors import Fault, InvalidInput
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseLink
from app.schemas.cases import CaseLink as CaseLinkSchema
from app.schemas.cases import CaseLinkCreate, CaseLinkList
from app.schemas.wire import PageQuery
from app.services.cases.staffing_checks import check_shared_worker
from app.services.cases.write_access import check_works_on_case


async def create_case_link(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: CaseLinkCreate
) -> CaseLinkSchema:
    """Link two cases, such as those of a survivor and of a child with HSB in the same matter.

    The link creates a conflict wall: a worker of one child cannot see the cases of the other child.

    Raises:
        NotFound: The caller cannot see one of the cases.
        GateRefused: The children have a worker in common, or the caller is not staff of both cases.
        InvalidInput: Both cases belong to one child.
    """
    # Locked, so that a worker who writes to one of the cases at the same time is checked against the conflict wall. The
    # order of the ids prevents a deadlock of two requests that link the same cases.
    first, second = [
        await get_for_update(session, Case, each)
        for each in sorted((case_id, payload.linked_case_id), key=lambda each: each.bytes)
    ]
    if first.child_id == second.child_id:
        raise InvalidInput([Fault("/linked_case_id", "same_child", "Both cases belong to the same child.")])
    raise_if_unmet(await check_works_on_case(session, first) or await check_works_on_case(session, second))
    raise_if_unmet(await check_shared_worker(session, first, second))
    link = CaseLink(
        child_id=first.child_id,
        case_id=first.id,
        linked_child_id=second.child_id,
        linked_case_id=second.id,
        linked_by_id=caller.id,
    )
    link.reason = payload.reason
    session.add(link)
    await session.flush()
    await refresh_context(session)
    return _to_schema(link)


async def list_case_links(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> CaseLinkList:
    """List the links of a case's child, newest first.

    A link is visible to callers who can see both cases, and therefore not to the workers of either child.
    """
    await ensure_exists(session, Case, case_id)
    paginator = Paginator("case_links", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    child_id = select(col(Case.child_id)).where(col(Case.id) == case_id).scalar_subquery()
    involves_child = (col(CaseLink.child_id) == child_id) | (col(CaseLink.linked_child_id) == child_id)
    rows, cursor = await paginator.fetch_records(
        session, select(CaseLink).where(involves_child), col(CaseLink.linked_at), col(CaseLink.id)
    )
    return CaseLinkList(items=[_to_schema(row) for row in rows], next_cursor=cursor)


def _to_schema(link: CaseLink) -> CaseLinkSchema:
    columns = link.model_dump(include=set(CaseLinkSchema.model_fields) - {"reason"})
    return CaseLinkSchema(**columns, reason=link.reason)
