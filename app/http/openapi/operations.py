"""What an endpoint's own shape tells of its operation: who may enter, what it takes, what it returns."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.access.permissions import POLICY, Role
from app.http.authorization import Requires
from app.http.form_route import FormRoute
from app.http.session import parse_if_match, parse_optional_if_match
from app.http.sign_in_context import asked_by_script
from app.schemas.wire import Page, Versioned


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    route: Any
    """FastAPI's route, as it is mounted."""
    dependants: tuple[Dependant, ...]
    """Everything the endpoint depends on, itself included."""

    @property
    def id(self) -> str:
        """The router's and the function's name: `referrals_accept`. Stable, and what client code calls it."""
        module = self.route.endpoint.__module__.rpartition(".")[2]
        return f"{module}_{self.route.endpoint.__name__}"

    @property
    def door(self) -> Requires | None:
        """The door, where it is not open to everybody."""
        return next((found.call for found in self.dependants if isinstance(found.call, Requires)), None)

    @property
    def roles(self) -> list[Role]:
        """Who may enter, in the order of the roles."""
        door = self.door
        return [role for role in Role if door and role in POLICY[door.permission]]

    @property
    def models(self) -> tuple[Any, ...]:
        """What a success answers: one model, or one for each kind of reader."""
        model = self.route.response_model
        return get_args(model) if get_origin(model) in {Union, UnionType} else (model,)

    @property
    def answers_record(self) -> bool:
        """Whether a success is a single record with a version."""
        return all(_is(model, Versioned) for model in self.models)

    @property
    def answers_page(self) -> bool:
        """Whether a success is a part of a list."""
        return all(_is(model, Page) for model in self.models)

    @property
    def collection(self) -> str | None:
        """Where the records of a success live under /v1."""
        return self.models[0].collection if self.answers_record else None

    @property
    def takes_form(self) -> bool:
        """Whether it speaks OAuth's language instead of ours."""
        return isinstance(self.route, FormRoute)

    @property
    def asks_version(self) -> bool:
        """Whether it may change an existing record: If-Match says which version of it."""
        return any(found.call in {parse_if_match, parse_optional_if_match} for found in self.dependants)

    @property
    def always_asks_version(self) -> bool:
        """Whether it changes an existing record and never makes a new one: If-Match is required."""
        return any(found.call is parse_if_match for found in self.dependants)

    @property
    def asks_script(self) -> bool:
        """Whether it refuses what another site's page could have made a browser send."""
        return any("asked_by_script" in getattr(found.call, "__name__", "") for found in self.dependants)

    @property
    def always_asks_script(self) -> bool:
        """Whether it does so even of those who come without a cookie."""
        return any(found.call is asked_by_script for found in self.dependants)

    @property
    def takes_cookie(self) -> bool:
        """Whether the refresh token's cookie has a part in it."""
        return any(found.cookie_params for found in self.dependants)

    @property
    def names_record(self) -> bool:
        """Whether the path names something that may not be there."""
        return "{" in self.path

    @property
    def is_cacheable(self) -> bool:
        """Whether caches may keep the answer, and 304 is one: read off the endpoint, which calls `cacheable`."""
        endpoint = self.route.endpoint
        return "cacheable" in getattr(endpoint, "__wrapped__", endpoint).__code__.co_names


def operations_of(app: FastAPI) -> Iterator[Operation]:
    """Yield every operation of the API that is part of its description."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield Operation(method, route.path_format, route, tuple(_walk(route.dependant)))


def _walk(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for further in dependant.dependencies:
        yield from _walk(further)


def _is(model: Any, kind: type) -> bool:
    return isinstance(model, type) and issubclass(model, kind)
