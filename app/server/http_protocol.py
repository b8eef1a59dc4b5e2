"""HTTP/1.1 as uvicorn reads it, but heads end somewhere, and what cannot be read is refused as a problem.

Nothing further in hears of it: such an answer has no id, and no line in the log but uvicorn's own.
"""

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
"""Bytes, and what one read brings, that may come without an end of a head, a part of a body or an end of a message."""
SLOWEST_HEAD = 15.0
"""Seconds from a connection, or the first byte of a further request, to the end of its head."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    unended = 0
    """Bytes since something ended."""
    clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, and not for ever."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._ended()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the head of a further request."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """See a head end: the body has limits of its own."""
        self._ended()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See a part of a body end."""
        self._ended()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See a message end: what came after the body, too."""
        self._ended()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless what is being read never ends."""
        self.unended += len(data)
        super().data_received(data)  # takes it back where something ends
        if self.unended > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _wait(self) -> None:
        if self.clock is None:
            self.clock = self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _ended(self) -> None:
        self.unended = 0
        if self.clock is not None:
            self.clock.cancel()
            self.clock = None

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
