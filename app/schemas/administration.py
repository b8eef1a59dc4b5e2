"""Administration on the wire: users, teams, agencies, API clients. No child's data."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import patch_of
from app.schemas.sign_in import Membership
from app.schemas.wire import Email, Id, Input, Line, Moment, NewId, Output, PageQuery, Truth, Versioned

StaffRole = Literal[
    "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
    "data_protection_officer", "administrator",
]  # fmt: skip
"""What a person may be; the other roles are what machines' scopes make them."""
Scope = Literal["referrals", "reports"]


def _set(values: list[Any]) -> list[Any]:
    return sorted(set(values))


def _true_or_false(value: Any) -> Any:
    if value not in {"true", "false", True, False}:
        raise PydanticCustomError("bool_parsing", "true or false")
    return value


StaffRoles = Annotated[list[StaffRole], Field(min_length=1, max_length=20), AfterValidator(_set)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=10), AfterValidator(_set)]
Flag = Annotated[bool, BeforeValidator(_true_or_false)]
"""A truth in a query: `true` or `false`, not `yes` or `1`."""


class MembershipIn(Input):
    """A place in a team."""

    team_id: Id
    is_supervisor: Truth = False


class UserSettings(Input):
    """What an administrator decides about a person."""

    name: Line
    roles: StaffRoles
    is_active: Truth
    teams: Annotated[list[MembershipIn], Field(max_length=50)] = Field(default_factory=list)


class UserIn(Input):
    """A new member of staff; the password is made by us and shown once."""

    id: NewId | None = None
    email: Email
    name: Line
    roles: StaffRoles
    teams: Annotated[list[MembershipIn], Field(max_length=50)] = Field(default_factory=list)


if TYPE_CHECKING:

    class UserPatch(Input):
        """Changes to `UserSettings`."""
else:
    UserPatch = patch_of(UserSettings, "UserPatch")


class UserFilters(PageQuery):
    """Which users to list."""

    role: StaffRole | None = None
    is_active: Flag | None = None


class UserOut(Versioned):
    """A member of staff."""

    collection: ClassVar = "users"

    email: str
    name: str
    roles: list[str]
    teams: list[Membership]
    is_active: bool
    mfa_enrolled: bool
    created_at: Moment


class UserWithPassword(UserOut):
    """A member of staff and the password to hand over: shown once, good for one change, for three days."""

    initial_password: str


class PasswordReset(Input):
    """Whether the second factor goes too: the telephone and the recovery codes are lost."""

    remove_second_factor: Truth = False


class TeamSettings(Input):
    """What an administrator decides about a team."""

    name: Line
    is_active: Truth


class TeamIn(Input):
    """A new team; who belongs to it stands with the users."""

    id: NewId | None = None
    name: Line


if TYPE_CHECKING:

    class TeamPatch(Input):
        """Changes to `TeamSettings`."""
else:
    TeamPatch = patch_of(TeamSettings, "TeamPatch")


class TeamFilters(PageQuery):
    """Which teams to list."""

    is_active: Flag | None = None


class TeamMemberOut(Output):
    """Somebody of a team."""

    user_id: UUID
    name: str
    is_supervisor: bool


class TeamOut(Versioned):
    """Workers and their supervisors."""

    collection: ClassVar = "teams"

    name: str
    is_active: bool
    members: list[TeamMemberOut] = Field(description="Those who are active.")
    created_at: Moment


class AgencySettings(Input):
    """What an administrator decides about an organisation."""

    name: Line
    kind: Annotated[str, CodeOf("agency_kind")]
    is_active: Truth


class AgencyIn(Input):
    """A new organisation."""

    id: NewId | None = None
    name: Line
    kind: Annotated[str, CodeOf("agency_kind")]


if TYPE_CHECKING:

    class AgencyPatch(Input):
        """Changes to `AgencySettings`."""
else:
    AgencyPatch = patch_of(AgencySettings, "AgencyPatch")


class AgencyFilters(PageQuery):
    """Which organisations to list."""

    kind: Annotated[str, CodeOf("agency_kind")] | None = None
    is_active: Flag | None = None


class AgencyOut(Versioned):
    """An organisation: FSC itself, a partner, a provider."""

    collection: ClassVar = "agencies"

    name: str
    kind: str
    is_active: bool
    created_at: Moment


Coordinate = Annotated[str, Field(min_length=43, max_length=43)]


class PublicJwk(Input):
    """A client's public key (RFC 7517): ES256 and nothing else; private members are refused."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate
    alg: Literal["ES256"] | None = None
    use: Literal["sig"] | None = None
    kid: Annotated[str, Field(max_length=200)] | None = None


class ApiClientSettings(Input):
    """What an administrator decides about a system."""

    name: Line
    scopes: Scopes
    is_active: Truth
    public_key: PublicJwk | None = None


class ApiClientIn(Input):
    """A new system of an agency: it proves itself by a secret that we make, or by its own key."""

    id: NewId | None = None
    agency_id: Id
    name: Line
    scopes: Scopes
    public_key: PublicJwk | None = None


if TYPE_CHECKING:

    class ApiClientPatch(Input):
        """Changes to `ApiClientSettings`."""
else:
    ApiClientPatch = patch_of(ApiClientSettings, "ApiClientPatch")


class ApiClientFilters(PageQuery):
    """Which systems to list."""

    agency_id: Id | None = None
    is_active: Flag | None = None


class PublicKeyOut(Output):
    """A client's public key."""

    kty: str
    crv: str
    x: str
    y: str


class SecretOut(Output):
    """A secret that is alive; what it is, nobody can tell any more."""

    id: UUID
    created_at: Moment


class ApiClientOut(Versioned):
    """A system of an agency."""

    collection: ClassVar = "api-clients"

    client_id: str
    agency_id: UUID
    name: str
    scopes: list[str]
    public_key: PublicKeyOut | None
    is_active: bool
    last_used_at: Moment | None
    secrets: list[SecretOut]
    created_at: Moment


class ApiClientWithSecret(ApiClientOut):
    """A new system and its secret, shown once; none where it proves itself by its own key."""

    client_secret: str | None


class NewSecret(SecretOut):
    """A new secret, shown once."""

    client_id: str
    client_secret: str
