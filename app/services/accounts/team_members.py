"""Memberships of users in teams."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, JSON, Uuid, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.session_records import record_change
from app.errors import Fault, InvalidInput
from app.kit.pending_changes import call_function
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
) -> set[str]:
    """Replace all memberships of a user. Return the teams that the user supervises only after a confirmation.

    Until then the user is an ordinary member of these teams.

    Raises:
        InvalidInput: a team does not exist, or is listed twice.
    """
    team_ids = [assignment.team_id for assignment in assignments]
    await _validate_teams(session, team_ids)
    requested = {assignment.team_id for assignment in assignments if assignment.is_supervisor}
    members = (await session.scalars(select(TeamMember).where(col(TeamMember.user_id) == user_id))).all()
    supervised = {member.team_id for member in members if member.is_supervisor} & requested
    old = [_describe_membership(member.team_id, member.is_supervisor) for member in members]
    new = [_describe_membership(team_id, team_id in supervised) for team_id in team_ids]
    record_change(session, "user", user_id, {"teams": (sorted(old, key=str), sorted(new, key=str))})
    call = func.access.replace_team_members(
        user_id, literal(team_ids, ARRAY(Uuid)), literal(sorted(supervised), ARRAY(Uuid))
    )
    await call_function(session, call)
    return {str(team_id) for team_id in requested - supervised}


def _describe_membership(team_id: UUID, is_supervisor: bool) -> dict[str, Any]:
    return {"team_id": team_id, "is_supervisor": is_supervisor}


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
