"""What the app offers, as the house tests walk it."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

import app.routers
from app.http.authorization import Public, Requires


@dataclass(frozen=True)
class Endpoint:
    """One method of one path, and the function behind it."""

    method: str
    path: str
    function: Any
    """As it stands in its module."""
    doors: tuple[Any, ...]
    route: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def endpoints(app: FastAPI) -> list[Endpoint]:
    """Every endpoint of the API."""
    return list(_endpoints(app))


def _endpoints(app: FastAPI) -> Iterator[Endpoint]:
    for route in app.routes:
        if isinstance(route, APIRoute):
            function = getattr(route.endpoint, "__wrapped__", route.endpoint)
            doors = tuple(found for found in calls(route.dependant) if isinstance(found, Requires | Public))
            for method in route.methods or ():
                yield Endpoint(method, route.path_format, function, doors, route)


def calls(dependant: Any) -> Iterator[Any]:
    """Everything that is called before an endpoint is."""
    for further in dependant.dependencies:
        yield further.call
        yield from calls(further)


def routers() -> dict[str, APIRouter]:
    """Every router that a module of `app.routers` makes."""
    modules = (
        importlib.import_module(f"app.routers.{found.name}")
        for found in pkgutil.iter_modules(app.routers.__path__)
    )
    return {module.__name__: module.router for module in modules if hasattr(module, "router")}
