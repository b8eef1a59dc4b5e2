"""Query parameters that select members of staff."""

from pydantic import Field

from app.schemas.sign_in import StaffRole
from app.schemas.wire import CommaSeparated, Id, PageQuery, QueryBoolean, SearchText


class StaffCriteria(PageQuery):
    """Query parameters that select members of staff."""

    q: SearchText | None = Field(
        default=None,
        description="Only people whose name contains each word of this text. The list is sorted by name.",
    )
    role: CommaSeparated[StaffRole] | None = Field(
        default=None, description="Only people with one of these roles, separated by commas."
    )
    team_id: CommaSeparated[Id] | None = Field(
        default=None, description="Only people in one of these teams, separated by commas."
    )
    is_active: QueryBoolean | None = Field(
        default=None, description="Only active (`true`) or only deactivated (`false`) people."
    )
