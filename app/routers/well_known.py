"""Metadata that API clients read before they authenticate; outside /v1."""

from fastapi import Depends, Request
from starlette.responses import Response

from app.http.authorization import PublicEndpoint
from app.http.responses import CacheableResponse, build_cacheable_response
from app.http.route import Router
from app.schemas.sign_in import AuthorizationServerMetadata, Jwks
from app.services.accounts import oauth_tokens

router = Router(prefix="/.well-known", version="", tags=["api-client-authentication"])


@router.get(
    "/oauth-authorization-server",
    response_model=AuthorizationServerMetadata,
    response_class=CacheableResponse,
    dependencies=[Depends(PublicEndpoint("clients read it before they authenticate"))],
)
async def get_authorization_server_metadata(request: Request) -> Response:
    """Get the metadata of the authorization server (RFC 8414).

    Contains the token and revocation endpoints, the supported grants, scopes and authentication methods.
    """
    return build_cacheable_response(request, oauth_tokens.get_server_metadata())


@router.get(
    "/jwks.json",
    response_model=Jwks,
    response_class=CacheableResponse,
    dependencies=[Depends(PublicEndpoint("public keys are not secret"))],
)
async def get_jwks(request: Request) -> Response:
    """Get the public keys that verify access tokens (RFC 7517).

    The key that signs new tokens comes first. A replaced key stays in the set until it is retired.
    """
    return build_cacheable_response(request, oauth_tokens.get_jwks())
