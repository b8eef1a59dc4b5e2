"""What every request passes on its way in, and every answer on its way out: plain ASGI, one concern a class.

The order, from the outside in, stands in `install`.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings
from app.errors import MalformedRequest, TimedOut
from app.http.middleware import request_log as logs
from app.http.middleware.cors import Cors
from app.http.middleware.head import HeadAsGet
from app.http.middleware.rate_limit import RateLimit
from app.http.problem_details import answer

STARTS = "http.response.start"
CLIENT_LEFT = 499
"""Logged, never sent: the answer was not started."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")

SECURITY_HEADERS: Final = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"),
    # Requests in CORS mode are judged by CORS alone: this keeps out everything that never asked (img, script).
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)
"""Sent with every answer that does not set them itself."""


class RequestId:
    """Gives every request an id: the caller's if it is one, else a new one; sent back as X-Request-Id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose the id, keep it for everybody further in, send it back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _header(scope, b"x-request-id") or b""
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = uuid4().hex.encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        logs.current_request_id.set(request_id.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == STARTS:
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        await self.app(scope, receive, send_with_id)


class AccessLog:
    """Writes one line per request: what was asked by its route, how it ended, how long it took."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is sent, and write the line whatever happens."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status, size = CLIENT_LEFT, 0

        async def counted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == STARTS:
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            seconds = time.perf_counter() - started
            logs.write_access_line(scope["state"]["request_id"], scope, status, seconds, size)


class SecurityHeaders:
    """Adds `SECURITY_HEADERS` where the answer is silent, and takes a Server banner away."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Complete the headers as the answer starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def hardened(message: Message) -> None:
            if message["type"] == STARTS:
                message["headers"] = _harden(message.get("headers", ()))
            await send(message)

        await self.app(scope, receive, hardened)


def _harden(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = [header for header in headers if header[0] != b"server"]
    names = {name for name, _ in kept}
    return kept + [header for header in SECURITY_HEADERS if header[0] not in names]


class ProblemBoundary:
    """Turns whatever is still an exception into a problem, so that no server ever prints it.

    Where the answer has started already, it stays unfinished: the server closes the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 500, once, for what nobody foresaw."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the last resort: anything above here would print its values
            response = answer(error, scope)
            if not started:
                await response(scope, receive, send)


class WellFormedTarget:
    """Refuses, with 400, targets nothing further in can store or compare: NUL, broken UTF-8, a broken Host."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise `Malformed` for a target that is not well formed."""
        if scope["type"] == "http":
            _refuse_target(scope)
        await self.app(scope, receive, send)


def _refuse_target(scope: Scope) -> None:
    """Raise `Malformed`. Servers decode `%ff` in a path to U+FFFD, so that character marks broken UTF-8."""
    path, query = scope["path"], scope["query_string"]
    if "\x00" in path or "\ufffd" in path or not path.isprintable():
        raise MalformedRequest("The path is not UTF-8 text.")
    if b"%00" in query or not query.isascii() or b"\x00" in query:  # Starlette's URL would raise on raw bytes
        raise MalformedRequest("The query holds U+0000, or bytes that are not percent-encoded.")
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1 or (hosts and not _HOST.fullmatch(hosts[0])):
        raise MalformedRequest("The Host header is not valid.")


@dataclass(frozen=True, slots=True)
class Uploads:
    """The few requests that may be larger and slower than others: `admits` says which, and may raise a refusal."""

    admits: Callable[[Scope], bool]
    most_bytes: int
    seconds: float


class BodyLimit:
    """Refuses bodies above the limit: by their declared length unread, else as soon as too much has come."""

    def __init__(self, app: ASGIApp, *, limit: int, uploads: Uploads | None = None) -> None:
        self.app = app
        self._limit = limit
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body as it comes in. Raises a 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        uploads = self._uploads
        limit = uploads.most_bytes if uploads and uploads.admits(scope) else self._limit
        _refuse_declared(_header(scope, b"content-length"), limit)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large()
            return message

        await self.app(scope, counted, send)


def _refuse_declared(length: bytes | None, limit: int) -> None:
    if length is None:
        return
    if not length.isdigit():
        raise MalformedRequest("Content-Length is not a number.")
    if len(length.lstrip(b"0")) > len(str(limit)) or int(length[-20:]) > limit:
        raise _too_large()


def _too_large() -> HTTPException:
    """Return the one exception FastAPI lets through from the reading of a body; the rest would be read in vain."""
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"connection": "close"})


class Deadline:
    """Cancels a request that has not begun to answer after `seconds`; one that has may stream on."""

    def __init__(self, app: ASGIApp, *, seconds: float, uploads: Uploads | None = None) -> None:
        self.app = app
        self._seconds = seconds
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request against the clock. Raises `TimedOut`."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        uploads = self._uploads
        timer = asyncio.timeout(uploads.seconds if uploads and uploads.admits(scope) else self._seconds)

        async def in_time(message: Message) -> None:
            nonlocal started
            if not started and not timer.expired():
                started = True
                timer.reschedule(None)
            await send(message)

        try:
            async with timer:
                await self.app(scope, receive, in_time)
        except Exception as error:
            # Cancelled code may raise anything on its way out (a driver's error, say): the cause is the clock.
            if timer.expired() and not started:
                raise TimedOut from error
            raise


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def install(app: FastAPI, settings: Settings, *, uploads: Uploads | None = None) -> None:
    """Put every layer around `app`, and stop it from redirecting trailing slashes.

    Raises `ValueError` for an origin that is not exact. Client and server together need
    `proxy_headers=False` and `server_header=False` of uvicorn: both are done here.
    """
    app.router.redirect_slashes = False
    proxies = settings.trusted_proxies
    layers: list[tuple[Any, dict[str, Any]]] = [
        (RequestId, {}),
        (AccessLog, {}),
        (SecurityHeaders, {}),
        *([(Cors, {"origins": settings.allowed_origins})] if settings.allowed_origins else []),
        (ProblemBoundary, {}),
        (WellFormedTarget, {}),
        (RateLimit, {"limit_per_minute": settings.anonymous_requests_per_minute, "trusted_proxies": proxies}),
        (BodyLimit, {"limit": settings.max_body_bytes, "uploads": uploads}),
        (Deadline, {"seconds": settings.request_seconds, "uploads": uploads}),
        (HeadAsGet, {}),
    ]
    for layer, options in reversed(layers):
        app.add_middleware(layer, **options)
