"""People sign in, stay signed in, and sign out."""

from fastapi import Depends, Request
from starlette.responses import Response

from app.http.authorization import Public, get_bearer_token
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
from app.services.accounts import refresh_tokens
from app.services.accounts import sign_in as sign_ins

router = Router(prefix="/auth", tags=["sign-in"])


def get_optional_bearer_token(request: Request) -> str | None:
    """Return the access token of a request that may come without one."""
    return get_bearer_token(request) if "authorization" in request.headers else None


@router.post(
    "/login",
    response_model=UserAccessToken,
    dependencies=[Depends(Public("whoever signs in has no token yet"))],
)
async def sign_in(
    context: CurrentSignInContext, payload: SignInCredentials, previous_refresh_token: RefreshCookie = None
) -> Response:
    """Sign in with e-mail, password and, where one is set up, a code of the second factor.

    401 with `errors[].code` `otp_required` asks for the code. The refresh token comes in the cookie `__Host-refresh`.
    """
    return with_cookie(await sign_ins.sign_in(context, payload, previous_refresh_token))


@router.post(
    "/refresh",
    response_model=UserAccessToken,
    dependencies=[
        Depends(Public("the refresh token in the cookie is the proof")),
        Depends(require_requested_with),
    ],
)
async def refresh_session(context: CurrentSignInContext, refresh_token: RefreshCookie = None) -> Response:
    """Get the next access token; the refresh token changes too, and using the old one again ends the sign-in."""
    return with_cookie(await refresh_tokens.refresh_session(context, refresh_token))


@router.post(
    "/logout",
    status_code=204,
    response_class=Response,
    dependencies=[
        Depends(Public("signing out twice is no error")),
        Depends(require_requested_with_for_cookies),
    ],
)
async def sign_out(
    request: Request, context: CurrentSignInContext, refresh_token: RefreshCookie = None
) -> Response:
    """Sign out: the access token is refused from the next request on, the cookie is cleared."""
    await refresh_tokens.sign_out(context, get_optional_bearer_token(request), refresh_token)
    return without_cookie()
