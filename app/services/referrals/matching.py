"""Limits on the comparison of a referral with children whom the caller cannot see, and the ids that replace their ids.

Each comparison of another identity can reveal a fact about such a child. The database counts the compared identities
(see alembic/sql/functions/matching.sql). After a limit, the caller still lists the matches that they can see, and can
accept the referral. The comparison with hidden children is then work of a supervisor who did not reach the limit.
"""

import json
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.vault import get_vault
from app.errors import Fault
from app.kit.records import get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import MatchingAllowance, Referral
from app.models.record import utc_now
from app.schemas.references import StaffRef
from app.schemas.referral_responses import ReferralView
from app.schemas.referrals import ReferralMatchingAllowance, ReferralMatchingLimit, WithheldMatches
from app.services.referrals import views
from app.services.referrals.identity_profiles import IdentityProfile
from app.services.referrals.states import check_referral_open

RECORDED = "recorded"
SUPERVISORS_SQL = text("""
    SELECT u.id, u.name FROM users u
     WHERE u.id <> :caller AND access.can_act(u.id, '{supervisor}')
       AND EXISTS (SELECT FROM team_members m
                    WHERE m.user_id = u.id AND m.is_supervisor AND m.team_id = coalesce(:team, m.team_id))
     ORDER BY u.name, u.id
""").bindparams(bindparam("caller", type_=Uuid), bindparam("team", type_=Uuid))
MANAGERS_SQL = text("""
    SELECT u.id, u.name FROM users u
     WHERE u.id <> :caller AND access.can_act(u.id, '{programme_manager}') ORDER BY u.name, u.id
""").bindparams(bindparam("caller", type_=Uuid))
RECORD_MATCHING_SQL = text("SELECT access.record_matching(:referral, :identity)").bindparams(
    bindparam("referral", type_=Uuid), bindparam("identity", type_=LargeBinary)
)
IS_MATCHED_SQL = text("SELECT access.is_matched(:referral, :identity)").bindparams(
    bindparam("referral", type_=Uuid), bindparam("identity", type_=LargeBinary)
)
HAS_OPENED_MATCHES_SQL = text("SELECT access.has_opened_matches(:referral, :identity)").bindparams(
    bindparam("referral", type_=Uuid), bindparam("identity", type_=LargeBinary)
)


def compute_identity_digest(referral_id: UUID, profile: IdentityProfile) -> bytes:
    """Return a keyed digest of the facts of a referral that are compared. It changes with each of these facts."""
    birth = profile.birth
    facts = [
        profile.names,
        profile.nickname,
        profile.sex,
        birth and [birth.earliest.isoformat(), birth.latest.isoformat(), birth.is_estimated],
        profile.place_code,
        sorted(profile.phones),
        profile.caregiver_names,
    ]
    document = json.dumps(facts, ensure_ascii=True, sort_keys=True).encode()
    return get_vault().blind_index.compute_digest(b"matching", referral_id.bytes, document)


def compute_match_id(referral_id: UUID, identity_digest: bytes, record_id: UUID) -> UUID:
    """Return the opaque id of a hidden record among the matches of a referral.

    The id differs for each referral and each identity that is compared, so that the ids of two referrals, or of two
    versions of one, cannot be compared.
    """
    digest = get_vault().blind_index.compute_digest(
        b"match", referral_id.bytes, identity_digest, record_id.bytes
    )
    return UUID(bytes=digest[:16], version=4)


async def record_matching(
    session: AsyncSession, referral_id: UUID, identity_digest: bytes
) -> ReferralMatchingLimit | None:
    """Count the comparison of an identity of a referral, and return the limit of this day that is reached, or None.

    A repeated comparison is not counted. After a limit, the caller must not learn anything about records that they cannot
    see, not even whether there are any.
    """
    parameters = {"referral": referral_id, "identity": identity_digest}
    result = await session.scalar(RECORD_MATCHING_SQL, parameters)
    return None if result == RECORDED else ReferralMatchingLimit(str(result))


async def describe_limit(
    session: AsyncSession, caller: Caller, referral: Referral, limit: ReferralMatchingLimit
) -> WithheldMatches:
    """Return the limit with the people who can compare the referral: supervisors, otherwise programme managers."""
    people = (await session.execute(SUPERVISORS_SQL, {"caller": caller.id, "team": referral.team_id})).all()
    if not people:
        people = (await session.execute(MANAGERS_SQL, {"caller": caller.id})).all()
    return WithheldMatches(limit=limit, ask=[StaffRef(id=row.id, name=row.name) for row in people])


async def is_matched(session: AsyncSession, referral_id: UUID, identity_digest: bytes) -> bool:
    """Return whether the matches of this identity of the referral were listed."""
    parameters = {"referral": referral_id, "identity": identity_digest}
    return bool(await session.scalar(IS_MATCHED_SQL, parameters))


async def has_opened_matches(session: AsyncSession, referral_id: UUID, identity_digest: bytes) -> bool:
    """Return whether the caller listed the matches of this identity of the referral."""
    parameters = {"referral": referral_id, "identity": identity_digest}
    return bool(await session.scalar(HAS_OPENED_MATCHES_SQL, parameters))


async def allow_referral_matching(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralMatchingAllowance,
) -> ReferralView:
    """Allow other staff to compare five more changes of a referral on this day.

    Raises:
        GateRefused: The referral is decided, or the caller does not supervise its team.
    """
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    raise_if_unmet([*check_referral_open(referral.status), *_check_supervises_team(caller, referral)])
    allowance = MatchingAllowance(referral_id=referral.id, allowed_by_id=caller.id)
    allowance.reason = payload.reason
    session.add(allowance)
    referral.updated_at = utc_now()
    return await views.load_referral_view(session, caller, referral.id)


def _check_supervises_team(caller: Caller, referral: Referral) -> list[Fault]:
    if referral.team_id is None or caller.supervises_team(referral.team_id):
        return []
    detail = (
        "Only a supervisor of the team of the referral or a programme manager can allow more comparisons."
    )
    return [Fault(None, "not_your_team", detail)]
