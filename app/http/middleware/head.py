"""Respond to HEAD requests."""

from starlette.types import Message, Receive, Scope, Send

from app.http.middleware.http_middleware import HttpMiddleware, starts_response


class HeadAsGet(HttpMiddleware):
    """Handles HEAD as GET without the body (RFC 9110, 9.3.2). The access log does not distinguish the two."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with the method GET."""
        if scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        get_scope = {**scope, "method": "GET"}

        async def send_without_body(message: Message) -> None:
            await send(message if starts_response(message) else {**message, "body": b""})

        try:
            await self.app(get_scope, receive, send_without_body)
        finally:
            scope["route"] = get_scope.get("route")  # the request log reads the route from the original scope
