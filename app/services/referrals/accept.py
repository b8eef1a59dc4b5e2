"""Accepting a referral: every condition is checked and listed; then child, case and circle come to be at once."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange
from app.kit.records import get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, Referral, Team
from app.models.record import utc_now
from app.schemas.referrals import PartnerReferral, ReferralAcceptance
from app.schemas.referrals import Referral as ReferralSchema
from app.services.cases import history as case_history
from app.services.cases import open as cases_open
from app.services.cases.staffing_checks import can_lead_case, check_conflict_wall
from app.services.cases.write_access import check_works_on_case, check_works_with_child
from app.services.persons import person_details as telling
from app.services.referrals import duplicates as matches
from app.services.referrals import views
from app.services.referrals.states import ACCEPT

MIN_AGE, MAX_AGE = 5, 17
"""Whole years at referral: FSC's criteria."""


async def accept_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    acceptance: ReferralAcceptance,
) -> ReferralSchema | PartnerReferral:
    """Accept a referral: open a case for a new child, or for a known one after a duplicate was confirmed.

    A known child with an open case keeps that case, its team and its lead worker; the referral joins it.

    Raises:
        GateRefused: with every unmet condition (the gate 'referral accepted').
    """
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    told: dict[str, Any] = decrypt(referral)
    raise_if_unmet(
        [
            *check_status(ACCEPT, referral.status),
            *_check_screening(referral, told, acceptance),
            *_check_consent(told),
            *await _check_staffing(session, caller, acceptance),
            *await _check_known_child(session, caller, referral, acceptance),
        ]
    )
    case = await _get_or_open_case(session, caller, referral, told, acceptance)
    _record_acceptance(referral, caller, case, acceptance)
    await telling.replace_search_tokens(
        session, referral.id, "referral", case.child_id, telling.get_child_and_caregiver(told)
    )
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


def _record_acceptance(
    referral: Referral, caller: Caller, case: Case, acceptance: ReferralAcceptance
) -> None:
    referral.status = ACCEPT.target
    referral.case_id, referral.child_id = case.id, case.child_id
    referral.team_id = case.team_id
    referral.decided_at = referral.updated_at = utc_now()
    referral.decided_by_id = caller.id
    encrypt(referral, "outcome_sealed", acceptance.model_dump(mode="json", include={"screening"}))


def _check_screening(
    referral: Referral, told: dict[str, Any], acceptance: ReferralAcceptance
) -> Iterator[Fault]:
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
    youngest, oldest = BirthRange.from_details(told["child"]["birth"]).age_range_on(
        referral.received_at.astimezone(CAMBODIA_TIMEZONE).date()
    )
    if (youngest < MIN_AGE or oldest > MAX_AGE) and not (
        screening and screening.meets_criteria and screening.reason
    ):
        yield Fault(
            "/screening/reason",
            "age_outside_range",
            f"The age at referral is not surely between {MIN_AGE} and {MAX_AGE}: decide, and give the reason.",
        )
    if not acceptance.duplicates_reviewed:
        yield Fault(
            "/duplicates_reviewed", "duplicates_not_reviewed", "Look at the possible duplicates first."
        )


def _check_consent(told: dict[str, Any]) -> Iterator[Fault]:
    consent = told["consent"]
    if not consent["basis_without_consent"] and "services" not in consent["scope"]:
        detail = "Record consent to FSC's services, or the basis for acting without it, on the referral."
        yield Fault(None, "consent_missing", detail)


async def _check_staffing(
    session: AsyncSession, caller: Caller, acceptance: ReferralAcceptance
) -> list[Fault]:
    faults = []
    if acceptance.team_id is None:
        faults.append(Fault("/team_id", "team_missing", "Name the team."))
    elif not await _is_own_team(session, caller, acceptance.team_id):
        faults.append(Fault("/team_id", "not_your_team", "Accept for a team you work in."))
    if acceptance.lead_worker_id is None:
        faults.append(Fault("/lead_worker_id", "lead_worker_missing", "Name a lead worker."))
    elif not await can_lead_case(session, acceptance.lead_worker_id, acceptance.team_id):
        detail = "The lead worker is an active social worker or supervisor of the team."
        faults.append(Fault("/lead_worker_id", "lead_worker_unfit", detail))
    elif acceptance.lead_worker_id != caller.id and not (
        acceptance.team_id and caller.leads_team(acceptance.team_id)
    ):
        faults.append(Fault("/lead_worker_id", "not_yours", "A supervisor assigns cases to others."))
    return faults


async def _is_own_team(session: AsyncSession, caller: Caller, team_id: UUID) -> bool:
    team = await session.get(Team, team_id)
    return team is not None and team.is_active and caller.belongs_to_team(team_id)


async def _check_known_child(
    session: AsyncSession, caller: Caller, referral: Referral, acceptance: ReferralAcceptance
) -> list[Fault]:
    """A known child must have been found: as a possible duplicate, or among the children the actor works with."""
    child_id = acceptance.child_id
    if child_id is None:
        return []
    await cases_open.lock_case_opening(session, child_id)
    strange = await check_works_with_child(session, child_id)
    if strange and not any(
        match.child_id == child_id for match in await matches.find_possible_duplicates(session, referral)
    ):
        detail = "No such child among the possible duplicates or those you work with."
        return [Fault("/child_id", "child_unknown", detail)]
    if running := await _get_open_case_for_share(session, child_id):
        # What joins a case becomes part of it: that is work on the case, and looking at it is not enough.
        return await check_works_on_case(session, running)
    if await cases_open.has_open_case(session, child_id):
        detail = "This child has an open case that you do not see: a programme manager can join the referral to it."
        return [Fault("/child_id", "open_case_elsewhere", detail)]
    unmet = await check_conflict_wall(
        session, child_id, [acceptance.lead_worker_id] if acceptance.lead_worker_id else []
    )
    if strange and not (acceptance.team_id and caller.leads_team(acceptance.team_id)):
        detail = "A supervisor of the team accepts for a known child whom you do not work with."
        unmet.append(Fault("/child_id", "not_yours", detail))
    return unmet


async def _get_open_case_for_share(session: AsyncSession, child_id: UUID) -> Case | None:
    """Return the child's open case, which stays open until this transaction ends."""
    query = select(Case).where(col(Case.child_id) == child_id, col(Case.status) != "closed")
    query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return await session.scalar(query) or await session.scalar(query)  # as `find_steady` asks, and why


async def _get_or_open_case(
    session: AsyncSession,
    caller: Caller,
    referral: Referral,
    told: dict[str, Any],
    acceptance: ReferralAcceptance,
) -> Case:
    if acceptance.child_id is not None:
        running = await _get_open_case_for_share(session, acceptance.child_id)
        if running is not None:
            case_history.record_case_history(session, running, "referral_joined", caller, referral)
            return running
    return await cases_open.open_case_from_referral(session, caller, referral, told, acceptance)
