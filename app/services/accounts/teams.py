"""Teams: workers and their supervisors; a case belongs to one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, patched
from app.models import Team
from app.models.record import new_id
from app.schemas.administration import TeamFilters, TeamIn, TeamOut, TeamSettings
from app.schemas.wire import Input, Page
from app.services.accounts import team_members


async def found(session: AsyncSession, founding: TeamIn) -> TeamOut:
    """Add a team.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    team = Team(id=founding.id or new_id(), name=founding.name)
    session.add(team)
    await session.flush()  # a conflict must surface before the answer leaves
    return await _one(session, team)


async def listed(session: AsyncSession, filters: TeamFilters) -> Page[TeamOut]:
    """List the teams, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("teams", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.records(
        session, select(Team).filter_by(**wanted), col(Team.created_at), col(Team.id)
    )
    return Page(items=await _shown(session, rows), next_cursor=cursor)


async def read(session: AsyncSession, team_id: UUID) -> TeamOut:
    """Read one team."""
    return await _one(session, await find(session, Team, team_id))


async def change(session: AsyncSession, team_id: UUID, seen: int, patch: Input) -> TeamOut:
    """Rename a team, or say that it is no more.

    Raises:
        AlreadyExists: another team has the name.
    """
    team = await find_for_change(session, Team, team_id, seen)
    wanted = patched(TeamSettings, {"name": team.name, "is_active": team.is_active}, patch)
    team.name, team.is_active = wanted.name, wanted.is_active
    await session.flush()  # a conflict must surface before the answer leaves
    return await _one(session, team)


async def _one(session: AsyncSession, team: Team) -> TeamOut:
    return (await _shown(session, [team]))[0]


async def _shown(session: AsyncSession, teams: Sequence[Team]) -> list[TeamOut]:
    members = await team_members.of_teams(session, [team.id for team in teams])
    return [
        TeamOut(
            id=team.id,
            version=team.version,
            name=team.name,
            is_active=team.is_active,
            members=members[team.id],
            created_at=team.created_at,
        )
        for team in teams
    ]
