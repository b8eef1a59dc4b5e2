"""Sign-in on the wire: people, their sessions and second factor, and machines."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.wire import Email, Input, Output, UtcDateTime, Versioned

Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""Used exactly as sent."""
OneTimeCode = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""Six digits from an authenticator app, or a recovery code."""


class SignInCredentials(Input):
    """Who says they are signing in, and their proof."""

    email: Email
    password: Password
    otp: OneTimeCode | None = None


class UserAccessToken(Output):
    """An access token; the refresh token travels in a cookie."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")
    mfa_required: bool = Field(description="The token opens nothing but the setting up of a second factor.")
    password_change_required: bool = Field(
        description="The token opens nothing but the choice of a password: the one used was given by an administrator."
    )


class TeamMembership(Output):
    """A place in a team."""

    team_id: UUID
    team_name: str
    is_supervisor: bool


class Me(Versioned):
    """The person who is asking."""

    email: str
    name: str
    roles: list[str]
    teams: list[TeamMembership]
    mfa_enrolled: bool
    mfa_required: bool = Field(description="Whether these roles need a second factor here.")
    permissions: list[str] = Field(description="Every act these roles include.")


class PasswordChange(Input):
    """A new password, and the present one as proof."""

    current_password: Password
    new_password: Password


class UserSession(Output):
    """A sign-in that is still alive."""

    id: UUID
    created_at: UtcDateTime
    refreshed_at: UtcDateTime = Field(description="When it was last used to get an access token.")
    ends_at: UtcDateTime = Field(description="When it ends, however often it is refreshed.")
    address: str | None
    user_agent: str | None
    current: bool


class TotpEnrolment(Output):
    """A second factor to be confirmed with its first code. Shown once."""

    secret: str = Field(description="Base 32, to type into an authenticator app.")
    provisioning_uri: str = Field(description="The same as a QR code's content.")
    confirmed: bool


class TotpConfirmation(Input):
    """The first code of a new second factor."""

    code: OneTimeCode


class RecoveryCodes(Output):
    """Codes for a lost telephone, each good for one sign-in. Shown once."""

    recovery_codes: list[str]


class TotpRemoval(Input):
    """Proof that it is the person who asks: the password, or a code."""

    password: Password | None = None
    code: OneTimeCode | None = None

    @model_validator(mode="after")
    def require_one_proof(self) -> Self:
        """Ask for exactly one of the two."""
        if (self.password is None) == (self.code is None):
            raise PydanticCustomError("not_both", "one of password and code")
        return self


class ClientAccessToken(Output):
    """A machine's access token (RFC 6749, section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class OAuthErrorResponse(Output):
    """A refusal as RFC 6749, section 5.2 words it."""

    error: Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]
    error_description: str


class AuthorizationServerMetadata(Output):
    """What this authorization server offers (RFC 8414)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_signing_alg_values_supported: list[str]
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    service_documentation: str


class Jwk(Output):
    """A public key (RFC 7517)."""

    kty: str
    crv: str
    x: str
    y: str
    alg: str
    use: str
    kid: str


class Jwks(Output):
    """The public keys that verify our access tokens, the active one first."""

    keys: list[Jwk]


TOKEN_FORM_FIELDS: dict[str, Any] = {
    "grant_type": {"type": "string", "enum": ["client_credentials"]},
    "scope": {"type": "string", "description": "Space-separated; fewer than granted, or all where left out."},
}
"""The form of the token endpoint, in JSON Schema."""
REVOCATION_FORM_FIELDS: dict[str, Any] = {
    "token": {"type": "string"},
    "token_type_hint": {"type": "string"},
}
CLIENT_FORM_FIELDS: dict[str, Any] = {
    "client_id": {"type": "string", "format": "uuid"},
    "client_secret": {"type": "string"},
    "client_assertion_type": {
        "type": "string",
        "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    },
    "client_assertion": {"type": "string", "description": "A JWT (ES256) whose `aud` is the issuer."},
}
"""How a client says who it is, where it does not use HTTP Basic."""
