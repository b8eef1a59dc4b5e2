"""Schemas of sign-in: sessions and second factors of people, access tokens of API clients."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from app.schemas.shown_once import IssuedToken, ShownOnce
from app.schemas.wire import Email, Input, Output, Page, UtcDateTime, Versioned

StaffRole = TypeAliasType(
    "StaffRole",
    Literal[
        "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
        "data_protection_officer", "administrator",
    ],
)  # fmt: skip
"""Role of a member of staff. API clients have other roles, which follow from their scopes."""
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""A password, verified exactly as sent."""
OneTimeCode = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""Six digits from an authenticator app, or a recovery code."""
OAuthErrorCode = TypeAliasType(
    "OAuthErrorCode",
    Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"],
)
"""Error code of RFC 6749, section 5.2."""


class SignInCredentials(Input):
    """Credentials of a person."""

    email: Email = Field(description="Email address of the account.")
    password: Password = Field(description="Password of the account.")
    otp: OneTimeCode | None = Field(
        default=None,
        description="Six digits from an authenticator app, or a recovery code. Required with a second factor.",
    )


class UserAccessToken(Output):
    """Access token of a person. The refresh token is in the cookie of the response."""

    access_token: IssuedToken[str] = Field(
        description="Access token for the header `Authorization: Bearer …`."
    )
    token_type: Literal["Bearer"] = Field(description="Type of the token.")
    expires_in: int = Field(description="Lifetime of the access token in seconds.")
    mfa_required: bool = Field(
        description="If true, the token only allows setting up a second factor, which every user needs."
    )
    password_change_required: bool = Field(
        description="If true, the token only allows choosing a new password, because the current one is an initial "
        "password."
    )
    activation_required: bool = Field(
        description="If true, roles with access to children, money or accounts have no effect until the user enters the "
        "activation code (`POST /v1/me/activate`)."
    )


class TeamMembership(Output):
    """A team of a user."""

    team_id: UUID = Field(description="Id of the team.")
    team_name: str = Field(description="Name of the team.")
    is_supervisor: bool = Field(description="Whether the user supervises the team.")


class Me(Versioned):
    """The account of the caller."""

    email: str = Field(description="Email address for the sign-in.")
    name: str = Field(description="Full name.")
    roles: list[StaffRole] = Field(description="Roles of the caller.")
    teams: list[TeamMembership] = Field(description="Teams of the caller, sorted by name.")
    mfa_enrolled: bool = Field(description="Whether a second factor is confirmed.")
    mfa_required: bool = Field(
        description="Whether users need a second factor: always true except in demonstration mode."
    )
    activation_required: bool = Field(
        description="Whether the caller must enter an activation code before further roles take effect. These roles are not "
        "in `roles`."
    )
    permissions: list[str] = Field(
        description="Permissions that the caller's roles include, such as `case.read`."
    )


PROOF_CODE = (
    "Six digits from the authenticator app, or a recovery code. Required if a second factor is confirmed."
)
"""Description of the field with the code that proves the identity of the caller."""


class Reauthentication(Input):
    """Proof of the caller's identity: the password, and a code if a second factor is confirmed."""

    password: Password = Field(description="Password of the caller.")
    code: OneTimeCode | None = Field(default=None, description=PROOF_CODE)


class PasswordChange(Input):
    """A new password. The current password and a code prove the identity of the caller."""

    current_password: Password = Field(description="Current password, or the initial password.")
    new_password: Password = Field(description="New password, 12 to 128 characters.")
    code: OneTimeCode | None = Field(default=None, description=PROOF_CODE)


class AccountActivation(Input):
    """The activation code of an account."""

    code: OneTimeCode = Field(description="Code from the person who confirmed the change of the account.")


class UserSession(Output):
    """An active session of the caller. It begins with a sign-in on one device."""

    id: UUID = Field(description="Id of the session.")
    created_at: UtcDateTime = Field(description="Time of the sign-in.")
    refreshed_at: UtcDateTime = Field(description="Time at which the last access token was issued.")
    ends_at: UtcDateTime = Field(description="Time at which the session ends. Refreshes do not extend it.")
    address: str | None = Field(description="IP address of the sign-in.")
    user_agent: str | None = Field(description="User-Agent header of the sign-in.")
    current: bool = Field(description="Whether this is the session of the request.")


class UserSessionList(Page[UserSession]):
    """One page of the caller's active sessions, newest first."""


