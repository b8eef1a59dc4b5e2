"""Reopening: a child comes back, and gets a new case that follows on the closed one."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.dates import BirthRange, today
from app.kit.records import get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Child, Person, Team
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.exit_plans import CaseReopening
from app.services.cases import history as case_history
from app.services.cases import open as cases_open
from app.services.cases.cases import load_case_schema
from app.services.cases.staffing_checks import (
    check_conflict_wall,
    check_leads_case,
    check_workers_eligible,
)

COPIED_PERSON_FIELDS = {"role", "relationship", "is_responsible"}
"""What stands in the open about a person, and comes along."""


async def reopen_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseReopening
) -> CaseSchema:
    """Open a new case for the child of a closed one, with a number of its own, beginning with an assessment.

    The people around the child come along. Consents do not: they were given for a period of support that is over, and
    are asked for anew. The wall around a linked child's cases stands around this one too, since it stands around
    the child.

    Raises:
        GateRefused: the case is not closed, the child has an open one, the actor does not lead the old case's team
            (broken glass shows a case for four hours, and does not make it one's own), or nobody fit carries the new one.
    """
    old = await get_version_for_update(session, Case, case_id, expected_version)
    team_id, lead_worker_id = payload.team_id or old.team_id, payload.lead_worker_id or old.lead_worker_id
    raise_if_unmet(
        [
            *await _check_case_closed(session, old),
            *check_leads_case(caller, old),
            *await _check_team(session, caller, team_id),
            *await check_workers_eligible(session, team_id, [lead_worker_id]),
            *await check_conflict_wall(session, old.child_id, [lead_worker_id]),
        ]
    )
    new = await _build_case(session, old, team_id, lead_worker_id)
    await session.flush()  # people and history name the new case
    await _copy_people(session, old, new)
    old.updated_at = utc_now()
    reason = {"reason": payload.reason}
    case_history.record_case_history(
        session, old, "case_reopened", caller, old, {"number": new.number, **reason}
    )
    case_history.record_case_history(session, new, "case_opened", caller, new, {"number": new.number})
    case_history.record_case_history(
        session, new, "case_reopened", caller, new, {"from_number": old.number, **reason}
    )
    await session.flush()  # the answer shows what was stored
    return await load_case_schema(session, new)


async def _check_case_closed(session: AsyncSession, old: Case) -> list[Fault]:
    if old.status != "closed":
        return [Fault("/status", "status", "The case is not closed.")]
    await cases_open.lock_case_opening(session, old.child_id)
    if await cases_open.has_open_case(session, old.child_id):
        return [Fault(None, "open_case", "The child has an open case.")]
    return []


async def _check_team(session: AsyncSession, caller: Caller, team_id: UUID) -> list[Fault]:
    team = await session.get(Team, team_id)
    if team is None or not team.is_active:
        return [Fault("/team_id", "team_unknown", "No such active team: name another.")]
    if not caller.leads_team(team_id):
        return [
            Fault("/team_id", "not_your_team", "A supervisor of the team, or a programme manager, reopens.")
        ]
    return []


async def _build_case(session: AsyncSession, old: Case, team_id: UUID, lead_worker_id: UUID) -> Case:
    child = await get_record(session, Child, old.child_id)
    youngest, oldest = BirthRange.from_details(decrypt(child)["birth"]).age_range_on(today())
    new = Case(
        number=await cases_open.next_case_number(session, today()),
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
    encrypt(new, "sealed", {"summary": decrypt(old).get("summary")})
    session.add(new)
    return new


async def _copy_people(session: AsyncSession, old: Case, new: Case) -> None:
    for person in await session.scalars(select(Person).where(col(Person.case_id) == old.id)):
        copy = Person(
            child_id=new.child_id, case_id=new.id, **person.model_dump(include=COPIED_PERSON_FIELDS)
        )
        encrypt(copy, "sealed", decrypt(person))
        session.add(copy)
