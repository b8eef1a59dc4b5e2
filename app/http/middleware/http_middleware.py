"""Base class and helpers of the ASGI middleware."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HeaderList = list[tuple[bytes, bytes]]


class HttpMiddleware(ABC):
    """Base class of middleware for HTTP requests. Other ASGI scopes, such as the lifespan, are passed on unchanged."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an HTTP request."""
        if scope["type"] == "http":
            await self.handle(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    @abstractmethod
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an HTTP request. Most implementations call `self.app` with a wrapped `receive` or `send`."""


def starts_response(message: Message) -> bool:
    """Return whether a message contains the status and headers of the response."""
    return bool(message["type"] == "http.response.start")


def with_headers(send: Send, change: Callable[[Sequence[tuple[bytes, bytes]]], HeaderList]) -> Send:
    """Wrap `send` so that `change` computes the headers of the response."""

    async def send_with_headers(message: Message) -> None:
        if starts_response(message):
            message["headers"] = change(message.get("headers", ()))
        await send(message)

    return send_with_headers


def get_header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first value of a request header, or None. `name` is in lower case."""
    return next((value for key, value in scope["headers"] if key == name), None)