class TotpEnrolment(Output):
    """A new second factor, to be confirmed with its first code. The secret is shown only in this response."""

    secret: ShownOnce[str | None] = Field(
        description="TOTP secret in base 32, to type into an authenticator app; null in a repeated response."
    )
    provisioning_uri: ShownOnce[str | None] = Field(
        description="`otpauth:` URI with the secret, to display as a QR code; null in a repeated response."
    )
    confirmed: bool = Field(description="Whether the second factor is confirmed; always false here.")


class TotpConfirmation(Input):
    """The first code of a new second factor."""

    code: OneTimeCode = Field(description="Six digits from the authenticator app.")


class TotpRecoveryCodes(Output):
    """Recovery codes for a lost telephone. They are shown only in this response."""

    recovery_codes: ShownOnce[list[str] | None] = Field(
        description="Ten codes. Each is accepted once instead of a TOTP code. Null in a repeated response."
    )


class ClientAccessToken(Output):
    """Access token of an API client (RFC 6749, section 5.1)."""

    access_token: IssuedToken[str] = Field(
        description="Access token for the header `Authorization: Bearer …`."
    )
    token_type: Literal["Bearer"] = Field(description="Type of the token.")
    expires_in: int = Field(description="Lifetime of the access token in seconds.")
    scope: str = Field(description="Granted scopes, separated by spaces.")


class OAuthErrorResponse(Output):
    """An error response of the OAuth endpoints (RFC 6749, section 5.2)."""

    error: OAuthErrorCode = Field(description="Error code of RFC 6749.")
    error_description: str = Field(description="Cause of the error, in English.")


class AuthorizationServerMetadata(Output):
    """Metadata of the authorization server (RFC 8414)."""

    issuer: str = Field(description="Issuer of access tokens, and the audience of client assertions.")
    token_endpoint: str = Field(description="URL of the token endpoint.")
    token_endpoint_auth_methods_supported: list[str] = Field(
        description="Authentication methods of the token endpoint."
    )
    token_endpoint_auth_signing_alg_values_supported: list[str] = Field(
        description="Signature algorithms of client assertions."
    )
    revocation_endpoint: str = Field(description="URL of the revocation endpoint.")
    revocation_endpoint_auth_methods_supported: list[str] = Field(
        description="Authentication methods of the revocation endpoint."
    )
    revocation_endpoint_auth_signing_alg_values_supported: list[str] = Field(
        description="Signature algorithms of client assertions."
    )
    jwks_uri: str = Field(description="URL of the public keys.")
    grant_types_supported: list[str] = Field(description="Supported grant types.")
    response_types_supported: list[str] = Field(
        description="Supported response types; empty, because there is no authorization endpoint."
    )
    scopes_supported: list[str] = Field(description="Scopes of API clients.")


class Jwk(Output):
    """A public key that verifies access tokens (RFC 7517)."""

    kty: str = Field(description="Key type, always `EC`.")
    crv: str = Field(description="Curve, always `P-256`.")
    x: str = Field(description="X coordinate, base64url.")
    y: str = Field(description="Y coordinate, base64url.")
    alg: str = Field(description="Algorithm, always `ES256`.")
    use: str = Field(description="Use of the key, always `sig`.")
    kid: str = Field(description="Key id: the thumbprint of the key (RFC 7638).")


class Jwks(Output):
    """The public keys that verify access tokens (RFC 7517)."""

    keys: list[Jwk] = Field(description="Public keys, the active one first.")


TOKEN_FORM_FIELDS: dict[str, Any] = {
    "grant_type": {
        "type": "string",
        "enum": ["client_credentials"],
        "description": "Grant type, always `client_credentials`.",
    },
    "scope": {
        "type": "string",
        "description": "Requested scopes, separated by spaces. Default: all scopes of the API client.",
    },
}
"""JSON Schema properties of the form at the token endpoint."""
REVOCATION_FORM_FIELDS: dict[str, Any] = {
    "token": {"type": "string", "description": "Access token to revoke."},
    "token_type_hint": {"type": "string", "description": "Ignored: there is one type of token."},
}
"""JSON Schema properties of the form at the revocation endpoint."""
CLIENT_FORM_FIELDS: dict[str, Any] = {
    "client_id": {"type": "string", "format": "uuid", "description": "Id of the API client."},
    "client_secret": {"type": "string", "description": "Secret of the API client."},
    "client_assertion_type": {
        "type": "string",
        "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        "description": "Type of the client assertion.",
    },
    "client_assertion": {
        "type": "string",
        "description": "JWT signed with the key of the API client (ES256). Its `aud` is the issuer.",
    },
}
"""JSON Schema properties of the client credentials in both forms, as an alternative to HTTP Basic."""
