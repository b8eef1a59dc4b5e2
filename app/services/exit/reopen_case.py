"""Reopen a closed case: open a new case for the same child, linked to the closed one."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.errors import Fault
from app.kit.dates import get_age_range, today
from app.kit.entered_in_error import is_valid
from app.kit.records import get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Child, Person, Team
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.exit_plans import CaseReopening
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.open import cancel_open_follow_ups, has_open_case, lock_case_opening, next_case_number
from app.services.cases.staffing_checks import (
    check_conflict_wall,
    check_supervises_case,
    check_workers_eligible,
)
from app.services.exit.reopening_consent import check_new_consent, record_new_consent

COPIED_PERSON_FIELDS = {"role", "relationship", "is_responsible"}
"""Columns of a person that are copied to the new case. The encrypted content is copied too."""


async def reopen_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseReopening
) -> CaseSchema:
    """Open a new case for the child of a closed case. It has its own number and begins with an assessment.

    The people around the child are copied to the new case. Consents are not copied: they were given for the closed
    case. The request contains the new consent or a legal basis. A conflict wall applies to the new case too, because it separates the children and
    not single cases.

    Raises:
        GateRefused: the case is not closed, the child has an open case, the caller is neither a supervisor of the old
            and the new team nor a programme manager, the lead worker is not eligible, or a new consent is missing.
        StaleVersion: the case was changed since the caller read it.
    """
    old_case = await _lock_old_case(session, case_id, expected_version)
    team_id = payload.team_id or old_case.team_id
    lead_worker_id = payload.lead_worker_id or old_case.lead_worker_id
    raise_if_unmet(
        [
            *await _check_case_closed(session, old_case),
            *check_supervises_case(caller, old_case),
            *await _check_team(session, caller, team_id),
            *await check_workers_eligible(session, team_id, [lead_worker_id]),
            *await check_conflict_wall(session, old_case.child_id, [lead_worker_id]),
            *await check_new_consent(session, old_case, payload.consent),
        ]
    )
    new_case = await _build_case(session, old_case, team_id, lead_worker_id)
    await session.flush()  # people and history entries have foreign keys to the case
    await refresh_context(session)  # the caller can be the lead worker, and the child can have links
    await cancel_open_follow_ups(session, new_case.child_id)
    await _copy_people(session, old_case, new_case)
    await record_new_consent(session, caller, new_case, payload.consent)
    old_case.updated_at = utc_now()
    reason = {"reason": payload.reason}
    case_history.record_case_history(
        session, old_case, "case_reopened", caller, old_case, {"number": new_case.number, **reason}
    )
    case_history.record_case_history(
        session, new_case, "case_opened", caller, new_case, {"number": new_case.number}
    )
    case_history.record_case_history(
        session, new_case, "case_reopened", caller, new_case, {"from_number": old_case.number, **reason}
    )
    await session.flush()  # report a database error before the response is built
    return await load_case_schema(session, new_case)


async def _lock_old_case(session: AsyncSession, case_id: UUID, expected_version: int) -> Case:
    """Lock the opening of cases for the child, and then the closed case."""
    child_id = (await get_record(session, Case, case_id)).child_id
    await lock_case_opening(session, child_id)
    return await get_version_for_update(session, Case, case_id, expected_version)


async def _check_case_closed(session: AsyncSession, old_case: Case) -> list[Fault]:
    """Return a fault if the case is not closed, or if the child has an open case."""
    if old_case.status != "closed":
        return [Fault("/status", "status", "The case is not closed.")]
    if await has_open_case(session, old_case.child_id):
        return [Fault(None, "open_case", "The child has an open case.")]
    return []


async def _check_team(session: AsyncSession, caller: Caller, team_id: UUID) -> list[Fault]:
    team = await session.get(Team, team_id)
    if team is None or not team.is_active:
        return [
            Fault(
                "/team_id",
                "team_unknown",
                "The team does not exist or is inactive. Send the id of another team.",
            )
        ]
    if not caller.supervises_team(team_id):
        detail = "Only a supervisor of the team or a programme manager can reopen the case in this team."
        return [Fault("/team_id", "not_your_team", detail)]
    return []


async def _build_case(session: AsyncSession, old_case: Case, team_id: UUID, lead_worker_id: UUID) -> Case:
    child = await get_record(session, Child, old_case.child_id)
    youngest, oldest = get_age_range(child.identity["birth"], today()) or (None, None)
    new_case = Case(
        number=await next_case_number(session, today()),
        child_id=old_case.child_id,
        kind=old_case.kind,
        team_id=team_id,
        lead_worker_id=lead_worker_id,
        previous_case_id=old_case.id,
        opened_on=today(),
        age_at_referral_min=youngest,
        age_at_referral_max=oldest,
        province_code=child.province_code,
    )
    new_case.content = {"summary": old_case.content["summary"]}
    session.add(new_case)
    return new_case


async def _copy_people(session: AsyncSession, old_case: Case, new_case: Case) -> None:
    for person in await session.scalars(
        select(Person).where(col(Person.case_id) == old_case.id, is_valid(Person))
    ):
        copy = Person(
            child_id=new_case.child_id, case_id=new_case.id, **person.model_dump(include=COPIED_PERSON_FIELDS)
        )
        copy.details = person.details
        session.add(copy)
