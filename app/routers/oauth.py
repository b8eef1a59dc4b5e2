"""OAuth endpoints of API clients (RFC 6749, 7009, 7523). They accept forms and return the errors of these RFCs."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.responses import Response

from app.http.authorization import PublicEndpoint
from app.http.form_route import FormRoute
from app.http.route import Router
from app.http.sign_in_context import CurrentSignInContext
from app.schemas.sign_in import (
    CLIENT_FORM_FIELDS,
    REVOCATION_FORM_FIELDS,
    TOKEN_FORM_FIELDS,
    ClientAccessToken,
    OAuthErrorResponse,
)
from app.services.accounts import oauth_tokens
from app.services.accounts.client_authentication import OAuthError

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 16_384
MAX_FORM_FIELDS = 16


async def parse_form(request: Request) -> dict[str, str]:
    """Return the fields of a form. A field without a value counts as absent (RFC 6749, section 3.2).

    Raises:
        OAuthError: the body is not a form, is too large, or contains a field twice.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type != FORM_MEDIA_TYPE or len(body) > MAX_FORM_BYTES:
        raise OAuthError(
            "invalid_request",
            f"The body must be a form ({FORM_MEDIA_TYPE}) of at most {MAX_FORM_BYTES} bytes.",
        )
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise OAuthError("invalid_request", "The form cannot be parsed.") from None
    form = dict(fields)
    if len(form) != len(fields) or any("\x00" in value for value in form.values()):
        raise OAuthError("invalid_request", "A field occurs twice or contains a null character.")
    return {name: value for name, value in form.items() if value}


async def parse_basic_credentials(request: Request) -> str | None:
    """Return the encoded credentials of HTTP Basic, or None if the request has no Authorization header.

    Raises:
        OAuthError: the header uses another scheme.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "Client authentication must use HTTP Basic or the form.")
    return credentials.strip()


def _build_form_request_body(*forms: dict[str, Any], required_field: str) -> dict[str, Any]:
    properties = {name: schema for form in forms for name, schema in form.items()}
    schema = {"type": "object", "required": [required_field], "properties": properties}
    return {"requestBody": {"required": True, "content": {FORM_MEDIA_TYPE: {"schema": schema}}}}


FormFields = Annotated[dict[str, str], Depends(parse_form)]
BasicCredentials = Annotated[str | None, Depends(parse_basic_credentials)]
router = Router(
    prefix="/oauth",
    tags=["api-client-authentication"],
    route_class=FormRoute,
    responses={400: {"model": OAuthErrorResponse}, 401: {"model": OAuthErrorResponse}},
)


@router.post(
    "/token",
    dependencies=[Depends(PublicEndpoint("the request contains the credentials of the API client"))],
    openapi_extra=_build_form_request_body(
        TOKEN_FORM_FIELDS, CLIENT_FORM_FIELDS, required_field="grant_type"
    ),
)
async def create_access_token(
    context: CurrentSignInContext, form: FormFields, basic: BasicCredentials
) -> ClientAccessToken:
    """Create an access token for an API client.

    The grant type is `client_credentials`. The API client authenticates by its secret (HTTP Basic or form) or by
    `private_key_jwt`.
    """
    return await oauth_tokens.issue_access_token(context, form, basic)


@router.post(
    "/revoke",
    response_class=Response,
    dependencies=[Depends(PublicEndpoint("the request contains the credentials of the API client"))],
    openapi_extra=_build_form_request_body(
        REVOCATION_FORM_FIELDS, CLIENT_FORM_FIELDS, required_field="token"
    ),
)
async def revoke_access_token(
    context: CurrentSignInContext, form: FormFields, basic: BasicCredentials
) -> Response:
    """Revoke an access token of the API client.

    A token that is invalid, expired or issued to another client is ignored, and the response is the same (RFC 7009).
    """
    await oauth_tokens.revoke_access_token(context, form, basic)
    return Response()
