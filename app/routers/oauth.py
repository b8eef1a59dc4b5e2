"""Machines sign in (RFC 6749, 7009, 7523). Forms in, and errors as those RFCs word them."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.responses import Response

from app.http.authorization import Public
from app.http.form_route import FormRoute
from app.http.route import Router
from app.http.sign_in_context import Visiting
from app.schemas.sign_in import CLIENT_FORM, REVOCATION_FORM, TOKEN_FORM, GrantError, TokenGranted
from app.services.accounts import oauth_tokens as machine_tokens
from app.services.accounts.oauth_tokens import OAuthError

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 16_384
MOST_FIELDS = 16


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; one without a value counts as absent (RFC 6749, section 3.2).

    Raises:
        GrantRefused: it is no form, too large, or names a field twice.
    """
    label = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if label != FORM or len(body) > MOST_BYTES:
        raise OAuthError("invalid_request", f"Send a form ({FORM}) of at most {MOST_BYTES} bytes.")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise OAuthError("invalid_request", "The form cannot be read.") from None
    form = dict(fields)
    if len(form) != len(fields) or any("\x00" in value for value in form.values()):
        raise OAuthError("invalid_request", "A field is given twice, or holds what no field may hold.")
    return {name: value for name, value in form.items() if value}


async def basic_of(request: Request) -> str | None:
    """Return the credentials of HTTP Basic, still encoded; None where there are none.

    Raises:
        GrantRefused: another scheme is used.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "Clients authenticate by HTTP Basic or in the form.")
    return credentials.strip()


def _documented(*forms: dict[str, Any], required: str) -> dict[str, Any]:
    properties = {name: schema for form in forms for name, schema in form.items()}
    schema = {"type": "object", "required": [required], "properties": properties}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


Form = Annotated[dict[str, str], Depends(form_of)]
Basic = Annotated[str | None, Depends(basic_of)]
router = Router(
    prefix="/oauth",
    tags=["machines"],
    route_class=FormRoute,
    responses={400: {"model": GrantError}, 401: {"model": GrantError}},
)


@router.post(
    "/token",
    dependencies=[Depends(Public("clients prove themselves in the request"))],
    openapi_extra=_documented(TOKEN_FORM, CLIENT_FORM, required="grant_type"),
)
async def grant(visit: Visiting, form: Form, basic: Basic) -> TokenGranted:
    """Get an access token: `client_credentials`, by secret (HTTP Basic or form) or by `private_key_jwt`."""
    return await machine_tokens.issue_access_token(visit, form, basic)


@router.post(
    "/revoke",
    response_class=Response,
    dependencies=[Depends(Public("clients prove themselves in the request"))],
    openapi_extra=_documented(REVOCATION_FORM, CLIENT_FORM, required="token"),
)
async def revoke(visit: Visiting, form: Form, basic: Basic) -> Response:
    """Revoke an access token of the client's own; a token of nobody is no error."""
    await machine_tokens.revoke_access_token(visit, form, basic)
    return Response()
