"""Endpoints for the sign-in, token refresh and sign-out of people."""

from fastapi import Depends, Request
from starlette.responses import Response

from app.http.authorization import PublicEndpoint, get_bearer_token
from app.http.route import Router
from app.http.sign_in_context import (
    CurrentSignInContext,
    RefreshCookie,
    require_requested_with,
    require_requested_with_for_cookies,
    with_cookie,
    without_cookie,
)
from app.schemas.sign_in import SignInCredentials, UserAccessToken
from app.services.accounts import refresh_tokens, sign_in

router = Router(prefix="/auth", tags=["sign-in"])


def get_optional_bearer_token(request: Request) -> str | None:
    """Return the access token of a request, or None if it has no Authorization header."""
    return get_bearer_token(request) if "authorization" in request.headers else None


@router.post(
    "/login",
    response_model=UserAccessToken,
    dependencies=[Depends(PublicEndpoint("the caller has no token before the sign-in"))],
)
async def sign_in_user(
    context: CurrentSignInContext, payload: SignInCredentials, previous_refresh_token: RefreshCookie = None
) -> Response:
    """Sign in with email address and password.

    A user with a second factor also sends a code as `otp`; without it the response is 401 with the code `otp_required`.
    The response sets the refresh token as the cookie `__Host-refresh`. If the browser has an older refresh token, the
    session of that token ends.
    """
    return with_cookie(await sign_in.sign_in_user(context, payload, previous_refresh_token))


@router.post(
    "/refresh",
    response_model=UserAccessToken,
    dependencies=[
        Depends(PublicEndpoint("the refresh token in the cookie authenticates the caller")),
        Depends(require_requested_with),
    ],
)
async def refresh_session(context: CurrentSignInContext, refresh_token: RefreshCookie = None) -> Response:
    """Refresh the access token.

    The response also replaces the refresh token in the cookie. For 30 seconds the replaced refresh token gets the same
    new one again, so that a lost response or a second tab does not end the session. If a replaced refresh token is sent
    later, or one that was replaced before it, the session is revoked.
    """
    return with_cookie(await refresh_tokens.refresh_session(context, refresh_token))


@router.post(
    "/logout",
    status_code=204,
    response_class=Response,
    dependencies=[
        Depends(PublicEndpoint("a session that has ended is not an error")),
        Depends(require_requested_with_for_cookies),
    ],
)
async def sign_out_user(
    request: Request, context: CurrentSignInContext, refresh_token: RefreshCookie = None
) -> Response:
    """Sign out and end the session.

    Revokes the session of the access token or of the refresh token, and deletes the cookie. A session that has ended
    already is not an error.
    """
    await refresh_tokens.sign_out_user(context, get_optional_bearer_token(request), refresh_token)
    return without_cookie()
