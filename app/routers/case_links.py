"""Endpoints of relations between the cases of two children: links with a conflict wall, and siblings without one."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import CaseEditor, CaseLinker, CaseReader
from app.http.route import Router
from app.http.session import Reader, Session
from app.schemas.case_links import CaseLink, CaseLinkCreate, CaseLinkFilters, CaseLinkList
from app.schemas.case_siblings import CaseSibling, CaseSiblingCreate, CaseSiblingFilters, CaseSiblingList
from app.services.cases import case_links, case_siblings

router = Router(prefix="/cases", tags=["cases"])


@router.post("/{case_id}/links", status_code=201)
async def create_case_link(
    caller: CaseLinker,
    session: Session,
    case_id: UUID,
    payload: CaseLinkCreate,
) -> CaseLink:
    """Link the cases of two children.

    The link creates a conflict wall: a worker of one child cannot see the cases of the other child. The caller
    must be staff of both cases, and the children must not have a worker in common.
    """
    return await case_links.create_case_link(session, caller, case_id, payload)


@router.get("/{case_id}/links")
async def list_case_links(
    caller: CaseLinker,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[CaseLinkFilters, Query()],
) -> CaseLinkList:
    """List the links of a case, newest first.

    The list contains the links of all cases of the case's child. A link is visible only to callers who can see both
    cases.
    """
    return await case_links.list_case_links(reader, caller, case_id, filters)


@router.post("/{case_id}/siblings", status_code=201)
async def create_case_sibling(
    caller: CaseEditor,
    session: Session,
    case_id: UUID,
    payload: CaseSiblingCreate,
) -> CaseSibling:
    """Record that another case is the case of a sibling.

    Use it for siblings and other children of one household. Unlike a link, it creates no conflict wall: one worker can work
    with both children. The caller must be staff of this case and be able to see the other case.
    """
    return await case_siblings.create_case_sibling(session, caller, case_id, payload)


@router.get("/{case_id}/siblings")
async def list_case_siblings(
    caller: CaseReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[CaseSiblingFilters, Query()],
) -> CaseSiblingList:
    """List the cases of siblings, newest first.

    The list contains the siblings that were recorded for any case of the same child. A pair is visible only to callers who
    can see both cases.
    """
    return await case_siblings.list_case_siblings(reader, caller, case_id, filters)
