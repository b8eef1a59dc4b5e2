"""Accepting a referral: every condition is checked and listed; then child, case and circle come to be at once."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import LOCAL, Birth
from app.kit.records import find_for_change
from app.kit.state_machine import refuse, unmet_status
from app.models import Case, Referral, Team
from app.models.record import now
from app.schemas.referrals import Acceptance, PartnerReferral, ReferralOut
from app.services.cases import history as case_history
from app.services.cases import open as cases_open
from app.services.cases.conflict_walls import unmet_wall
from app.services.cases.staffing import OPEN_CASE, can_lead
from app.services.cases.write_access import unmet_working, unmet_working_with
from app.services.persons import person_details as telling
from app.services.referrals import duplicates as matches
from app.services.referrals import views
from app.services.referrals.states import ACCEPT

YOUNGEST, OLDEST = 5, 17
"""Whole years at referral: FSC's criteria."""


async def accept(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, acceptance: Acceptance
) -> ReferralOut | PartnerReferral:
    """Accept a referral: open a case for a new child, or for a known one after a duplicate was confirmed.

    A known child with an open case keeps that case, its team and its lead worker; the referral joins it.

    Raises:
        GateRefused: with every unmet condition (the gate 'referral accepted').
    """
    referral = await find_for_change(session, Referral, referral_id, seen)
    told: dict[str, Any] = unseal(referral)
    refuse(
        [
            *unmet_status(ACCEPT, referral.status),
            *_unmet_screening(referral, told, acceptance),
            *_unmet_consent(told),
            *await _unmet_staffing(session, actor, acceptance),
            *await _unmet_identity(session, actor, referral, acceptance),
        ]
    )
    case = await _case_for(session, actor, referral, told, acceptance)
    _decide(referral, actor, case, acceptance)
    await telling.index(session, referral.id, "referral", case.child_id, telling.circle(told))
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


def _decide(referral: Referral, actor: Actor, case: Case, acceptance: Acceptance) -> None:
    referral.status = ACCEPT.target
    referral.case_id, referral.child_id = case.id, case.child_id
    referral.team_id = case.team_id
    referral.decided_at = referral.updated_at = now()
    referral.decided_by_id = actor.id
    seal(referral, "outcome_sealed", acceptance.model_dump(mode="json", include={"screening"}))


def _unmet_screening(referral: Referral, told: dict[str, Any], acceptance: Acceptance) -> Iterator[Fault]:
    screening = acceptance.screening
    if acceptance.case_kind is None:
        yield Fault("/case_kind", "case_kind_missing", "Say what kind of case this is.")
    if screening is None:
        yield Fault("/screening", "screening_missing", "Screen the referral against the criteria.")
    elif not screening.meets_criteria:
        yield Fault(
            "/screening/meets_criteria",
            "criteria_not_met",
            "A referral that does not meet the criteria is declined.",
        )
    youngest, oldest = Birth.of(told["child"]["birth"]).age_on(referral.received_at.astimezone(LOCAL).date())
    if (youngest < YOUNGEST or oldest > OLDEST) and not (
        screening and screening.meets_criteria and screening.reason
    ):
        yield Fault(
            "/screening/reason",
            "age_outside_range",
            f"The age at referral is not surely between {YOUNGEST} and {OLDEST}: decide, and give the reason.",
        )
    if not acceptance.duplicates_reviewed:
        yield Fault(
            "/duplicates_reviewed", "duplicates_not_reviewed", "Look at the possible duplicates first."
        )


def _unmet_consent(told: dict[str, Any]) -> Iterator[Fault]:
    consent = told["consent"]
    if not consent["basis_without_consent"] and "services" not in consent["scope"]:
        detail = "Record consent to FSC's services, or the basis for acting without it, on the referral."
        yield Fault(None, "consent_missing", detail)


async def _unmet_staffing(session: AsyncSession, actor: Actor, acceptance: Acceptance) -> list[Fault]:
    faults = []
    if acceptance.team_id is None:
        faults.append(Fault("/team_id", "team_missing", "Name the team."))
    elif not await _is_own_team(session, actor, acceptance.team_id):
        faults.append(Fault("/team_id", "not_your_team", "Accept for a team you work in."))
    if acceptance.lead_worker_id is None:
        faults.append(Fault("/lead_worker_id", "lead_worker_missing", "Name a lead worker."))
    elif not await can_lead(session, acceptance.lead_worker_id, acceptance.team_id):
        detail = "The lead worker is an active social worker or supervisor of the team."
        faults.append(Fault("/lead_worker_id", "lead_worker_unfit", detail))
    elif acceptance.lead_worker_id != actor.id and not (
        acceptance.team_id and actor.leads(acceptance.team_id)
    ):
        faults.append(Fault("/lead_worker_id", "not_yours", "A supervisor assigns cases to others."))
    return faults


async def _is_own_team(session: AsyncSession, actor: Actor, team_id: UUID) -> bool:
    team = await session.get(Team, team_id)
    return team is not None and team.is_active and actor.belongs_to(team_id)


async def _unmet_identity(
    session: AsyncSession, actor: Actor, referral: Referral, acceptance: Acceptance
) -> list[Fault]:
    """A known child must have been found: as a possible duplicate, or among the children the actor works with."""
    child_id = acceptance.child_id
    if child_id is None:
        return []
    await cases_open.take_turn(session, child_id)
    strange = await unmet_working_with(session, child_id)
    if strange and not any(match.child_id == child_id for match in await matches.of(session, referral)):
        detail = "No such child among the possible duplicates or those you work with."
        return [Fault("/child_id", "child_unknown", detail)]
    if running := await _open_case(session, child_id):
        # What joins a case becomes part of it: that is work on the case, and looking at it is not enough.
        return await unmet_working(session, running)
    if await session.scalar(OPEN_CASE, {"child": child_id}):
        detail = "This child has an open case that you do not see: a programme manager can join the referral to it."
        return [Fault("/child_id", "open_case_elsewhere", detail)]
    unmet = await unmet_wall(
        session, child_id, [acceptance.lead_worker_id] if acceptance.lead_worker_id else []
    )
    if strange and not (acceptance.team_id and actor.leads(acceptance.team_id)):
        detail = "A supervisor of the team accepts for a known child whom you do not work with."
        unmet.append(Fault("/child_id", "not_yours", detail))
    return unmet


async def _open_case(session: AsyncSession, child_id: UUID) -> Case | None:
    """Return the child's open case, which stays open until this transaction ends."""
    query = select(Case).where(col(Case.child_id) == child_id, col(Case.status) != "closed")
    query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return await session.scalar(query) or await session.scalar(query)  # as `find_steady` asks, and why


async def _case_for(
    session: AsyncSession, actor: Actor, referral: Referral, told: dict[str, Any], acceptance: Acceptance
) -> Case:
    if acceptance.child_id is not None:
        running = await _open_case(session, acceptance.child_id)
        if running is not None:
            case_history.record(session, running, "referral_joined", actor, referral)
            return running
    return await cases_open.from_referral(session, actor, referral, told, acceptance)
