"""The staff directory: the names, roles and teams of all users, for every member of staff."""

from sqlalchemy import ColumnElement, Select, any_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.pagination import Paginator
from app.models import TeamMember, User
from app.schemas.staff import StaffCriteria, StaffFilters, StaffList, StaffMember
from app.services.accounts import team_members


async def list_staff(session: AsyncSession, filters: StaffFilters) -> StaffList:
    """Return one page of the staff directory, sorted by name. With `ids`, all of these people are on the page."""
    query = build_staff_query(filters)
    if filters.ids is not None:
        query = query.where(col(User.id).in_(filters.ids))
    limit = max(filters.limit, len(filters.ids or ()))
    paginator = Paginator("staff", limit, filters.cursor, filters.get_cursor_binding())
    users, cursor = await paginator.fetch_records(
        session, query, col(User.name), col(User.id), ascending=True
    )
    teams = await team_members.list_memberships_by_user(session, [user.id for user in users])
    items = [
        StaffMember(
            id=user.id, name=user.name, roles=user.roles, teams=teams[user.id], is_active=user.is_active
        )
        for user in users
    ]
    return StaffList(items=items, next_cursor=cursor)


def build_staff_query(criteria: StaffCriteria) -> Select[User]:
    """Return the query for the users who meet all criteria."""
    query = select(User).where(
        *(col(User.name).icontains(word, autoescape=True) for word in (criteria.q or "").split())
    )
    if criteria.role is not None:
        query = query.where(or_(*map(has_role, criteria.role)))
    if criteria.team_id is not None:
        members = select(col(TeamMember.user_id)).where(col(TeamMember.team_id).in_(criteria.team_id))
        query = query.where(col(User.id).in_(members))
    if criteria.is_active is not None:
        query = query.where(col(User.is_active) == criteria.is_active)
    return query


def has_role(role: str) -> ColumnElement[bool]:
    """Return the condition that a user has the role."""
    return literal(str(role)) == any_(col(User.roles))
