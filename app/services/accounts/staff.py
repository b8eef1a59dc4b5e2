"""Conditions that select members of staff."""

from sqlalchemy import ColumnElement, Select, any_, literal, or_, select
from sqlmodel import col

from app.models import TeamMember, User
from app.schemas.staff import StaffCriteria


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
