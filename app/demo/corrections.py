"""Simulate corrections: a session that was recorded for the wrong child, and changed details of a child."""

from datetime import UTC, date, timedelta

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo.case_simulation import CaseSimulation
from app.schemas.children import ChildUpdate
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.support_sessions import SupportSessionCreate
from app.services import corrections
from app.services.cases import cases, children
from app.services.support import sessions as support_sessions

LIVING_ARRANGEMENTS = ("both_parents", "one_parent", "relatives", "foster_family")


async def simulate_corrections(simulation: CaseSimulation, day: date) -> None:
    """Mark a visit as entered in error in some cases, and change the living arrangement of the child in others."""
    number = simulation.scenario.number
    if number % 7 == 3:
        await _simulate_wrong_visit(simulation, day)
    if number % 4 == 1:
        await _simulate_moves(simulation, day)


async def _simulate_wrong_visit(simulation: CaseSimulation, day: date) -> None:
    async with simulation.run_as(simulation.worker, Permission.record_enter_in_error, day) as (
        session,
        caller,
    ):
        held_at = simulation.last_action_at.astimezone(UTC) - timedelta(hours=1)
        visit = SupportSessionCreate.model_validate(
            {"kind": "home_visit", "held_at": held_at.replace(microsecond=0).isoformat(), "summary": "Visit."}
        )
        created = await support_sessions.create_case_support_session(
            session, caller, simulation.case_id, visit
        )
        reason = ErrorMarkCreate(reason="The visit was to another child with the same name.")
        await corrections.mark_support_session(session, caller, created.id, created.version, reason)


async def _simulate_moves(simulation: CaseSimulation, day: date) -> None:
    """Change the living arrangement twice, so that the history of the child has two entries."""
    first = simulation.scenario.number // 4 % (len(LIVING_ARRANGEMENTS) - 1)
    for index in (first, first + 1):
        async with simulation.run_as(simulation.worker, Permission.child_change, day) as (session, caller):
            case = await cases.get_case(session_reader(session), simulation.case_id)
            child = await children.get_child(session_reader(session), case.child_id)
            changes = ChildUpdate.model_validate({"living_arrangement": LIVING_ARRANGEMENTS[index]})
            await children.update_child(session, caller, child.id, child.version, changes)
