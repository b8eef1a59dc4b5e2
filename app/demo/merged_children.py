"""Simulate two merges of children, one of which is undone. Like all merges, they happen at the present time."""

from uuid import UUID

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import people as demo_people
from app.demo.organisation import DemoContext
from app.schemas.children import Child, ChildMerge, ChildUnmerge
from app.services.cases import cases, child_merges, children

MERGE_REASON = "Two partners referred the same child, under two spellings of the name."
UNMERGE_REASON = "The grandmother says that they are cousins with the same name."


async def simulate_merge(
    context: DemoContext, case_id: UUID, merged_case_id: UUID, *, is_undone: bool
) -> None:
    """Merge the child of a closed case into the child of another case, and undo the merge if `is_undone`."""
    child, merged = [await _get_child(context, each) for each in (case_id, merged_case_id)]
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.child_merge) as (
        session,
        caller,
    ):
        payload = ChildMerge(
            merged_child_id=merged.id, merged_child_version=merged.version, reason=MERGE_REASON
        )
        child = await child_merges.merge_children(session, caller, child.id, child.version, payload)
    if is_undone:
        async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.child_unmerge) as (
            session,
            caller,
        ):
            merged = await children.get_child(session_reader(session), merged.id)
            reversal = ChildUnmerge(
                merged_child_id=merged.id, merged_child_version=merged.version, reason=UNMERGE_REASON
            )
            await child_merges.unmerge_children(session, caller, child.id, child.version, reversal)


async def _get_child(context: DemoContext, case_id: UUID) -> Child:
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.child_read) as (session, _):
        case = await cases.get_case(session_reader(session), case_id)
        return await children.get_child(session_reader(session), case.child_id)
