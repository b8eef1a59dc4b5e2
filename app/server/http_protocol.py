"""HTTP/1.1 as uvicorn reads it, but heads end somewhere, and what cannot be read is refused as a problem.

Nothing further in hears of it: such an answer has no id, and no line in the log but uvicorn's own.
"""

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Bytes, and what one read brings, that may come without an end of a head, a part of a body or an end of a message."""
HEAD_TIMEOUT_SECONDS = 15.0
"""Seconds from a connection, or the first byte of a further request, to the end of its head."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    unfinished_bytes = 0
    """Bytes since something ended."""
    head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, and not for ever."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._reset_limits()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the head of a further request."""
        super().on_message_begin()
        self._start_head_timer()

    def on_headers_complete(self) -> None:
        """See a head end: the body has limits of its own."""
        self._reset_limits()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See a part of a body end."""
        self._reset_limits()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See a message end: what came after the body, too."""
        self._reset_limits()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless what is being read never ends."""
        self.unfinished_bytes += len(data)
        super().data_received(data)  # takes it back where something ends
        if self.unfinished_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._send_problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
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
