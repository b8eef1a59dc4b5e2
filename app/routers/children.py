"""Children, and who saw them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ChildAccessLogReader, ChildEditor, ChildReader, ChildSearcher
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.audit import AccessEntry
from app.schemas.children import Child, ChildFilters, ChildUpdate
from app.schemas.wire import Page, PageQuery
from app.services import audit
from app.services.cases import children

router = Router(prefix="/children", tags=["children"])


@router.get("")
async def list_children(
    caller: ChildSearcher,
    session: Session,
    filters: Annotated[ChildFilters, Query()],
) -> Page[Child]:
    """List the children you see, newest first; `q` finds names in both scripts, also misspelt."""
    return await children.list_children(session, caller, filters)


@router.get("/{child_id}")
async def get_child(
    caller: ChildReader,  # noqa: ARG001 - the door
    session: Session,
    child_id: UUID,
) -> Child:
    """Read a child."""
    return await children.get_child(session, child_id)


@router.patch("/{child_id}")
async def update_child(
    caller: ChildEditor,
    session: Session,
    child_id: UUID,
    expected_version: ExpectedVersion,
    payload: ChildUpdate,
) -> Child:
    """Correct what is known of a child."""
    return await children.update_child(session, caller, child_id, expected_version, payload)


@router.get("/{child_id}/accesses")
async def list_child_access_entries(
    caller: ChildAccessLogReader,
    session: Session,
    child_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[AccessEntry]:
    """Read who saw a child, newest first."""
    return await audit.list_child_access_entries(session, caller, child_id, page)
