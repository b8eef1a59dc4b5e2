"""Route and router classes of every endpoint."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.database.errors import translate_database_errors
from app.errors import Fault, InvalidInput
from app.http.json_body import StrictRoute
from app.http.responses import again, answering, keep, link
from app.http.session import Replayed, conclude


class Route(StrictRoute):
    """The route class of every endpoint."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, answering(endpoint, options["status_code"] or 200), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that keeps answers for retries and refusals for the log."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                _refuse_repeated_parameters(request)
                with translate_database_errors():
                    response = await handler(request)
                    request.state.status = response.status_code
                    link(request, response)
                    await keep(request, response)
            except Replayed as earlier:
                return again(earlier.answer)
            except Exception as error:
                await conclude(request, error)
                raise
            return response

        return handle


def _refuse_repeated_parameters(request: Request) -> None:
    query = request.query_params
    if len(query.multi_items()) != len(query):
        raise InvalidInput([Fault("query", "repeated", "A parameter is given more than once.")])


class Router(APIRouter):
    """What a module of ours offers below /v1."""

    def __init__(self, prefix: str = "", *, route_class: type[Route] = Route, **options: Any) -> None:
        super().__init__(prefix=f"/v1{prefix}", route_class=route_class, **options)
