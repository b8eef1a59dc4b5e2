"""Endpoints of teams."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import TeamManager, TeamReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.administration import Team, TeamCreate, TeamFilters, TeamList, TeamUpdate
from app.services.accounts import teams

router = Router(prefix="/teams", tags=["administration"])


@router.post("", status_code=201)
async def create_team(_caller: TeamManager, session: Session, payload: TeamCreate) -> Team:
    """Create a team.

    The new team has no members. `PATCH /v1/users/{user_id}` assigns users to teams.
    """
    return await teams.create_team(session, payload)


@router.get("")
async def list_teams(
    caller: TeamReader, reader: Reader, filters: Annotated[TeamFilters, Query()]
) -> TeamList:
    """List teams, newest first.

    Each item includes the active members of the team.
    """
    return await teams.list_teams(reader, caller, filters)


@router.get("/{team_id}")
async def get_team(_caller: TeamReader, reader: Reader, team_id: UUID) -> Team:
    """Get a team.

    `members` contains the active members only.
    """
    return await teams.get_team(reader, team_id)


@router.patch("/{team_id}")
async def update_team(
    _caller: TeamManager,
    session: Session,
    team_id: UUID,
    expected_version: ExpectedVersion,
    payload: TeamUpdate,
) -> Team:
    """Update a team.

    Renames, activates or deactivates the team. Its members and cases stay assigned to it.
    """
    return await teams.update_team(session, team_id, expected_version, payload)
