"""Administration on the wire: users, teams, agencies, API clients. No child's data."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.sign_in import TeamMembership
from app.schemas.wire import (
    ClientChosenId,
    Email,
    Id,
    Input,
    Output,
    PageQuery,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

StaffRole = Literal[
    "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
    "data_protection_officer", "administrator",
]  # fmt: skip
"""What a person may be; the other roles are what machines' scopes make them."""
Scope = Literal["referrals", "reports"]


def _sort_unique(values: list[Any]) -> list[Any]:
    return sorted(set(values))


def _validate_query_boolean(value: Any) -> Any:
    if value not in {"true", "false", True, False}:
        raise PydanticCustomError("bool_parsing", "true or false")
    return value


StaffRoles = Annotated[list[StaffRole], Field(min_length=1, max_length=20), AfterValidator(_sort_unique)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=10), AfterValidator(_sort_unique)]
QueryBoolean = Annotated[bool, BeforeValidator(_validate_query_boolean)]
"""A truth in a query: `true` or `false`, not `yes` or `1`."""


class TeamAssignment(Input):
    """A place in a team."""

    team_id: Id
    is_supervisor: StrictBoolean = False


class UserSettings(Input):
    """What an administrator decides about a person."""

    name: ShortText
    roles: StaffRoles
    is_active: StrictBoolean
    teams: Annotated[list[TeamAssignment], Field(max_length=50)] = Field(default_factory=list)


class UserCreate(Input):
    """A new member of staff; the password is made by us and shown once."""

    id: ClientChosenId | None = None
    email: Email
    name: ShortText
    roles: StaffRoles
    teams: Annotated[list[TeamAssignment], Field(max_length=50)] = Field(default_factory=list)


if TYPE_CHECKING:

    class UserUpdate(Input):
        """Changes to `UserSettings`."""
else:
    UserUpdate = build_patch_model(UserSettings, "UserUpdate")


class UserFilters(PageQuery):
    """Which users to list."""

    role: StaffRole | None = None
    is_active: QueryBoolean | None = None


class User(Versioned):
    """A member of staff."""

    collection: ClassVar = "users"

    email: str
    name: str
    roles: list[str]
    teams: list[TeamMembership]
    is_active: bool
    mfa_enrolled: bool
    created_at: UtcDateTime


class UserWithPassword(User):
    """A member of staff and the password to hand over: shown once, good for one change, for three days."""

    initial_password: str


class PasswordReset(Input):
    """Whether the second factor goes too: the telephone and the recovery codes are lost."""

    remove_second_factor: StrictBoolean = False


class TeamSettings(Input):
    """What an administrator decides about a team."""

    name: ShortText
    is_active: StrictBoolean


class TeamCreate(Input):
    """A new team; who belongs to it stands with the users."""

    id: ClientChosenId | None = None
    name: ShortText


if TYPE_CHECKING:

    class TeamUpdate(Input):
        """Changes to `TeamSettings`."""
else:
    TeamUpdate = build_patch_model(TeamSettings, "TeamUpdate")


class TeamFilters(PageQuery):
    """Which teams to list."""

    is_active: QueryBoolean | None = None


class TeamMember(Output):
    """Somebody of a team."""

    user_id: UUID
    name: str
    is_supervisor: bool


class Team(Versioned):
    """Workers and their supervisors."""

    collection: ClassVar = "teams"

    name: str
    is_active: bool
    members: list[TeamMember] = Field(description="Those who are active.")
    created_at: UtcDateTime


class AgencySettings(Input):
    """What an administrator decides about an organisation."""

    name: ShortText
    kind: Annotated[str, CodeOf("agency_kind")]
    is_active: StrictBoolean


class AgencyCreate(Input):
    """A new organisation."""

    id: ClientChosenId | None = None
    name: ShortText
    kind: Annotated[str, CodeOf("agency_kind")]


if TYPE_CHECKING:

    class AgencyUpdate(Input):
        """Changes to `AgencySettings`."""
else:
    AgencyUpdate = build_patch_model(AgencySettings, "AgencyUpdate")


class AgencyFilters(PageQuery):
    """Which organisations to list."""

    kind: Annotated[str, CodeOf("agency_kind")] | None = None
    is_active: QueryBoolean | None = None


class Agency(Versioned):
    """An organisation: FSC itself, a partner, a provider."""

    collection: ClassVar = "agencies"

    name: str
    kind: str
    is_active: bool
    created_at: UtcDateTime


JwkCoordinate = Annotated[str, Field(min_length=43, max_length=43)]


class PublicJwk(Input):
    """A client's public key (RFC 7517): ES256 and nothing else; private members are refused."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: JwkCoordinate
    y: JwkCoordinate
    alg: Literal["ES256"] | None = None
    use: Literal["sig"] | None = None
    kid: Annotated[str, Field(max_length=200)] | None = None


class ApiClientSettings(Input):
    """What an administrator decides about a system."""

    name: ShortText
    scopes: Scopes
    is_active: StrictBoolean
    public_key: PublicJwk | None = None


class ApiClientCreate(Input):
    """A new system of an agency: it proves itself by a secret that we make, or by its own key."""

    id: ClientChosenId | None = None
    agency_id: Id
    name: ShortText
    scopes: Scopes
    public_key: PublicJwk | None = None


if TYPE_CHECKING:

    class ApiClientUpdate(Input):
        """Changes to `ApiClientSettings`."""
else:
    ApiClientUpdate = build_patch_model(ApiClientSettings, "ApiClientUpdate")


class ApiClientFilters(PageQuery):
    """Which systems to list."""

    agency_id: Id | None = None
    is_active: QueryBoolean | None = None


class PublicKey(Output):
    """A client's public key."""

    kty: str
    crv: str
    x: str
    y: str


class ApiClientSecret(Output):
    """A secret that is alive; what it is, nobody can tell any more."""

    id: UUID
    created_at: UtcDateTime


class ApiClient(Versioned):
    """A system of an agency."""

    collection: ClassVar = "api-clients"

    client_id: str
    agency_id: UUID
    name: str
    scopes: list[str]
    public_key: PublicKey | None
    is_active: bool
    last_used_at: UtcDateTime | None
    secrets: list[ApiClientSecret]
    created_at: UtcDateTime


class ApiClientWithSecret(ApiClient):
    """A new system and its secret, shown once; none where it proves itself by its own key."""

    client_secret: str | None


class NewApiClientSecret(ApiClientSecret):
    """A new secret, shown once."""

    client_id: str
    client_secret: str
