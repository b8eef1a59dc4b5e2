"""Reopening: a child comes back, and gets a new case that follows on the closed one."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import Birth, today
from app.kit.records import find, find_for_change
from app.kit.state_machine import refuse
from app.models import Case, Child, Person, Team
from app.models.record import now
from app.schemas.cases import CaseOut
from app.schemas.exit_plans import Reopening
from app.services.cases import history as case_history
from app.services.cases import open as cases_open
from app.services.cases.cases import shown
from app.services.cases.conflict_walls import unmet_wall
from app.services.cases.staffing import OPEN_CASE, unmet_fitness, unmet_leading

CARRIED = {"role", "relationship", "is_responsible"}
"""What stands in the open about a person, and comes along."""


async def reopen(session: AsyncSession, actor: Actor, case_id: UUID, seen: int, told: Reopening) -> CaseOut:
    """Open a new case for the child of a closed one, with a number of its own, beginning with an assessment.

    The people around the child come along. Consents do not: they were given for a period of support that is over, and
    are asked for anew. The wall around a linked child's cases stands around this one too, since it stands around
    the child.

    Raises:
        GateRefused: the case is not closed, the child has an open one, the actor does not lead the old case's team
            (broken glass shows a case for four hours, and does not make it one's own), or nobody fit carries the new one.
    """
    old = await find_for_change(session, Case, case_id, seen)
    team_id, lead_worker_id = told.team_id or old.team_id, told.lead_worker_id or old.lead_worker_id
    refuse(
        [
            *await _unmet_closed(session, old),
            *unmet_leading(actor, old),
            *await _unmet_team(session, actor, team_id),
            *await unmet_fitness(session, team_id, [lead_worker_id]),
            *await unmet_wall(session, old.child_id, [lead_worker_id]),
        ]
    )
    new = await _new_case(session, old, team_id, lead_worker_id)
    await session.flush()  # people and history name the new case
    await _bring_people(session, old, new)
    old.updated_at = now()
    reason = {"reason": told.reason}
    case_history.record(session, old, "case_reopened", actor, old, {"number": new.number, **reason})
    case_history.record(session, new, "case_opened", actor, new, {"number": new.number})
    case_history.record(session, new, "case_reopened", actor, new, {"from_number": old.number, **reason})
    await session.flush()  # the answer shows what was stored
    return await shown(session, new)


async def _unmet_closed(session: AsyncSession, old: Case) -> list[Fault]:
    if old.status != "closed":
        return [Fault("/status", "status", "The case is not closed.")]
    await cases_open.take_turn(session, old.child_id)
    if await session.scalar(OPEN_CASE, {"child": old.child_id}):
        return [Fault(None, "open_case", "The child has an open case.")]
    return []


async def _unmet_team(session: AsyncSession, actor: Actor, team_id: UUID) -> list[Fault]:
    team = await session.get(Team, team_id)
    if team is None or not team.is_active:
        return [Fault("/team_id", "team_unknown", "No such active team: name another.")]
    if not actor.leads(team_id):
        return [
            Fault("/team_id", "not_your_team", "A supervisor of the team, or a programme manager, reopens.")
        ]
    return []


async def _new_case(session: AsyncSession, old: Case, team_id: UUID, lead_worker_id: UUID) -> Case:
    child = await find(session, Child, old.child_id)
    youngest, oldest = Birth.of(unseal(child)["birth"]).age_on(today())
    new = Case(
        number=await cases_open.number(session, today()),
        child_id=old.child_id,
        kind=old.kind,
        team_id=team_id,
        lead_worker_id=lead_worker_id,
        previous_case_id=old.id,
        opened_on=today(),
        age_at_referral_min=youngest,
        age_at_referral_max=oldest,
        province_code=child.province_code,
    )
    seal(new, "sealed", {"summary": unseal(old).get("summary")})
    session.add(new)
    return new


async def _bring_people(session: AsyncSession, old: Case, new: Case) -> None:
    for person in await session.scalars(select(Person).where(col(Person.case_id) == old.id)):
        copy = Person(child_id=new.child_id, case_id=new.id, **person.model_dump(include=CARRIED))
        seal(copy, "sealed", unseal(person))
        session.add(copy)
