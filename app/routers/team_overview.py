"""Endpoint of the overview of a team."""

from uuid import UUID

from app.http.permissions import TeamOverviewReader
from app.http.route import Router
from app.http.session import Reader
from app.schemas.team_overview import TeamOverview
from app.services.supervision import team_overview

router = Router(tags=["supervision"])


@router.get("/teams/{team_id}/overview")
async def get_team_overview(caller: TeamOverviewReader, reader: Reader, team_id: UUID) -> TeamOverview:
    """Get the overview of a team, for the first screen of its supervisor.

    The response contains the caseload of each worker against the limit, the supervision meetings, numbers of waiting work,
    and the head of the caller's agenda. Only the children of the agenda are logged. The response is 404 unless the caller
    supervises the team or is a programme manager.
    """
    return await team_overview.get_team_overview(reader, caller, team_id)
