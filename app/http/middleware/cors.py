"""Cross-origin requests of front ends (CORS). Allows exact origins only (ASVS V3.4.2)."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import CrossSiteRequest
from app.http.problem_details import build_problem_response

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

REQUEST_HEADERS = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
    *("X-Correlation-Id", "X-Request-Id", "X-Requested-With"),
)
"""The request headers that front ends on other origins may send."""

RESPONSE_HEADERS = (
    *(
        "ETag",
        "Link",
        "Location",
        "X-Request-Id",
        "X-Correlation-Id",
        "Idempotent-Replayed",
        "Secrets-Omitted",
        "Missing-Characters",
    ),
    *("RateLimit", "RateLimit-Policy", "Retry-After", "Deprecation", "Content-Disposition"),
)
"""The response headers that front ends on other origins may read."""


class Cors(CORSMiddleware):
    """Starlette's CORS middleware for exact origins with credentials. A rejected preflight gets a problem response."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=tuple(origins),
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            allow_credentials=True,
            expose_headers=RESPONSE_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight request, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                await self._respond_to_preflight(headers, scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _respond_to_preflight(
        self, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        response = self.preflight_response(headers)
        if response.status_code != HTTPStatus.OK:
            vary = {"vary": response.headers["vary"]}
            error = CrossSiteRequest("This origin, method or header is not allowed in cross-origin requests.")
            response = build_problem_response(error, scope=scope, headers=vary)
        await response(scope, receive, send)
