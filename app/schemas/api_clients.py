"""Schemas of API clients: systems of agencies that call this API."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from typing_extensions import TypeAliasType

from app.schemas.administration import NEW_ID
from app.schemas.merge_patch import build_patch_model
from app.schemas.pending_changes import PendingChangeSummary
from app.schemas.references import AgencyRef
from app.schemas.shown_once import ShownOnce
from app.schemas.wire import (
    ClientChosenId,
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

ApiScope = TypeAliasType("ApiScope", Literal["referrals", "reports"])
"""Scope of an API client. Each scope stands for one role: `referrals` for `partner_system`, `reports` for
`reporting_script`.
"""
ApiScopes = Annotated[list[ApiScope], Field(min_length=1, max_length=10), AfterValidator(sort_unique)]
JwkCoordinate = Annotated[str, Field(min_length=43, max_length=43)]


class PublicJwk(Input):
    """Public key of an API client in JWK format (RFC 7517). Only P-256 keys are accepted, and no private members."""

    kty: Literal["EC"] = Field(description="Key type, always `EC`.")
    crv: Literal["P-256"] = Field(description="Curve, always `P-256`.")
    x: JwkCoordinate = Field(description="X coordinate, base64url.")
    y: JwkCoordinate = Field(description="Y coordinate, base64url.")
    alg: Literal["ES256"] | None = Field(default=None, description="Algorithm, always `ES256`.")
    use: Literal["sig"] | None = Field(default=None, description="Use of the key, always `sig`.")
    kid: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="Key id. It is ignored: a client has one key."
    )


class ApiClientSettings(Input):
    """Fields of an API client that an administrator can change."""

    name: ShortText = Field(description="Name of the API client.")
    scopes: Annotated[list[ApiScope], Field(max_length=10), AfterValidator(sort_unique)] = Field(
        description="Scopes that the API client can request. The scope `referrals` waits for a confirmation."
    )
    is_active: StrictBoolean = Field(
        description="Whether the API client is active. An inactive client gets no token, and its access tokens are "
        "revoked."
    )
    public_key: PublicJwk | None = Field(
        default=None,
        description="Public key for `private_key_jwt`; null if the API client uses secrets only.",
    )


class ApiClientCreate(Input):
    """A new API client of an agency. It authenticates by a generated secret or by its own key."""

    id: ClientChosenId | None = Field(default=None, description=NEW_ID)
    agency_id: Id = Field(description="Id of the agency that operates the API client.")
    name: ShortText = Field(description="Name of the API client.")
    scopes: ApiScopes = Field(description="Scopes that the API client can request.")
    public_key: PublicJwk | None = Field(
        default=None, description="Public key for `private_key_jwt`. Without it a secret is generated."
    )


if TYPE_CHECKING:

    class ApiClientUpdate(Input):
        """Changes to `ApiClientSettings`."""
else:
    ApiClientUpdate = build_patch_model(ApiClientSettings, "ApiClientUpdate")


class ApiClientFilters(PageQuery):
    """Query parameters of the list of API clients."""

    agency_id: Id | None = Field(default=None, description="Only API clients of this agency.")
    is_active: QueryBoolean | None = Field(
        default=None, description="Only active (`true`) or only inactive (`false`) API clients."
    )


class PublicKey(Output):
    """Public key of an API client, with the required members of a JWK."""

    kty: str = Field(description="Key type, always `EC`.")
    crv: str = Field(description="Curve, always `P-256`.")
    x: str = Field(description="X coordinate, base64url.")
    y: str = Field(description="Y coordinate, base64url.")


class ApiClientSecret(Output):
    """An active secret of an API client. The secret itself cannot be read: only its hash is stored."""

    id: UUID = Field(description="Id of the secret.")
    created_at: UtcDateTime = Field(description="Time at which the secret was created.")


class ApiClient(Versioned):
    """A system of an agency that calls this API."""

    collection: ClassVar = "api-clients"

    client_id: str = Field(description="`client_id` for the token endpoint. It equals `id`.")
    agency_id: UUID = Field(description="Id of the agency that operates the API client.")
    agency: AgencyRef = Field(description="The agency that operates the API client.")
    name: str = Field(description="Name of the API client.")
    scopes: list[ApiScope] = Field(description="Scopes that the API client can request.")
    public_key: PublicKey | None = Field(
        description="Public key for `private_key_jwt`; null if the API client uses secrets only."
    )
    is_active: bool = Field(description="Whether the API client is active. An inactive client gets no token.")
    last_used_at: UtcDateTime | None = Field(
        description="Time of the last successful authentication; null if there was none."
    )
    secrets: list[ApiClientSecret] = Field(description="Active secrets, oldest first; at most two.")
    pending_changes: list[PendingChangeSummary] = Field(
        description="Changes of the caller that wait for the confirmation of a second person, oldest first."
    )
    created_at: UtcDateTime = Field(description="Time at which the API client was created.")


class ApiClientList(Page[ApiClient]):
    """One page of API clients, newest first."""


class ApiClientWithSecret(ApiClient):
    """A new API client with its secret. The secret is shown only in this response."""

    client_secret: ShownOnce[str | None] = Field(
        description="`client_secret` for the token endpoint; null for an API client with its own key and in a repeated "
        "response."
    )


class NewApiClientSecret(ApiClientSecret):
    """A new secret of an API client. The secret is shown only in this response."""

    client_id: str = Field(description="`client_id` for the token endpoint.")
    pending_changes: list[PendingChangeSummary] = Field(
        description="The change that must be confirmed before the secret is valid; empty if it is valid."
    )
    client_secret: ShownOnce[str | None] = Field(
        description="`client_secret` for the token endpoint; null in a repeated response."
    )
