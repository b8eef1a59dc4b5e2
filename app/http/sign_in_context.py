"""Dependencies of sign-in endpoints: client address, refresh cookie, and the header X-Requested-With."""

from typing import Annotated

from fastapi import Cookie, Depends, Header, Request
from starlette.responses import Response

from app.config import get_settings
from app.errors import CrossSiteRequest
from app.http.middleware.client_address import UNKNOWN, get_client_address, get_rate_limit_key
from app.http.responses import build_response
from app.services.accounts.sessions import SessionTokens
from app.services.accounts.sign_in_audit import SignInContext

REFRESH_COOKIE_NAME = "__Host-refresh"
"""The prefix `__Host-` makes browsers require Secure, Path=/ and no Domain."""


async def get_sign_in_context(request: Request) -> SignInContext:
    """Return the context of a request whose caller is not authenticated yet."""
    address = get_client_address(request.scope, get_settings().trusted_proxies)
    return SignInContext(
        database=request.app.state.database,
        request_id=request.state.request_id,
        correlation_id=request.state.correlation_id,
        address=None if address == UNKNOWN else address,
        network=get_rate_limit_key(address),
        user_agent=request.headers.get("user-agent"),
    )


RequestedWithHeader = Annotated[str | None, Header(include_in_schema=False)]
"""Not in the schema of an operation, because `X-Requested-With` is a shared parameter of the OpenAPI document."""


async def require_requested_with(x_requested_with: RequestedWithHeader = None) -> None:
    """Require the header X-Requested-With, which forms and images of other sites cannot send.

    Raises:
        CrossSiteRequest: the header is missing.
    """
    if not x_requested_with:
        raise CrossSiteRequest("The header X-Requested-With is required.")


async def require_requested_with_for_cookies(
    request: Request, x_requested_with: RequestedWithHeader = None
) -> None:
    """Require the header X-Requested-With unless the request authenticates by an access token alone.

    Raises:
        CrossSiteRequest: the header is missing.
    """
    if REFRESH_COOKIE_NAME in request.cookies or "authorization" not in request.headers:
        await require_requested_with(x_requested_with)


def with_cookie(tokens: SessionTokens) -> Response:
    """Return the response to a sign-in or refresh, with the refresh token in its cookie."""
    response = build_response(tokens.response, 200)
    response.headers["Cache-Control"] = "no-store"
    _set_cookie(response, tokens.refresh_token, tokens.refresh_token_lifetime)
    return response


def without_cookie() -> Response:
    """Return the response to a sign-out, which deletes the cookie."""
    response = Response(status_code=204)
    _set_cookie(response, "", 0)
    return response


def _set_cookie(response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        REFRESH_COOKIE_NAME, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


CurrentSignInContext = Annotated[SignInContext, Depends(get_sign_in_context)]
RefreshCookie = Annotated[str | None, Cookie(alias=REFRESH_COOKIE_NAME, description="The refresh token.")]
