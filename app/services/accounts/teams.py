"""Teams: workers and their supervisors. Each case belongs to one team."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.kit.list_query import ListQuery
from app.kit.records import apply_patch, get_version_for_update
from app.kit.resources import Resource
from app.models import Team
from app.models.record import new_id
from app.schemas.administration import Team as TeamSchema
from app.schemas.administration import TeamCreate, TeamFilters, TeamList, TeamSettings
from app.schemas.wire import Input
from app.services.accounts.team_members import MEMBERS
from app.text_folding import normalize_text

COLUMN_FIELDS = [name for name in TeamSchema.model_fields if name in Team.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {**dict(zip(COLUMN_FIELDS, row, strict=False)), "members": row.members or []}


TEAMS = Resource(
    ListQuery(
        "teams",
        Team,
        select(*(getattr(Team, name) for name in COLUMN_FIELDS), MEMBERS.label("members")),
        filters={"is_active": col(Team.is_active) == bindparam("is_active")},
        sorts={"created_at": col(Team.created_at)},
    ),
    TeamSchema,
    TeamList,
    _row_to_fields,
)


async def create_team(session: AsyncSession, payload: TeamCreate) -> TeamSchema:
    """Create a team.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    return await TEAMS.save(session, Team(id=payload.id or new_id(), name=normalize_text(payload.name)))


async def list_teams(reader: RecordReader, caller: Caller, filters: TeamFilters) -> TeamList:
    """Return one page of the teams with their active members, newest first."""
    return await TEAMS.list_page(reader, caller, filters)


async def get_team(reader: RecordReader, team_id: UUID) -> TeamSchema:
    """Return one team with its active members."""
    return await TEAMS.get(reader, team_id)


async def update_team(
    session: AsyncSession, team_id: UUID, expected_version: int, patch: Input
) -> TeamSchema:
    """Rename a team, or activate or deactivate it.

    Raises:
        AlreadyExists: another team has the name.
    """
    team = await get_version_for_update(session, Team, team_id, expected_version)
    settings = apply_patch(TeamSettings, {"name": team.name, "is_active": team.is_active}, patch)
    team.name, team.is_active = normalize_text(settings.name), settings.is_active
    return await TEAMS.save(session, team)
