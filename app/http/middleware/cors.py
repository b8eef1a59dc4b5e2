"""Which front ends may call from another origin: those named, exactly (ASVS V3.4.2)."""

import re
from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import CrossSiteRequest
from app.http.problem_details import problem

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

SENT_HEADERS = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
    *("X-Request-Id", "X-Requested-With"),
)

READ_HEADERS = (
    *("ETag", "Link", "Location", "X-Request-Id", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy"),
    *("Retry-After", "Deprecation", "Content-Disposition"),
)

_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,45}\])(?::[0-9]{1,5})?"
)


def exact_origins(origins: Collection[str]) -> tuple[str, ...]:
    """Return `origins`. Raises `ValueError` for `*`, `null`, and whatever no browser would ever send."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            message = "FIRSTSTEP_ALLOWED_ORIGINS takes exact origins such as https://app.example.org, without a path"
            raise ValueError(message)
    return tuple(origins)


class Cors(CORSMiddleware):
    """Starlette's CORS, for exact origins with credentials; a refused preflight is a problem as well."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=exact_origins(origins),
            allow_methods=METHODS,
            allow_headers=SENT_HEADERS,
            allow_credentials=True,
            expose_headers=READ_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight here; let everything else through."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                await self._preflight(headers, scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _preflight(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        response = self.preflight_response(headers)
        if response.status_code != HTTPStatus.OK:
            vary = {"vary": response.headers["vary"]}
            refusal = CrossSiteRequest("This origin, method or header may not be used from another site.")
            response = problem(refusal, scope=scope, headers=vary)
        await response(scope, receive, send)
