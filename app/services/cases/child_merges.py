"""Merge two records of one child, and undo a merge.

The cases of the merged child move to the other record, with everything that belongs to them. Its identity stays as it is,
and the record contains the id of the child into which it was merged.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, TextClause, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import session_reader
from app.errors import Fault, InvalidInput, StaleVersion
from app.fault_codes import FAULT_CODES
from app.kit.record_changes import record_field_changes
from app.kit.records import ensure_exists, get_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Child
from app.schemas.children import Child as ChildSchema
from app.schemas.children import ChildMerge, ChildUnmerge
from app.services.cases import history as case_history
from app.services.cases.children import get_child, refresh_child_search_tokens
from app.services.cases.open import lock_case_opening

LOCK_CASES_SQL = text("SELECT access.lock_cases_of_children(:children)").bindparams(
    bindparam("children", type_=ARRAY(Uuid))
)


def _with_both_children(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("child", type_=Uuid), bindparam("merged", type_=Uuid))


MERGE_OBSTACLES_SQL = _with_both_children("SELECT access.list_merge_obstacles(:child, :merged)")
MERGE_SQL = _with_both_children("SELECT access.merge_children(:child, :merged)")
UNMERGE_OBSTACLES_SQL = _with_both_children("SELECT access.list_unmerge_obstacles(:child, :merged)")
UNMERGE_SQL = _with_both_children("SELECT access.unmerge_children(:child, :merged)")
MERGE_DETAILS: Mapping[str, str] = {
    "not_your_team": "Only a supervisor of a case of each child or a programme manager can do this.",
    "child_merged": "One of the children was merged into another record. Use the id of that record instead.",
    "two_open_cases": "Both children have an open case. Close one of the cases first.",
    "children_linked": "The cases of the children are linked, so that they are two children in one matter. If the link is "
    "wrong, mark it as entered in error first.",
    "wall": "A worker of one child also works with a child that is linked with the other. Assign another worker first.",
    "not_merged": "The child is not merged into the child in the path.",
    "unmerge_too_late": "A merge can be undone only within 90 days. After that, correct the records of each case.",
}
"""Explanation of each condition that the functions of the database return."""


class ChildPair(NamedTuple):
    """The kept child, and the child that is or was merged into it."""

    child: Child
    merged: Child


async def merge_children(
    session: AsyncSession, caller: Caller, child_id: UUID, expected_version: int, payload: ChildMerge
) -> ChildSchema:
    """Merge another record of the same child into a child, and record it in the history of both.

    Raises:
        NotFound: The caller cannot see one of the children.
        StaleVersion: One of the children was changed since the caller read it.
        GateRefused: Lists every unmet condition of `MERGE_DETAILS`.
    """
    pair = await _lock_children(session, child_id, expected_version, payload)
    await _raise_if_unmet(session, MERGE_OBSTACLES_SQL, pair)
    _record_change(session, caller, pair, (None, payload.merged_child_id), payload.reason)
    await _record_in_cases(session, caller, pair, "children_merged", payload.reason)
    await session.flush()  # the history of the merged child must be written while the child still has cases
    await _call(session, MERGE_SQL, pair)
    return await get_child(session_reader(session), child_id)


async def unmerge_children(
    session: AsyncSession, caller: Caller, child_id: UUID, expected_version: int, payload: ChildUnmerge
) -> ChildSchema:
    """Undo the merge of a child: the moved cases, and cases that reopened one of them, belong to it again.

    Raises:
        NotFound: The caller cannot see one of the children.
        StaleVersion: One of the children was changed since the caller read it.
        GateRefused: Lists every unmet condition of `MERGE_DETAILS`.
    """
    pair = await _lock_children(session, child_id, expected_version, payload)
    await _raise_if_unmet(session, UNMERGE_OBSTACLES_SQL, pair)
    await _call(session, UNMERGE_SQL, pair)
    _record_change(session, caller, pair, (payload.merged_child_id, None), payload.reason)
    await _record_in_cases(session, caller, pair, "children_unmerged", payload.reason)
    await session.flush()  # the search tokens are replaced by statements without autoflush
    for child in pair:
        await refresh_child_search_tokens(session, child)
    return await get_child(session_reader(session), child_id)


async def _lock_children(
    session: AsyncSession, child_id: UUID, expected_version: int, payload: ChildMerge | ChildUnmerge
) -> ChildPair:
    """Lock the opening of cases, the cases, the consent registers and the records of both children. Compare the versions.

    Both children are locked in the order of their ids, so that two merges of the same children in opposite directions
    cannot deadlock.
    """
    if child_id == payload.merged_child_id:
        detail = "A child cannot be merged into itself."
        raise InvalidInput([Fault("/merged_child_id", "same_child", detail)])
    child_ids = sorted((child_id, payload.merged_child_id), key=lambda each: each.bytes)
    for each in child_ids:
        await ensure_exists(session, Child, each)
    for each in child_ids:
        await lock_case_opening(session, each)
    await session.execute(LOCK_CASES_SQL, {"children": child_ids})
    for each in child_ids:
        await session.execute(select(func.access.lock_consent_register(each)))
    children = {each: await get_for_update(session, Child, each) for each in child_ids}
    pair = ChildPair(children[child_id], children[payload.merged_child_id])
    if (pair.child.version, pair.merged.version) != (expected_version, payload.merged_child_version):
        raise StaleVersion
    return pair


async def _raise_if_unmet(session: AsyncSession, statement: TextClause, pair: ChildPair) -> None:
    codes = await session.scalars(statement, {"child": pair.child.id, "merged": pair.merged.id})
    raise_if_unmet([Fault(None, FAULT_CODES[code], MERGE_DETAILS[code]) for code in codes])


async def _call(session: AsyncSession, statement: TextClause, pair: ChildPair) -> None:
    await session.execute(statement, {"child": pair.child.id, "merged": pair.merged.id})


def _record_change(
    session: AsyncSession,
    caller: Caller,
    pair: ChildPair,
    merged_ids: tuple[UUID | None, UUID | None],
    reason: str,
) -> None:
    """Add an entry to the history of both children. `merged_ids` are the merged child before and after the act."""
    before, after = merged_ids
    kept_before, kept_after = (pair.child.id if each else None for each in merged_ids)
    changes: tuple[tuple[Child, str, UUID | None, UUID | None], ...] = (
        (pair.child, "merged_child_id", before, after),
        (pair.merged, "merged_into_id", kept_before, kept_after),
    )
    for child, field, old, new in changes:
        record_field_changes(
            session, caller, child, {field: _to_text(old)}, {field: _to_text(new), "reason": reason}
        )


def _to_text(record_id: UUID | None) -> str | None:
    return None if record_id is None else str(record_id)


async def _record_in_cases(
    session: AsyncSession, caller: Caller, pair: ChildPair, kind: str, reason: str
) -> None:
    """Add an entry to the history of each visible case of both children."""
    query = select(Case).where(col(Case.child_id).in_([child.id for child in pair]))
    for case in await session.scalars(query.execution_options(populate_existing=True)):
        case_history.record_case_history(session, case, kind, caller, pair.child, {"reason": reason})
