"""What a request that signs in tells about where it comes from, and the cookie that holds the refresh token."""

from typing import Annotated

from fastapi import Cookie, Depends, Header, Request
from starlette.responses import Response

from app.config import get_settings
from app.errors import CrossSiteRequest
from app.http.middleware.client_address import UNKNOWN, client_address, rate_key
from app.http.responses import answer
from app.services.accounts.sessions import SessionTokens
from app.services.accounts.sign_in_audit import SignInContext

COOKIE = "__Host-refresh"
"""The prefix makes browsers insist on Secure, Path=/ and no Domain."""


async def visit(request: Request) -> SignInContext:
    """Return where a request comes from."""
    address = client_address(request.scope, get_settings().trusted_proxies)
    return SignInContext(
        database=request.app.state.database,
        request_id=request.state.request_id,
        address=None if address == UNKNOWN else address,
        network=rate_key(address),
        user_agent=request.headers.get("user-agent"),
    )


ScriptHeader = Annotated[
    str | None, Header(description="Any value: no other site's page can send this header.")
]


async def asked_by_script(x_requested_with: ScriptHeader = None) -> None:
    """Refuse what a page of another site could have made a browser send.

    Raises:
        AskedFromElsewhere: the header is missing.
    """
    if not x_requested_with:
        raise CrossSiteRequest("This asks for the header X-Requested-With.")


def with_cookie(tokens: SessionTokens) -> Response:
    """Return the answer to a sign-in or refresh, the refresh token in its cookie."""
    response = answer(tokens.response, 200)
    response.headers["Cache-Control"] = "no-store"
    _set(response, tokens.refresh_token, tokens.refresh_token_lifetime)
    return response


def without_cookie() -> Response:
    """Return the answer to a sign-out: nothing, and the cookie gone."""
    response = Response(status_code=204)
    _set(response, "", 0)
    return response


def _set(response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        COOKIE, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


Visiting = Annotated[SignInContext, Depends(visit)]
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE, description="The refresh token.")]
