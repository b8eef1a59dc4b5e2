"""Conditions of the gate "referral accepted": screening, consent, staffing and the known child."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange
from app.models import Referral, Team
from app.models.referrals import StoredReferralContent
from app.schemas.referrals import ReferralAcceptance
from app.services.cases import open as cases_open
from app.services.cases.staffing_checks import can_lead_case, check_conflict_wall
from app.services.cases.write_access import check_works_on_case, check_works_with_child
from app.services.referrals import duplicates

MIN_AGE, MAX_AGE = 5, 17
"""First Step's criterion: age in whole years at the time of the referral."""


def check_screening(
    referral: Referral, content: StoredReferralContent, payload: ReferralAcceptance
) -> Iterator[Fault]:
    """Yield the unmet conditions on the kind of case, the screening, the age at referral and the review of duplicates."""
    screening = payload.screening
    if payload.case_kind is None:
        yield Fault("/case_kind", "case_kind_missing", "The kind of case is required.")
    if screening is None:
        yield Fault("/screening", "screening_missing", "The referral must be screened against the criteria.")
    elif not screening.meets_criteria:
        detail = "A referral that does not meet the criteria must be declined."
        yield Fault("/screening/meets_criteria", "criteria_not_met", detail)
    is_confirmed = bool(screening and screening.meets_criteria and screening.reason)
    if _may_be_outside_age_range(referral, content) and not is_confirmed:
        detail = (
            f"It is not certain that the age at referral is between {MIN_AGE} and {MAX_AGE} years. "
            "The screening result requires a reason."
        )
        yield Fault("/screening/reason", "age_outside_range", detail)
    if not payload.duplicates_reviewed:
        detail = "The possible duplicates must be reviewed first."
        yield Fault("/duplicates_reviewed", "duplicates_not_reviewed", detail)


def _may_be_outside_age_range(referral: Referral, content: StoredReferralContent) -> bool:
    received_on = referral.received_at.astimezone(CAMBODIA_TIMEZONE).date()
    youngest, oldest = BirthRange.from_details(content["child"]["birth"]).age_range_on(received_on)
    return youngest < MIN_AGE or oldest > MAX_AGE


def check_consent(content: StoredReferralContent) -> Iterator[Fault]:
    """Return a fault unless the referral contains consent to First Step's services or a legal basis."""
    consent = content["consent"]
    if not consent["basis_without_consent"] and "services" not in consent["scope"]:
        detail = "The referral must contain consent to First Step's services or a legal basis for acting without consent."
        yield Fault(None, "consent_missing", detail)


async def check_staffing(session: AsyncSession, caller: Caller, payload: ReferralAcceptance) -> list[Fault]:
    """Return faults unless the caller can accept for the team, and the lead worker can lead a case of it."""
    faults = []
    if payload.team_id is None:
        faults.append(Fault("/team_id", "team_missing", "The team is required."))
    elif not await _is_own_team(session, caller, payload.team_id):
        faults.append(
            Fault(
                "/team_id",
                "not_your_team",
                "Must be an active team of which you are a member. Programme managers can name any active team.",
            )
        )
    if payload.lead_worker_id is None:
        faults.append(Fault("/lead_worker_id", "lead_worker_missing", "The lead worker is required."))
    elif not await can_lead_case(session, payload.lead_worker_id, payload.team_id):
        detail = "Must be an active social worker or supervisor of the team."
        faults.append(Fault("/lead_worker_id", "lead_worker_unfit", detail))
    elif payload.lead_worker_id != caller.id and not _supervises_team(caller, payload):
        detail = (
            "Only a supervisor of the team or a programme manager can name another person as lead worker."
        )
        faults.append(Fault("/lead_worker_id", "not_yours", detail))
    return faults


def _supervises_team(caller: Caller, payload: ReferralAcceptance) -> bool:
    return payload.team_id is not None and caller.supervises_team(payload.team_id)


async def _is_own_team(session: AsyncSession, caller: Caller, team_id: UUID) -> bool:
    team = await session.get(Team, team_id)
    return team is not None and team.is_active and caller.belongs_to_team(team_id)


async def check_known_child(
    session: AsyncSession, caller: Caller, referral: Referral, payload: ReferralAcceptance
) -> list[Fault]:
    """Check that the referral can be accepted for the known child in the request.

    The child must be a possible duplicate of the referral, or a child with whom the caller works.
    """
    child_id = payload.child_id
    if child_id is None:
        return []
    await cases_open.lock_case_opening(session, child_id)
    is_outside_caseload = bool(await check_works_with_child(session, child_id))
    if is_outside_caseload and not await _is_possible_duplicate(session, referral, child_id):
        detail = "The child must be listed in `/matches` of the referral, or be a child with whom you work."
        return [Fault("/child_id", "child_unknown", detail)]
    if open_case := await cases_open.get_open_case_for_share(session, child_id):
        # The referral joins the open case. This requires write access to the case.
        return await check_works_on_case(session, open_case)
    if await cases_open.has_open_case(session, child_id):
        detail = "The child has an open case that you cannot see. A programme manager can accept the referral for that case."
        return [Fault("/child_id", "open_case_elsewhere", detail)]
    lead_worker_ids = [payload.lead_worker_id] if payload.lead_worker_id else []
    unmet = await check_conflict_wall(session, child_id, lead_worker_ids)
    if is_outside_caseload and not _supervises_team(caller, payload):
        detail = "You do not work with this child. Only a supervisor of the team or a programme manager can accept the referral."
        unmet.append(Fault("/child_id", "not_yours", detail))
    return unmet


async def _is_possible_duplicate(session: AsyncSession, referral: Referral, child_id: UUID) -> bool:
    matches = await duplicates.find_possible_duplicates(session, referral)
    return any(match.child_id == child_id for match in matches)
