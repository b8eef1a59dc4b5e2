"""Administration: teams."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import TeamManager, TeamReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import Team, TeamCreate, TeamFilters, TeamUpdate
from app.schemas.wire import Page
from app.services.accounts import teams

router = Router(prefix="/teams", tags=["administration"])


@router.post("", status_code=201)
async def create_team(_caller: TeamManager, session: Session, payload: TeamCreate) -> Team:
    """Add a team; who belongs to it is said with the users."""
    return await teams.create_team(session, payload)


@router.get("")
async def list_teams(
    _caller: TeamReader,
    session: Session,
    filters: Annotated[TeamFilters, Query()],
) -> Page[Team]:
    """List the teams with their members, newest first."""
    return await teams.list_teams(session, filters)


@router.get("/{team_id}")
async def get_team(_caller: TeamReader, session: Session, team_id: UUID) -> Team:
    """Read one team."""
    return await teams.get_team(session, team_id)


@router.patch("/{team_id}")
async def update_team(
    _caller: TeamManager,
    session: Session,
    team_id: UUID,
    expected_version: ExpectedVersion,
    payload: TeamUpdate,
) -> Team:
    """Rename a team, or say that it is no more."""
    return await teams.update_team(session, team_id, expected_version, payload)
