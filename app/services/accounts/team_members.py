"""Memberships of users in teams."""

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
    """Return the teams of each user, sorted by name."""
    query = (
        select(col(TeamMember.user_id), col(TeamMember.is_supervisor), col(Team.id), col(Team.name))
        .join(Team, col(Team.id) == col(TeamMember.team_id))
        .where(col(TeamMember.user_id).in_(user_ids))
        .order_by(col(Team.name))
    )
    memberships: dict[UUID, list[TeamMembership]] = defaultdict(list)
    for user_id, is_supervisor, team_id, name in await session.execute(query):
        memberships[user_id].append(
            TeamMembership(team_id=team_id, team_name=name, is_supervisor=is_supervisor)
        )
    return memberships


async def list_members_by_team(
    session: AsyncSession, team_ids: Sequence[UUID]
) -> Mapping[UUID, list[TeamMemberSchema]]:
    """Return the active members of each team, sorted by name."""
    query = (
        select(col(TeamMember.team_id), col(TeamMember.is_supervisor), col(User.id), col(User.name))
        .join(User, col(User.id) == col(TeamMember.user_id))
        .where(col(TeamMember.team_id).in_(team_ids), col(User.is_active))
        .order_by(col(User.name), col(User.id))
    )
    members: dict[UUID, list[TeamMemberSchema]] = defaultdict(list)
    for team_id, is_supervisor, user_id, name in await session.execute(query):
        members[team_id].append(TeamMemberSchema(user_id=user_id, name=name, is_supervisor=is_supervisor))
    return members


async def replace_memberships(
    session: AsyncSession, user_id: UUID, assignments: Sequence[TeamAssignment]
) -> None:
    """Replace all memberships of a user.

    Raises:
        InvalidInput: a team does not exist, or is listed twice.
    """
    await _validate_teams(session, [assignment.team_id for assignment in assignments])
    await session.execute(delete(TeamMember).where(col(TeamMember.user_id) == user_id))
    session.add_all(
        TeamMember(team_id=assignment.team_id, user_id=user_id, is_supervisor=assignment.is_supervisor)
        for assignment in assignments
    )
    await session.flush()  # the response reads the memberships with a query


async def _validate_teams(session: AsyncSession, team_ids: list[UUID]) -> None:
    query = select(col(Team.id)).where(col(Team.id).in_(team_ids))
    existing_ids = set((await session.scalars(query)).all())
    faults = [
        Fault(f"/teams/{index}/team_id", "unknown", "The team does not exist, or is listed twice.")
        for index, team_id in enumerate(team_ids)
        if team_id not in existing_ids or team_id in team_ids[:index]
    ]
    if faults:
        raise InvalidInput(faults)
