"""Limit the size and the duration of HTTP/1.1 request heads, and respond to malformed requests with a problem.

uvicorn has no such limits. Requests that are rejected here do not reach the application, so they have no request id and
no line in the request log.
"""

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Maximum number of received bytes that are not a complete head, part of a body, or message. One read may exceed it."""
HEAD_TIMEOUT_SECONDS = 15.0
"""Maximum seconds from the connection, or from the first byte of a later request, to the end of the head."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """The protocol of one connection, with both limits."""

    unfinished_bytes = 0
    """Bytes received since the last complete head, part of a body, or message."""
    head_timer: asyncio.TimerHandle | None = None
    """Closes the connection after `HEAD_TIMEOUT_SECONDS`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first request."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        self._reset_limits()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the timer of a later request on the same connection."""
        super().on_message_begin()
        self._start_head_timer()

    def on_headers_complete(self) -> None:
        """Reset the limits at the end of the head. The application itself limits the size of the body."""
        self._reset_limits()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Reset the limits after a part of the body."""
        self._reset_limits()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Reset the limits at the end of the message, which includes trailers."""
        self._reset_limits()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parse received data, and reject the request if its unfinished part exceeds the limit."""
        self.unfinished_bytes += len(data)
        super().data_received(data)  # calls the callbacks above, which reset the counter
        if self.unfinished_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._send_problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")

    def send_400_response(self, msg: str) -> None:
        """Respond to data that is not valid HTTP."""
        self._send_problem(HTTPStatus.BAD_REQUEST, msg)

    def _start_head_timer(self) -> None:
        if self.head_timer is None:
            self.head_timer = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self.transport.close)

    def _reset_limits(self) -> None:
        self.unfinished_bytes = 0
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _send_problem(self, status: HTTPStatus, detail: str) -> None:
        problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
