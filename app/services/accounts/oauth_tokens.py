"""OAuth 2.0 for API clients: the client credentials grant (RFC 6749), revocation (RFC 7009) and metadata (RFC 8414)."""

from collections.abc import Mapping
from uuid import UUID

from app.access import session_store
from app.access.acts import ActWithoutPermission
from app.access.roles import ROLE_BY_SCOPE
from app.access.tokens import ALGORITHM
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import Unauthenticated
from app.models import ApiClient
from app.models.record import new_id
from app.schemas.sign_in import AuthorizationServerMetadata, ClientAccessToken, Jwks
from app.services.accounts.client_authentication import OAuthError, authenticate_client
from app.services.accounts.sign_in_audit import SignInContext, record_authenticated_access

GRANT_TYPE = "client_credentials"
AUTHENTICATION_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


async def issue_access_token(
    context: SignInContext, form: Mapping[str, str], basic: str | None
) -> ClientAccessToken:
    """Issue an access token to an API client, for the requested scopes or for all of its scopes.

    Raises:
        OAuthError: the request, the credentials, the grant type or the scope is not valid.
    """
    if "grant_type" not in form:
        raise OAuthError("invalid_request", "grant_type is missing.")
    if form["grant_type"] != GRANT_TYPE:
        raise OAuthError("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}.")
    client = await authenticate_client(context, form, basic, ActWithoutPermission.client_sign_in)
    scope = _resolve_scope(client, form.get("scope"))
    session_id = await _begin_session(context, client)
    await record_authenticated_access(
        context, ActWithoutPermission.client_sign_in, "client", client.id, session_id
    )
    lifetime = get_settings().access_token_seconds
    access_token = get_vault().access_tokens.issue_access_token(
        client.id,
        kind="client",
        session_id=session_id,
        scope=scope,
        lifetime=lifetime,
        auth_time=None,
        amr=(),
    )
    return ClientAccessToken(
        access_token=access_token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=lifetime,
        scope=scope,
    )


async def revoke_access_token(context: SignInContext, form: Mapping[str, str], basic: str | None) -> None:
    """Revoke an access token of the API client. A token that is invalid or of another client is ignored (RFC 7009).

    Raises:
        OAuthError: the credentials are wrong, or the token is missing.
    """
    if "token" not in form:
        raise OAuthError("invalid_request", "token is missing.")
    client = await authenticate_client(context, form, basic, ActWithoutPermission.client_revoke_token)
    try:
        claims = get_vault().access_tokens.verify_access_token(form["token"])
    except Unauthenticated:
        return
    if claims.subject != client.id:
        return
    await record_authenticated_access(
        context, ActWithoutPermission.client_revoke_token, "client", client.id, claims.session_id
    )
    with translate_database_errors():
        async with context.database.session_factory() as session:
            await session_store.revoke_sessions_of(
                session, "revoked_by_client", client_id=client.id, only_session_id=claims.session_id
            )
            await session.commit()


def get_server_metadata() -> AuthorizationServerMetadata:
    """Return the metadata of the authorization server (RFC 8414)."""
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
    )


def get_jwks() -> Jwks:
    """Return the public keys that verify access tokens (RFC 7517)."""
    return Jwks.model_validate(get_vault().access_tokens.get_public_jwks())


async def _begin_session(context: SignInContext, client: ApiClient) -> UUID:
    """Begin the session of an access token and return its id. It ends with the token and cannot be refreshed."""
    lifetime = get_settings().access_token_seconds
    new_session = session_store.NewSession(
        new_id(),
        user_id=None,
        client_id=client.id,
        seconds=lifetime,
        idle_seconds=lifetime,
        address=context.address,
    )
    with translate_database_errors():
        async with context.database.session_factory() as session:
            await session_store.begin_session(session, new_session)
            await session.commit()
    return new_session.id


def _resolve_scope(client: ApiClient, requested_scope: str | None) -> str:
    granted = set(client.scopes)
    requested = granted if requested_scope is None else set(requested_scope.split(" "))
    if not requested or not requested <= granted:
        raise OAuthError("invalid_scope", "A requested scope is unknown or not granted to this client.")
    return " ".join(sorted(requested))
