"""Links between the cases of two children; a link builds the conflict wall between their workers."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_record
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseLink
from app.schemas.cases import CaseLink as CaseLinkSchema
from app.schemas.cases import CaseLinkCreate
from app.schemas.wire import Page, PageQuery
from app.services.cases.staffing_checks import check_shared_worker
from app.services.cases.write_access import check_works_on_case


async def create_case_link(
    session: AsyncSession, caller: Caller, case_id: UUID, linking: CaseLinkCreate
) -> CaseLinkSchema:
    """Link two cases (a survivor's and that of a child with HSB): from now on a wall stands between their workers.

    Raises:
        NotFound: the actor does not see both.
        GateRefused: they share a worker: assign another first; the actor decides for one of them, or for none.
    """
    case, other = (
        await get_record(session, Case, case_id),
        await get_record(session, Case, linking.linked_case_id),
    )
    if case.child_id == other.child_id:
        raise InvalidInput([Fault("/linked_case_id", "same_child", "These are cases of one child.")])
    one, two = sorted((case, other), key=lambda c: c.id.bytes)
    raise_if_unmet(await check_works_on_case(session, case) or await check_works_on_case(session, other))
    raise_if_unmet(await check_shared_worker(session, one, two))
    made = CaseLink(
        child_id=one.child_id,
        case_id=one.id,
        linked_child_id=two.child_id,
        linked_case_id=two.id,
        linked_by_id=caller.id,
    )
    encrypt(made, "reason_sealed", linking.reason)
    session.add(made)
    await session.flush()  # the answer shows what was stored
    return _link_to_schema(made)


async def list_case_links(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> Page[CaseLinkSchema]:
    """List the links of a case's child; who works on one side of a wall does not learn of it."""
    await ensure_exists(session, Case, case_id)
    paging = Paginator("case_links", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    child = select(col(Case.child_id)).where(col(Case.id) == case_id).scalar_subquery()
    here = (col(CaseLink.child_id) == child) | (col(CaseLink.linked_child_id) == child)
    rows, cursor = await paging.fetch_records(
        session, select(CaseLink).where(here), col(CaseLink.linked_at), col(CaseLink.id)
    )
    return Page(items=[_link_to_schema(row) for row in rows], next_cursor=cursor)


def _link_to_schema(made: CaseLink) -> CaseLinkSchema:
    plain: dict[str, Any] = made.model_dump(include=set(CaseLinkSchema.model_fields) - {"reason"})
    return CaseLinkSchema(**plain, reason=decrypt(made, "reason_sealed"))
