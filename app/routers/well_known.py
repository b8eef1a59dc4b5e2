"""What machines look up before they sign in; outside /v1."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.http.authorization import Public
from app.http.responses import cacheable
from app.http.route import Route
from app.schemas.sign_in import AuthorizationServerMetadata, Jwks
from app.services.accounts import server_metadata

router = APIRouter(prefix="/.well-known", tags=["machines"], route_class=Route)


@router.get(
    "/oauth-authorization-server",
    response_model=AuthorizationServerMetadata,
    dependencies=[Depends(Public("clients read it before they can sign in"))],
)
async def get_authorization_server_metadata(request: Request) -> Response:
    """Say what the authorization server offers, and where (RFC 8414)."""
    return cacheable(request, server_metadata.get_server_metadata())


@router.get("/jwks.json", response_model=Jwks, dependencies=[Depends(Public("public keys are public"))])
async def get_jwks(request: Request) -> Response:
    """Return the public keys that verify our access tokens (RFC 7517)."""
    return cacheable(request, server_metadata.get_jwks())
