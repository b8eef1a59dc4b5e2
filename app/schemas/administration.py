"""Schemas of users, teams and agencies. They contain no data about children."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.pending_changes import PendingChangeSummary
from app.schemas.shown_once import ShownOnce
from app.schemas.sign_in import StaffRole, TeamMembership
from app.schemas.staff import StaffCriteria
from app.schemas.wire import (
    ClientChosenId,
    CountedPage,
    CountedPageQuery,
    Email,
    Id,
    Input,
    Output,
    Page,
    PageQuery,
    QueryBoolean,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
    sort_unique,
)

StaffRoles = Annotated[list[StaffRole], Field(min_length=1, max_length=20), AfterValidator(sort_unique)]
AgencyKind = Annotated[str, CodeOf("agency_kind")]

NEW_ID = "Id chosen by the client (UUID version 4). By default, the server generates it."
"""Description of the field `id` in the schema of a new record."""


class TeamAssignment(Input):
    """Membership of a user in a team."""

    team_id: Id = Field(description="Id of the team.")
    is_supervisor: StrictBoolean = Field(default=False, description="Whether the user supervises the team.")


class UserSettings(Input):
    """Fields of a user that an administrator can change."""

    name: ShortText = Field(description="Full name of the user.")
    roles: Annotated[list[StaffRole], Field(max_length=20), AfterValidator(sort_unique)] = Field(
        description="Roles of the user. Their permissions add up. A new role with access to children, money or accounts "
        "waits for a confirmation."
    )
    is_active: StrictBoolean = Field(
        description="Whether the account is active. Deactivation ends every session of the user."
    )
    teams: Annotated[list[TeamAssignment], Field(max_length=50)] = Field(
        default_factory=list, description="Teams of the user. The list replaces the previous one."
    )


class UserCreate(Input):
    """A new user. The server generates the initial password."""

    id: ClientChosenId | None = Field(default=None, description=NEW_ID)
    email: Email = Field(description="Email address for the sign-in. It must be unique.")
    name: ShortText = Field(description="Full name of the user.")
    roles: StaffRoles = Field(description="Roles of the user. Their permissions add up.")
    teams: Annotated[list[TeamAssignment], Field(max_length=50)] = Field(
        default_factory=list, description="Teams of the user."
    )


if TYPE_CHECKING:

    class UserUpdate(Input):
        """Changes to `UserSettings`."""
else:
    UserUpdate = build_patch_model(UserSettings, "UserUpdate")


UserSort = TypeAliasType("UserSort", Literal["name", "-name", "created_at", "-created_at"])
"""Order of the list of users."""


class UserFilters(CountedPageQuery, StaffCriteria):
    """Query parameters of the list of users."""

    sort: UserSort = Field(
        default="-created_at", description="Order of the list; a minus sign means descending. Excludes `q`."
    )


class User(Versioned):
    """A member of staff with an account."""

    collection: ClassVar = "users"

    email: str = Field(description="Email address for the sign-in.")
    name: str = Field(description="Full name of the user.")
    roles: list[StaffRole] = Field(description="Roles of the user.")
    teams: list[TeamMembership] = Field(description="Teams of the user, sorted by name.")
    is_active: bool = Field(description="Whether the account is active. A deactivated user cannot sign in.")
    mfa_enrolled: bool = Field(description="Whether a second factor is confirmed.")
    activation_required: bool = Field(
        description="Whether the user must enter an activation code before the roles with access to children, money or "
        "accounts have an effect."
    )
    pending_changes: list[PendingChangeSummary] = Field(
        description="Changes of the account that wait for the confirmation of a second person, oldest first. The list "
        "contains those that the caller requested or can confirm."
    )
    created_at: UtcDateTime = Field(description="Time at which the user was created.")


class UserList(CountedPage[User]):
    """One page of users, in the order of `sort`."""


class UserWithPassword(User):
    """A user with a new initial password. The password is shown only in this response."""

    initial_password: ShownOnce[str | None] = Field(
        description="Initial password. It is valid for three days and only allows choosing another password. Null in a "
        "repeated response."
    )


class PasswordReset(Input):
    """Options of a password reset."""

    remove_second_factor: StrictBoolean = Field(
        default=False,
        description="Also remove the second factor, for a user who lost the telephone and the recovery codes.",
    )


class TeamSettings(Input):
    """Fields of a team that an administrator can change."""

    name: ShortText = Field(
        description="Name of the team. It must be unique; upper and lower case are equal."
    )
    is_active: StrictBoolean = Field(
        description="Whether the team is active. An inactive team gets no cases."
    )


class TeamCreate(Input):
    """A new team. Its members are assigned through the users."""

    id: ClientChosenId | None = Field(default=None, description=NEW_ID)
    name: ShortText = Field(
        description="Name of the team. It must be unique; upper and lower case are equal."
    )


if TYPE_CHECKING:

    class TeamUpdate(Input):
        """Changes to `TeamSettings`."""
else:
    TeamUpdate = build_patch_model(TeamSettings, "TeamUpdate")


class TeamFilters(PageQuery):
    """Query parameters of the list of teams."""

    is_active: QueryBoolean | None = Field(
        default=None, description="Only active (`true`) or only inactive (`false`) teams."
    )


class TeamMember(Output):
    """A user in a team."""

    user_id: UUID = Field(description="Id of the user.")
    name: str = Field(description="Full name of the user.")
    is_supervisor: bool = Field(description="Whether the user supervises the team.")


class Team(Versioned):
    """A team of workers and their supervisors."""

    collection: ClassVar = "teams"

    name: str = Field(description="Name of the team.")
    is_active: bool = Field(description="Whether the team is active. An inactive team gets no cases.")
    members: list[TeamMember] = Field(description="Active members of the team, sorted by name.")
    created_at: UtcDateTime = Field(description="Time at which the team was created.")


class TeamList(Page[Team]):
    """One page of teams, newest first."""


class AgencySettings(Input):
    """Fields of an agency that an administrator can change."""

    name: ShortText = Field(
        description="Name of the agency. It must be unique; upper and lower case are equal."
    )
    kind: AgencyKind = Field(
        description="Kind of agency. API clients of `fsc` and `partner` can send referrals."
    )
    is_active: StrictBoolean = Field(
        description="Whether the agency is active. Requests of an inactive agency's API clients are rejected."
    )


class AgencyCreate(Input):
    """A new agency."""

    id: ClientChosenId | None = Field(default=None, description=NEW_ID)
    name: ShortText = Field(
        description="Name of the agency. It must be unique; upper and lower case are equal."
    )
    kind: AgencyKind = Field(
        description="Kind of agency. API clients of `fsc` and `partner` can send referrals."
    )


if TYPE_CHECKING:

    class AgencyUpdate(Input):
        """Changes to `AgencySettings`."""
else:
    AgencyUpdate = build_patch_model(AgencySettings, "AgencyUpdate")


class AgencyFilters(PageQuery):
    """Query parameters of the list of agencies."""

    kind: AgencyKind | None = Field(default=None, description="Only agencies of this kind.")
    is_active: QueryBoolean | None = Field(
        default=None, description="Only active (`true`) or only inactive (`false`) agencies."
    )


class Agency(Versioned):
    """An organisation: First Step itself, a partner, a provider, an authority or a donor."""

    collection: ClassVar = "agencies"

    name: str = Field(description="Name of the agency.")
    kind: AgencyKind = Field(
        description="Kind of agency. API clients of `fsc` and `partner` can send referrals."
    )
    is_active: bool = Field(
        description="Whether the agency is active. Requests of an inactive agency's API clients are rejected."
    )
    created_at: UtcDateTime = Field(description="Time at which the agency was created.")


class AgencyList(Page[Agency]):
    """One page of agencies, newest first."""
