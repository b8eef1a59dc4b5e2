"""The operations of the API, with the properties that the OpenAPI document derives from their routes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.access.permissions import POLICY, Role
from app.http.authorization import RequirePermission
from app.http.form_route import FormRoute
from app.http.printed_responses import PrintedResponse
from app.http.responses import CacheableResponse, RevalidatedResponse, list_response_models
from app.http.session import parse_if_match, parse_optional_if_match
from app.http.sign_in_context import require_requested_with, require_requested_with_for_cookies
from app.schemas.shown_once import list_secret_fields
from app.schemas.wire import Page, Versioned


@dataclass(frozen=True)
class Operation:
    """An operation: one method of one path."""

    method: str
    path: str
    route: Any
    """The `APIRoute` of FastAPI."""
    dependants: tuple[Dependant, ...]
    """The endpoint and all its dependencies."""

    @property
    def id(self) -> str:
        """The `operationId`."""
        return str(self.route.unique_id)

    @property
    def tag(self) -> str:
        """The tag, which is the area of the API."""
        return str(self.route.tags[0])

    @property
    def guard(self) -> RequirePermission | None:
        """The guard, or None for a public operation."""
        return next(
            (
                dependant.call
                for dependant in self.dependants
                if isinstance(dependant.call, RequirePermission)
            ),
            None,
        )

    @property
    def roles(self) -> list[Role]:
        """The roles that have the permission, in the order of `Role`."""
        guard = self.guard
        return [role for role in Role if guard and role in POLICY[guard.permission]]

    @property
    def models(self) -> tuple[Any, ...]:
        """The models of a successful response: one, or one per kind of caller."""
        return list_response_models(self.route.response_model)

    @property
    def returns_record(self) -> bool:
        """Whether a successful response is a single record with a version."""
        return all(_is_subclass(model, Versioned) for model in self.models)

    @property
    def returns_list(self) -> bool:
        """Whether a successful response is a page of a list."""
        return all(_is_subclass(model, Page) for model in self.models)

    @property
    def returns_secrets(self) -> bool:
        """Whether a successful response contains secrets that are shown once."""
        return any(isinstance(model, type) and list_secret_fields(model) for model in self.models)

    @property
    def collection(self) -> str | None:
        """The path segment after /v1 that identifies the kind of the returned records, such as `cases`."""
        return self.models[0].collection if self.returns_record else None

    @property
    def takes_form(self) -> bool:
        """Whether the request is a form and errors have the format of RFC 6749 (OAuth)."""
        return isinstance(self.route, FormRoute)

    @property
    def takes_if_match(self) -> bool:
        """Whether it accepts If-Match, because it can change an existing record."""
        return self._depends_on(parse_if_match) or self._depends_on(parse_optional_if_match)

    @property
    def requires_if_match(self) -> bool:
        """Whether it requires If-Match, because it always changes an existing record."""
        return self._depends_on(parse_if_match)

    @property
    def takes_requested_with(self) -> bool:
        """Whether it may require `X-Requested-With`."""
        return self.requires_requested_with or self._depends_on(require_requested_with_for_cookies)

    @property
    def requires_requested_with(self) -> bool:
        """Whether it always requires `X-Requested-With`."""
        return self._depends_on(require_requested_with)

    @property
    def takes_cookie(self) -> bool:
        """Whether it reads the refresh cookie."""
        return any(dependant.cookie_params for dependant in self.dependants)

    @property
    def has_path_parameters(self) -> bool:
        """Whether the path has parameters, so that the response can be 404."""
        return "{" in self.path

    @property
    def is_cacheable(self) -> bool:
        """Whether the response may be cached and revalidated with If-None-Match."""
        return _is_subclass(self.route.response_class, CacheableResponse)

    @property
    def is_revalidated(self) -> bool:
        """Whether the response can be 304, because the client's copy is current."""
        return self.is_cacheable or _is_subclass(self.route.response_class, RevalidatedResponse)

    @property
    def returns_printed_file(self) -> bool:
        """Whether a successful response is a PDF or a picture that the application renders."""
        results = get_args(get_type_hints(self.route.endpoint).get("return"))
        return _is_subclass(self.route.response_class, PrintedResponse) or PrintedResponse in results

    def _depends_on(self, dependency: Any) -> bool:
        return any(dependant.call is dependency for dependant in self.dependants)


def list_operations(app: FastAPI) -> Iterator[Operation]:
    """Yield the operations of the OpenAPI document."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield Operation(method, route.path_format, route, tuple(_walk(route.dependant)))


def _walk(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for further in dependant.dependencies:
        yield from _walk(further)


def _is_subclass(model: Any, parent: type) -> bool:
    return isinstance(model, type) and issubclass(model, parent)
