"""Teams: workers and their supervisors. Each case belongs to one team."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.records import apply_patch, get_version_for_update
from app.models import Team
from app.models.record import new_id
from app.schemas.administration import Team as TeamSchema
from app.schemas.administration import TeamCreate, TeamFilters, TeamList, TeamSettings
from app.schemas.wire import Input
from app.services.accounts import team_members
from app.services.accounts.administered_resource import AdministeredResource


async def create_team(session: AsyncSession, payload: TeamCreate) -> TeamSchema:
    """Create a team.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    return await _TEAMS.save(session, Team(id=payload.id or new_id(), name=payload.name))


async def list_teams(session: AsyncSession, filters: TeamFilters) -> TeamList:
    """Return one page of the teams with their active members, newest first."""
    return await _TEAMS.list_records(session, filters)


async def get_team(session: AsyncSession, team_id: UUID) -> TeamSchema:
    """Return one team with its active members."""
    return await _TEAMS.get(session, team_id)


async def update_team(
    session: AsyncSession, team_id: UUID, expected_version: int, patch: Input
) -> TeamSchema:
    """Rename a team, or activate or deactivate it.

    Raises:
        AlreadyExists: another team has the name.
    """
    team = await get_version_for_update(session, Team, team_id, expected_version)
    settings = apply_patch(TeamSettings, {"name": team.name, "is_active": team.is_active}, patch)
    team.name, team.is_active = settings.name, settings.is_active
    return await _TEAMS.save(session, team)


async def _load_schemas(session: AsyncSession, teams: Sequence[Team]) -> list[TeamSchema]:
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


_TEAMS = AdministeredResource("teams", Team, TeamList, _load_schemas)
