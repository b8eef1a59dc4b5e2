"""The staff directory: the names, roles and teams of all users, for every member of staff."""

import re
from typing import Any

from sqlalchemy import ARRAY, Text, Uuid, all_, any_, bindparam, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.kit.list_query import RELEVANCE, Filters, ListQuery, is_one_of, overlaps
from app.models import TeamMember, User
from app.schemas.staff import StaffCriteria, StaffFilters, StaffList
from app.services.accounts.team_members import MEMBERSHIPS
from app.text_folding import fold_text

LIKE_SPECIAL = re.compile(r"[\\%_]")
FILTERS: Filters = {
    # The name must match every pattern. There is one pattern for each word of `q`.
    "q": col(User.name_key).op("LIKE", is_comparison=True)(all_(bindparam("patterns", type_=ARRAY(Text)))),
    "role": overlaps(col(User.roles), "role"),
    "team_id": col(User.id).in_(
        select(col(TeamMember.user_id)).where(
            col(TeamMember.team_id) == any_(bindparam("team_id", type_=ARRAY(Uuid)))
        )
    ),
    "is_active": col(User.is_active) == bindparam("is_active"),
    "ids": is_one_of(col(User.id), "ids"),
}
"""Filters of the lists of users."""
SORTS = {
    "name": col(User.name),
    "created_at": col(User.created_at),
    RELEVANCE: col(User.name),
}
STAFF = ListQuery(
    "staff",
    User,
    select(
        *(getattr(User, name) for name in ("id", "name", "roles", "is_active")), MEMBERSHIPS.label("teams")
    ),
    filters=FILTERS,
    sorts=SORTS,
    default_sort="name",
)


async def list_staff(reader: RecordReader, caller: Caller, filters: StaffFilters) -> StaffList:
    """Return one page of the staff directory, sorted by name. With `ids`, all of these people are on the page."""
    filters = filters.model_copy(update={"limit": max(filters.limit, len(filters.ids or ()))})
    page = await STAFF.fetch_page(reader, caller, filters, patterns=build_patterns(filters))
    return StaffList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def build_patterns(criteria: StaffCriteria) -> list[str]:
    """Return a LIKE pattern for each word of the folded `q`."""
    return [f"%{word}%" for word in LIKE_SPECIAL.sub(r"\\\g<0>", fold_text(criteria.q or "")).split()]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "roles": row.roles,
        "teams": row.teams or [],
        "is_active": row.is_active,
    }
