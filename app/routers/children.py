"""Children and their access logs."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    ChildAccessLogReader,
    ChildEditor,
    ChildHistoryReader,
    ChildMerger,
    ChildReader,
    ChildSearcher,
    ChildUnmerger,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.audit import AccessEntryList
from app.schemas.child_history import ChildHistory, ChildHistoryFilters
from app.schemas.children import Child, ChildFilters, ChildList, ChildMerge, ChildUnmerge, ChildUpdate
from app.schemas.wire import PageQuery
from app.services import audit
from app.services.cases import child_history, child_merges, children

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


@router.get("/{child_id}/history")
async def list_child_history(
    caller: ChildHistoryReader,
    reader: Reader,
    child_id: UUID,
    filters: Annotated[ChildHistoryFilters, Query()],
) -> ChildHistory:
    """List the changes of a child, newest first.

    Each entry contains the values before and after a change of the child's identity, of a case, or of a person around the
    child. An entry is visible to the callers who can see the record.
    """
    return await child_history.list_child_history(reader, caller, child_id, filters)


@router.get("/{child_id}")
async def get_child(
    _caller: ChildReader,
    reader: Reader,
    child_id: UUID,
) -> Child:
    """Get a child.

    Returns the identity of the child and its cases that the caller can see. A child that was merged into another record
    has no cases, and `merged_into_id` names that record.
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


@router.post("/{child_id}/merge")
async def merge_children(
    caller: ChildMerger,
    session: Session,
    child_id: UUID,
    expected_version: ExpectedVersion,
    payload: ChildMerge,
) -> Child:
    """Merge another record of the same child into a child.

    The cases of the merged child move to the child in the path, with their referrals, people, consents and documents. The
    merged record keeps its identity and its history, and its `merged_into_id` is the id of the child in the path. A search
    for the names of the merged record finds this child. `If-Match` contains the version of the child in the path. The
    caller must be a supervisor of a case of each child, or a programme manager. The merge can be undone for 90 days.
    """
    return await child_merges.merge_children(session, caller, child_id, expected_version, payload)


@router.post("/{child_id}/unmerge")
async def unmerge_children(
    caller: ChildUnmerger,
    session: Session,
    child_id: UUID,
    expected_version: ExpectedVersion,
    payload: ChildUnmerge,
) -> Child:
    """Undo the merge of a child into the child in the path, within 90 days.

    The cases that the merge moved belong to the merged child again, with all their records and with cases that reopened
    one of them. Other cases that were opened after the merge stay. The caller must be a supervisor of a case that returns
    and of one that stays, or a programme manager.
    """
    return await child_merges.unmerge_children(session, caller, child_id, expected_version, payload)


@router.get("/{child_id}/accesses")
async def list_child_access_entries(
    caller: ChildAccessLogReader,
    reader: Reader,
    child_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> AccessEntryList:
    """List the access entries of a child, newest first.

    Returns the requests that read or changed data of the child, with their callers. For a data protection officer, they
    include those of records that were merged into the child.
    """
    return await audit.list_child_access_entries(reader, caller, child_id, page)
