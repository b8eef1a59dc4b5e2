"""What a machine may ask this server about itself before it signs in (RFC 8414, RFC 7517)."""

from app.access.permissions import ROLE_BY_SCOPE
from app.access.tokens import ALGORITHM
from app.access.vault import get_vault
from app.config import get_settings
from app.schemas.sign_in import AuthorizationServerMetadata, Jwks
from app.services.accounts.oauth_tokens import GRANT_TYPE

AUTHENTICATION_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def get_server_metadata() -> AuthorizationServerMetadata:
    """Say what is offered, and where."""
    issuer = get_settings().issuer
    return AuthorizationServerMetadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/v1/oauth/token",
        token_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
        token_endpoint_auth_signing_alg_values_supported=[ALGORITHM],
        revocation_endpoint=f"{issuer}/v1/oauth/revoke",
        revocation_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
        revocation_endpoint_auth_signing_alg_values_supported=[ALGORITHM],
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        grant_types_supported=[GRANT_TYPE],
        response_types_supported=[],
        scopes_supported=sorted(ROLE_BY_SCOPE),
        service_documentation=f"{issuer}/docs",
    )


def get_jwks() -> Jwks:
    """Return the public keys that verify our access tokens."""
    return Jwks.model_validate(get_vault().access_tokens.get_public_jwks())
