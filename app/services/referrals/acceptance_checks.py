"""Conditions of the gate "referral accepted": screening, staffing and the known child."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import AccessedRecord
from app.access.caller import Caller
from app.access.session_records import get_accessed_records
from app.errors import Fault
from app.kit.dates import CAMBODIA_TIMEZONE, get_age_range
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
    """Yield the unmet conditions on the kind of case, the screening and the age at referral."""
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


async def check_duplicates(
    session: AsyncSession, referral: Referral, payload: ReferralAcceptance
) -> list[Fault]:
    """Return a fault unless the caller opened the possible duplicates of the present content, and confirms their review."""
    if not payload.duplicates_reviewed:
        detail = "The possible duplicates must be reviewed first."
        return [Fault("/duplicates_reviewed", "duplicates_not_reviewed", detail)]
    return await duplicates.check_matches_opened(session, referral)


def _may_be_outside_age_range(referral: Referral, content: StoredReferralContent) -> bool:
    received_on = referral.received_at.astimezone(CAMBODIA_TIMEZONE).date()
    ages = get_age_range(content["child"]["birth"], received_on)
    return ages is None or ages[0] < MIN_AGE or ages[1] > MAX_AGE


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


async def resolve_known_child_id(session: AsyncSession, referral: Referral, child_id: UUID) -> UUID | None:
    """Return the id of the known child in a request to accept a referral, or None if the caller cannot name it.

    The request must contain the id of a child with whom the caller works, or an id that `/matches` of the referral shows.
    For a child that the caller cannot see, `/matches` shows an id that is valid for the referral only.
    """
    if not await check_works_with_child(session, child_id):
        return child_id
    matching_id = await duplicates.find_matching_child_id(session, referral, child_id)
    if matching_id is not None:
        # A refusal reveals that the child matches, so it needs an entry in the access log.
        record = AccessedRecord(str(matching_id), None, "child", str(matching_id))
        get_accessed_records(session).add(record)
    return matching_id


async def _check_child_known(session: AsyncSession, child_id: UUID | None, requested_id: UUID) -> list[Fault]:
    """Return a fault if the caller cannot name the child, or if it was merged into another record in the meantime."""
    if await session.scalar(select(func.access.is_merged_child(child_id or requested_id))):
        detail = "The child was merged into another record. Send the id of that record (`merged_into_id`)."
        return [Fault("/child_id", "child_merged", detail)]
    if child_id is None:
        detail = "The child must be listed in `/matches` of the referral, or be a child with whom you work."
        return [Fault("/child_id", "child_unknown", detail)]
    return []


async def check_known_child(
    session: AsyncSession, caller: Caller, child_id: UUID | None, payload: ReferralAcceptance
) -> list[Fault]:
    """Check that the referral can be accepted for the child that `resolve_known_child_id` returned.

    The opening of cases for the child, and its open case, must be locked.
    """
    if payload.child_id is None:
        return []
    faults = await _check_child_known(session, child_id, payload.child_id)
    if child_id is None or faults:
        return faults
    is_outside_caseload = bool(await check_works_with_child(session, child_id))
    if open_case := await cases_open.get_open_case_for_share(session, child_id):
        # The referral joins the open case. This requires write access to the case.
        return await check_works_on_case(session, open_case)
    if is_outside_caseload and not _supervises_team(caller, payload):
        # Returned first, so that the caller does not learn whether the child has an open case.
        detail = "You do not work with this child. Only a supervisor of the team or a programme manager can accept the referral."
        return [Fault("/child_id", "not_yours", detail)]
    if await cases_open.has_open_case(session, child_id):
        detail = "The child has an open case that you cannot see. A programme manager can accept the referral for that case."
        return [Fault("/child_id", "open_case_elsewhere", detail)]
    lead_worker_ids = [payload.lead_worker_id] if payload.lead_worker_id else []
    return await check_conflict_wall(session, child_id, lead_worker_ids)
