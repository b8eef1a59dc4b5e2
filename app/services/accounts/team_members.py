"""Memberships of users in teams."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, delete, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.models import Team, TeamMember, User
from app.schemas.administration import TeamAssignment


def _aggregate(field_columns: Mapping[str, Any], *order: Any) -> Any:
    """Return the JSON array of objects with these fields, in this order; NULL without rows."""
    fields = func.json_build_object(*(part for item in field_columns.items() for part in item))
    return func.json_agg(aggregate_order_by(fields, *order), type_=JSON)


MEMBERSHIPS = (
    select(
        _aggregate(
            {
                "team_id": col(Team.id),
                "team_name": col(Team.name),
                "is_supervisor": col(TeamMember.is_supervisor),
            },
            col(Team.name),
        )
    )
    .join(TeamMember, col(TeamMember.team_id) == col(Team.id))
    .where(col(TeamMember.user_id) == col(User.id))
    .scalar_subquery()
)
"""The teams of a user, sorted by name."""
MEMBERS = (
    select(
        _aggregate(
            {
                "user_id": col(User.id),
                "name": col(User.name),
                "is_supervisor": col(TeamMember.is_supervisor),
            },
            col(User.name),
            col(User.id),
        )
    )
    .join(TeamMember, col(TeamMember.user_id) == col(User.id))
    .where(col(TeamMember.team_id) == col(Team.id), col(User.is_active))
    .scalar_subquery()
)
"""The active members of a team, sorted by name."""


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
