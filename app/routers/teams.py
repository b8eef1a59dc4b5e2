"""Administration: teams."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import TeamManager, TeamReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import TeamFilters, TeamIn, TeamOut, TeamPatch
from app.schemas.wire import Page
from app.services.accounts import teams

router = Router(prefix="/teams", tags=["administration"])


@router.post("", status_code=201)
async def found(_caller: TeamManager, session: Session, payload: TeamIn) -> TeamOut:
    """Add a team; who belongs to it is said with the users."""
    return await teams.create_team(session, payload)


@router.get("")
async def listed(
    _caller: TeamReader,
    session: Session,
    filters: Annotated[TeamFilters, Query()],
) -> Page[TeamOut]:
    """List the teams with their members, newest first."""
    return await teams.list_teams(session, filters)


@router.get("/{team_id}")
async def read(_caller: TeamReader, session: Session, team_id: UUID) -> TeamOut:
    """Read one team."""
    return await teams.get_team(session, team_id)


@router.patch("/{team_id}")
async def change(
    _caller: TeamManager,
    session: Session,
    team_id: UUID,
    expected_version: ExpectedVersion,
    payload: TeamPatch,
) -> TeamOut:
    """Rename a team, or say that it is no more."""
    return await teams.update_team(session, team_id, expected_version, payload)
