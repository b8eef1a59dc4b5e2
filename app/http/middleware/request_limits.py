"""Limits of a single request: the size of its body and the time until its response starts."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import MalformedRequest, TimedOut
from app.http.middleware.http_middleware import HttpMiddleware, get_header


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Higher limits for the upload of files."""

    applies_to: Callable[[Scope], bool]
    """Whether a request is an upload. May raise a `FirstStepError` to reject it."""
    max_bytes: int
    seconds: float


class BodyLimit(HttpMiddleware):
    """Rejects a body above the limit, either by its Content-Length or as soon as too many bytes have been read."""

    def __init__(self, app: ASGIApp, *, limit: int, uploads: UploadLimits | None = None) -> None:
        super().__init__(app)
        self._limit = limit
        self._uploads = uploads

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and count the bytes of the body while it reads them.

        Raises:
            MalformedRequest: Content-Length is not a number.
            HTTPException: 413, the body is too large.
        """
        uploads = self._uploads
        limit = uploads.max_bytes if uploads and uploads.applies_to(scope) else self._limit
        _validate_content_length(get_header(scope, b"content-length"), limit)
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _build_too_large_error()
            return message

        await self.app(scope, receive_counted, send)


def _validate_content_length(length: bytes | None, limit: int) -> None:
    if length is None:
        return
    if not length.isdigit():
        raise MalformedRequest("Content-Length must be a number.")
    if len(length.lstrip(b"0")) > len(str(limit)) or int(length[-20:]) > limit:
        raise _build_too_large_error()


def _build_too_large_error() -> HTTPException:
    """Return a 413. It is an `HTTPException`, because FastAPI turns other exceptions into a 400 while it reads a body.

    The connection is closed, because the remaining body is not read.
    """
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"connection": "close"})


class Deadline(HttpMiddleware):
    """Cancels a request whose response has not started after `seconds`. A started response can take longer.

    `has_timed_out` of the request state returns whether the time limit cancelled the request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        seconds: float,
        uploads: UploadLimits | None = None,
        seconds_by_prefix: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(app)
        self._seconds = seconds
        self._uploads = uploads
        self._seconds_by_prefix = seconds_by_prefix or {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with a timeout.

        Raises:
            TimedOut: the response did not start in time.
        """
        started = False
        uploads = self._uploads
        is_upload = uploads is not None and uploads.applies_to(scope)
        timer = asyncio.timeout(uploads.seconds if uploads and is_upload else self._get_seconds(scope))
        scope["state"]["has_timed_out"] = timer.expired

        async def send_in_time(message: Message) -> None:
            nonlocal started
            if not started and not timer.expired():
                started = True
                timer.reschedule(None)
            await send(message)

        try:
            async with timer:
                await self.app(scope, receive, send_in_time)
        except Exception as error:
            # Code that is cancelled by the timeout may raise any exception, such as one of the database driver.
            if timer.expired() and not started:
                raise TimedOut from error
            raise

    def _get_seconds(self, scope: Scope) -> float:
        """Return the limit of a request: `seconds`, or the longer one of the prefix of its path."""
        path = scope["path"]
        return max(
            [self._seconds, *(s for prefix, s in self._seconds_by_prefix.items() if path.startswith(prefix))]
        )
