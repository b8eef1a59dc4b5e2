"""Requests and responses of ASGI."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

NO_STORE = (b"cache-control", b"no-store")
JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its body."""

    path: str
    headers: dict[bytes, bytes]
    query: dict[str, str]
    body: bytes

    @classmethod
    async def receive(cls, scope: Any, receive: Any) -> "Request":
        """Read the body, and return the request."""
        body, more = b"", scope["method"] == "POST"
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return cls(
            scope["path"], dict(scope["headers"]), dict(parse_qsl(scope["query_string"].decode())), body
        )


@dataclass(frozen=True, slots=True)
class Response:
    """A JSON response."""

    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def send(self, send: Any) -> None:
        """Send the response."""
        length = (b"content-length", b"%d" % len(self.body))
        headers = [*self.headers, JSON, NO_STORE, length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
