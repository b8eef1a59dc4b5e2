"""The small middleware classes, and the order of all middleware."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import structured_log
from app.config import Settings
from app.errors import MalformedRequest
from app.http.middleware import request_log
from app.http.middleware.cors import Cors
from app.http.middleware.head import HeadAsGet
from app.http.middleware.http_middleware import (
    HeaderList,
    HttpMiddleware,
    get_header,
    starts_response,
    with_headers,
)
from app.http.middleware.rate_limit import RateLimit
from app.http.middleware.request_limits import BodyLimit, Deadline, UploadLimits
from app.http.problem_details import build_error_response
from app.measurements import Measurements

CLIENT_DISCONNECTED = 499
"""Status in the request log if the client disconnected before the response started. It is never sent."""

_CORRELATION_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")

SECURITY_HEADERS: Final = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"),
    # Prevents other sites from loading a response as an image or a script, without CORS. CORS requests are not affected.
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)
"""Added to every response that does not set them itself."""


class RequestId(HttpMiddleware):
    """Generates an id for every request, and returns it as X-Request-Id.

    A caller can send its own id as X-Correlation-Id or X-Request-Id. It is returned as X-Correlation-Id and stored in
    the access log. An id with other characters or another length is ignored.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store the ids in the scope, and the generated one in the context of the log."""
        request_id = uuid4().hex
        correlation_id = _get_correlation_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["correlation_id"] = correlation_id
        structured_log.current_request_id.set(request_id)
        ids = [(b"x-request-id", request_id.encode())]
        if correlation_id is not None:
            ids.append((b"x-correlation-id", correlation_id.encode()))

        def add_ids(headers: Sequence[tuple[bytes, bytes]]) -> HeaderList:
            return [*headers, *ids]

        await self.app(scope, receive, with_headers(send, add_ids))


def _get_correlation_id(scope: Scope) -> str | None:
    """Return the id that the caller chose, or None if there is no valid one."""
    for name in (b"x-correlation-id", b"x-request-id"):
        value = get_header(scope, name)
        if value is not None and _CORRELATION_ID.fullmatch(value):
            return value.decode()
    return None


class RequestLog(HttpMiddleware):
    """Logs one line per request (route, status, duration and size), and counts the request for the metrics."""

    def __init__(self, app: ASGIApp, *, measurements: Measurements | None) -> None:
        super().__init__(app)
        self._measurements = measurements

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and log the line even if the request fails."""
        started = time.perf_counter()
        status, size = CLIENT_DISCONNECTED, 0

        async def send_counted(message: Message) -> None:
            nonlocal status, size
            if starts_response(message):
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, send_counted)
        finally:
            seconds = time.perf_counter() - started
            request_log.write_request_line(scope["state"]["request_id"], scope, status, seconds, size)
            if self._measurements is not None:
                route = request_log.route_template(scope)
                self._measurements.record_request(scope["method"], route, status, seconds)


class SecurityHeaders(HttpMiddleware):
    """Adds `SECURITY_HEADERS` to the response, and removes the header `Server`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Change the headers of the response."""
        await self.app(scope, receive, with_headers(send, _with_security_headers))


def _with_security_headers(headers: Sequence[tuple[bytes, bytes]]) -> HeaderList:
    remaining = [pair for pair in headers if pair[0] != b"server"]
    names = {name for name, _ in remaining}
    return remaining + [pair for pair in SECURITY_HEADERS if pair[0] not in names]


class ProblemBoundary(HttpMiddleware):
    """Turns every exception into a problem response. Otherwise the server would print its message.

    If the response has already started, it stays incomplete and the server closes the connection.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application and catch its exceptions."""
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001 - the server would print the message, which may contain values
            response = build_error_response(error, scope)
            if not started:
                await response(scope, receive, send)


class WellFormedTarget(HttpMiddleware):
    """Rejects a malformed path, query or Host header, which the application could not store or compare."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Validate the path, query and Host header.

        Raises:
            MalformedRequest: the path, the query or the Host header is malformed.
        """
        _validate_target(scope)
        await self.app(scope, receive, send)


def _validate_target(scope: Scope) -> None:
    path, query = scope["path"], scope["query_string"]
    # The server decodes an invalid byte, such as %ff, to U+FFFD.
    if "\x00" in path or "\ufffd" in path or not path.isprintable():
        raise MalformedRequest("The path must be printable UTF-8 text.")
    if (
        b"%00" in query or not query.isascii() or b"\x00" in query
    ):  # Starlette cannot parse non-ASCII bytes in a query.
        raise MalformedRequest("The query must be percent-encoded and must not contain U+0000.")
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1 or (hosts and not _HOST.fullmatch(hosts[0])):
        raise MalformedRequest("The Host header is invalid.")


def install(
    app: FastAPI,
    settings: Settings,
    *,
    uploads: UploadLimits | None = None,
    seconds_by_prefix: Mapping[str, float] | None = None,
    measurements: Measurements | None = None,
) -> None:
    """Add all middleware to `app`, and disable its redirects of trailing slashes.

    Run the server with `proxy_headers=False` and `server_header=False`, because this middleware handles these headers.
    """
    app.router.redirect_slashes = False
    proxies = settings.trusted_proxies
    outermost_first: list[tuple[Any, dict[str, Any]]] = [
        (RequestId, {}),
        (RequestLog, {"measurements": measurements}),
        (SecurityHeaders, {}),
        *([(Cors, {"origins": settings.allowed_origins})] if settings.allowed_origins else []),
        (ProblemBoundary, {}),
        (WellFormedTarget, {}),
        (RateLimit, {"limit_per_minute": settings.anonymous_requests_per_minute, "trusted_proxies": proxies}),
        (BodyLimit, {"limit": settings.max_body_bytes, "uploads": uploads}),
        (
            Deadline,
            {
                "seconds": settings.request_seconds,
                "uploads": uploads,
                "seconds_by_prefix": seconds_by_prefix,
            },
        ),
        (HeadAsGet, {}),
    ]
    for middleware, options in reversed(outermost_first):
        app.add_middleware(middleware, **options)
