"""Children and their access logs."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ChildAccessLogReader, ChildEditor, ChildReader, ChildSearcher
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.audit import AccessEntryList
from app.schemas.children import Child, ChildFilters, ChildList, ChildUpdate
from app.schemas.wire import PageQuery
from app.services import audit
from app.services.cases import children

router = Router(prefix="/children", tags=["children"])


@router.get("")
async def list_children(
    caller: ChildSearcher,
    reader: Reader,
    filters: Annotated[ChildFilters, Query()],
) -> ChildList:
    """List children.

    Returns the children that the caller can see. The child whose first case was created last comes first; only cases
    that the caller can see count. `q` searches names and nicknames in Khmer and Latin script, tolerates spelling
    differences, and also finds phone numbers. With `q`, the best match comes first. `cases` contains the visible cases of
    each child with status and lead worker.
    """
    return await children.list_children(reader, caller, filters)


@router.get("/{child_id}")
async def get_child(
    _caller: ChildReader,
    reader: Reader,
    child_id: UUID,
) -> Child:
    """Get a child.

    Returns the identity of the child and its cases that the caller can see.
    """
    return await children.get_child(reader, child_id)


@router.patch("/{child_id}")
async def update_child(
    caller: ChildEditor,
    session: Session,
    child_id: UUID,
    expected_version: ExpectedVersion,
    payload: ChildUpdate,
) -> Child:
    """Update the identity of a child.

    The caller must be staff of one of the child's cases. The change is recorded in the history of the child's cases.
    """
    return await children.update_child(session, caller, child_id, expected_version, payload)


@router.get("/{child_id}/accesses")
async def list_child_access_entries(
    caller: ChildAccessLogReader,
    reader: Reader,
    child_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> AccessEntryList:
    """List the access entries of a child, newest first.

    Returns the requests that read or changed data of the child, with their callers.
    """
    return await audit.list_child_access_entries(reader, caller, child_id, page)
