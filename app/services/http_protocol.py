"""HTTP/1.1 as uvicorn reads it, but heads end somewhere, and what cannot be read is refused as everything else is."""

import json
from http import HTTPStatus
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
"""Bytes a request's line and headers may take: a token has less than one thousand, a cookie and an URL likewise."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    unended: int | None = None
    """Bytes that came of a head that has not ended."""

    def on_message_begin(self) -> None:
        """Begin to count."""
        self.unended = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: the body has a limit of its own."""
        self.unended = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head never ends."""
        super().data_received(data)
        if self.unended is not None and not self.transport.is_closing():
            self.unended += len(data)
            if self.unended > LONGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        request_id = uuid4().hex
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status,
            "detail": detail,
            "request_id": request_id,
        }
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
