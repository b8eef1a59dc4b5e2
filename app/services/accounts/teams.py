"""Teams: workers and their supervisors; a case belongs to one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.models import Team
from app.models.record import new_id
from app.schemas.administration import Team as TeamSchema
from app.schemas.administration import TeamCreate, TeamFilters, TeamSettings
from app.schemas.wire import Input, Page
from app.services.accounts import team_members


async def create_team(session: AsyncSession, founding: TeamCreate) -> TeamSchema:
    """Add a team.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    team = Team(id=founding.id or new_id(), name=founding.name)
    session.add(team)
    await session.flush()  # a conflict must surface before the answer leaves
    return await _to_schema(session, team)


async def list_teams(session: AsyncSession, filters: TeamFilters) -> Page[TeamSchema]:
    """List the teams, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("teams", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.fetch_records(
        session, select(Team).filter_by(**wanted), col(Team.created_at), col(Team.id)
    )
    return Page(items=await _to_schemas(session, rows), next_cursor=cursor)


async def get_team(session: AsyncSession, team_id: UUID) -> TeamSchema:
    """Read one team."""
    return await _to_schema(session, await get_record(session, Team, team_id))


async def update_team(
    session: AsyncSession, team_id: UUID, expected_version: int, patch: Input
) -> TeamSchema:
    """Rename a team, or say that it is no more.

    Raises:
        AlreadyExists: another team has the name.
    """
    team = await get_version_for_update(session, Team, team_id, expected_version)
    wanted = apply_patch(TeamSettings, {"name": team.name, "is_active": team.is_active}, patch)
    team.name, team.is_active = wanted.name, wanted.is_active
    await session.flush()  # a conflict must surface before the answer leaves
    return await _to_schema(session, team)


async def _to_schema(session: AsyncSession, team: Team) -> TeamSchema:
    return (await _to_schemas(session, [team]))[0]


async def _to_schemas(session: AsyncSession, teams: Sequence[Team]) -> list[TeamSchema]:
    members = await team_members.list_members_by_team(session, [team.id for team in teams])
    return [
        TeamSchema(
            id=team.id,
            version=team.version,
            name=team.name,
            is_active=team.is_active,
            members=members[team.id],
            created_at=team.created_at,
        )
        for team in teams
    ]
