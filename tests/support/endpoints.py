"""List the endpoints of the application, for the architecture tests."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

import app.routers
from app.http.authorization import PublicEndpoint, RequirePermission


@dataclass(frozen=True)
class Endpoint:
    """One method of one path, and its function."""

    method: str
    path: str
    function: Any
    """The function of the module, without the wrapper of the route."""
    guards: tuple[Any, ...]
    route: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def list_endpoints(app: FastAPI) -> list[Endpoint]:
    """Return every endpoint of the application."""
    return list(_endpoints(app))


def _endpoints(app: FastAPI) -> Iterator[Endpoint]:
    for route in app.routes:
        if isinstance(route, APIRoute):
            guards = tuple(
                call
                for call in dependency_calls(route.dependant)
                if isinstance(call, RequirePermission | PublicEndpoint)
            )
            for method in route.methods or ():
                yield Endpoint(method, route.path_format, endpoint_function(route), guards, route)


def endpoint_function(route: APIRoute) -> Any:
    """Return the function of an endpoint, without the wrapper of the route."""
    return getattr(route.endpoint, "__wrapped__", route.endpoint)


def dependency_calls(dependant: Any) -> Iterator[Any]:
    """Yield every callable that FastAPI calls before the endpoint."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from dependency_calls(dependency)


def load_routers() -> dict[str, APIRouter]:
    """Return the routers by the name of their module."""
    modules = (
        importlib.import_module(f"app.routers.{module.name}")
        for module in pkgutil.iter_modules(app.routers.__path__)
    )
    return {module.__name__: module.router for module in modules if hasattr(module, "router")}
