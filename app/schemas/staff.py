"""Schemas of the staff directory: the names, roles and teams of colleagues."""

from uuid import UUID

from pydantic import Field

from app.schemas.sign_in import StaffRole, TeamMembership
from app.schemas.wire import CommaSeparated, Id, Output, Page, PageQuery, QueryBoolean, SearchText


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


class StaffFilters(StaffCriteria):
    """Query parameters of the staff directory."""

    ids: CommaSeparated[Id] | None = Field(
        default=None,
        description="Only people with these ids, at most 200, separated by commas. All of them are on one page; unknown "
        "ids are absent.",
    )


class StaffMember(Output):
    """A colleague, as needed to show a name or to choose a worker."""

    id: UUID = Field(description="Id of the user.")
    name: str = Field(description="Full name.")
    roles: list[StaffRole] = Field(description="Roles of the user.")
    teams: list[TeamMembership] = Field(description="Teams of the user, sorted by name.")
    is_active: bool = Field(
        description="Whether the account is active. Only active users can be assigned to cases."
    )


class StaffList(Page[StaffMember]):
    """One page of the staff directory, sorted by name."""
