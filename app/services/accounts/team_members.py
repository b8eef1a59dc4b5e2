"""Who belongs to which team."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.models import Team, TeamMember, User
from app.schemas.administration import TeamAssignment
from app.schemas.administration import TeamMember as TeamMemberSchema
from app.schemas.sign_in import TeamMembership


async def list_memberships_by_user(
    session: AsyncSession, user_ids: Sequence[UUID]
) -> Mapping[UUID, list[TeamMembership]]:
    """Return the teams of people, by name."""
    query = (
        select(col(TeamMember.user_id), col(TeamMember.is_supervisor), col(Team.id), col(Team.name))
        .join(Team, col(Team.id) == col(TeamMember.team_id))
        .where(col(TeamMember.user_id).in_(user_ids))
        .order_by(col(Team.name))
    )
    found: dict[UUID, list[TeamMembership]] = defaultdict(list)
    for user_id, is_supervisor, team_id, name in await session.execute(query):
        found[user_id].append(TeamMembership(team_id=team_id, team_name=name, is_supervisor=is_supervisor))
    return found


async def list_members_by_team(
    session: AsyncSession, team_ids: Sequence[UUID]
) -> Mapping[UUID, list[TeamMemberSchema]]:
    """Return the active people of teams, by name."""
    query = (
        select(col(TeamMember.team_id), col(TeamMember.is_supervisor), col(User.id), col(User.name))
        .join(User, col(User.id) == col(TeamMember.user_id))
        .where(col(TeamMember.team_id).in_(team_ids), col(User.is_active))
        .order_by(col(User.name), col(User.id))
    )
    found: dict[UUID, list[TeamMemberSchema]] = defaultdict(list)
    for team_id, is_supervisor, user_id, name in await session.execute(query):
        found[team_id].append(TeamMemberSchema(user_id=user_id, name=name, is_supervisor=is_supervisor))
    return found


async def replace_memberships(session: AsyncSession, user_id: UUID, places: Sequence[TeamAssignment]) -> None:
    """Put a person into these teams and no other.

    Raises:
        InvalidInput: a team is not there, or named twice.
    """
    await _validate_teams(session, [place.team_id for place in places])
    await session.execute(delete(TeamMember).where(col(TeamMember.user_id) == user_id))
    session.add_all(
        TeamMember(team_id=place.team_id, user_id=user_id, is_supervisor=place.is_supervisor)
        for place in places
    )
    await session.flush()  # the answer shows what was stored


async def _validate_teams(session: AsyncSession, wanted: list[UUID]) -> None:
    query = select(col(Team.id)).where(col(Team.id).in_(wanted))
    known = set((await session.scalars(query)).all())
    faults = [
        Fault(f"/teams/{place}/team_id", "unknown", "There is no such team, or it is named twice.")
        for place, team_id in enumerate(wanted)
        if team_id not in known or team_id in wanted[:place]
    ]
    if faults:
        raise InvalidInput(faults)
