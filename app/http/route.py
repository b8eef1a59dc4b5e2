"""The route and router classes of the API."""

import asyncio
from collections.abc import Callable, Coroutine
from inspect import cleandoc
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.database.errors import translate_database_errors
from app.errors import AlreadyExists, FirstStepError
from app.http.authorization import call_pending_guard, find_guard
from app.http.existing_records import add_existing_record
from app.http.json_body import StrictRoute
from app.http.problem_details import get_preferred_language
from app.http.query_parameters import find_query_parameters
from app.http.responses import (
    add_link_header,
    find_collection,
    keep_response_for_retries,
    replay_response,
    with_response,
)
from app.http.session import ReplayedResponse, conclude, conclude_timeout
from app.schemas.warnings import response_language


class Route(StrictRoute):
    """The route class of every endpoint.

    The first line of the endpoint's docstring is the summary of the operation, the following lines are its description.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        summary, _, description = cleandoc(endpoint.__doc__ or "").partition("\n")
        options["summary"] = options["summary"] or summary.rstrip(".")
        options["description"] = options["description"] or description.strip() or summary
        super().__init__(path, with_response(endpoint, options["status_code"] or 200), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that also stores responses for retries and logs rejected requests."""
        handler = super().get_route_handler()
        query_parameters = find_query_parameters(self.dependant)
        guard = find_guard(self.dependant)
        collection = find_collection(self.response_model)

        async def handle(request: Request) -> Response:
            response_language.set(
                get_preferred_language(",".join(request.headers.getlist("accept-language")))
            )
            try:
                query_parameters.validate_names(request)
                with translate_database_errors():
                    response = await handler(request)
                    request.state.status = response.status_code
                    add_link_header(request, response)
                    keep_response_for_retries(request, response)
            except ReplayedResponse as replayed:
                return replay_response(replayed.stored)
            except Exception as error:
                try:
                    await call_pending_guard(request, guard)
                except FirstStepError as guard_error:
                    await conclude(request, guard_error)
                    raise
                if isinstance(error, AlreadyExists):
                    await add_existing_record(request, error, collection)
                await conclude(request, error)
                raise
            except asyncio.CancelledError:
                await conclude_timeout(request)
                raise
            return response

        return handle


def operation_id(route: APIRoute) -> str:
    """Return the `operationId`: the name of the endpoint function."""
    return route.name


class Router(APIRouter):
    """A router below `/v1`, or below another `version`; an empty `version` means no version prefix."""

    def __init__(
        self,
        prefix: str = "",
        *,
        version: str = "/v1",
        route_class: type[Route] = Route,
        **options: Any,
    ) -> None:
        super().__init__(
            prefix=version + prefix,
            route_class=route_class,
            generate_unique_id_function=operation_id,
            **options,
        )
