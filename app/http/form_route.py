"""The route class of the OAuth endpoints, which accept forms and return errors in the format of RFC 6749."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from app.database.errors import translate_database_errors
from app.http.route import Route
from app.services.accounts.client_authentication import OAuthError

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class FormRoute(Route):
    """A route that accepts a form and returns errors in the format of RFC 6749."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, without the strict JSON parsing of the other routes."""
        handler = APIRoute.get_route_handler(self)

        async def handle(request: Request) -> Response:
            try:
                with translate_database_errors():
                    response = await handler(request)
            except OAuthError as error:
                return _error_response(request, error)
            response.headers.update(NO_STORE)
            return response

        return handle


def _error_response(request: Request, error: OAuthError) -> Response:
    body = {"error": error.code, "error_description": str(error)}
    if error.code != "invalid_client":
        return JSONResponse(body, 400, NO_STORE)
    used_header = "authorization" in request.headers
    challenge = {"WWW-Authenticate": 'Basic realm="first-step", charset="UTF-8"'} if used_header else {}
    return JSONResponse(body, 401, {**NO_STORE, **challenge})
