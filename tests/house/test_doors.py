"""Every endpoint has its door, and every permission opens something.

Each of these was seen to fail on a fault planted for it; the fault is named beside the test.
"""

import inspect

from fastapi import FastAPI

from app.access.permissions import POLICY, Permission
from app.http.authorization import Public, Requires
from tests.house.surface import endpoints, routers

FEWEST = 182
"""So many endpoints there are at least: a walk that finds fewer has missed some."""

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /healthz",
    "GET /readyz",
    "GET /v1/calendar/{token}.ics",
    "GET /v1/codes",
    "GET /v1/codes/{name}",
    "GET /v1/places",
    "POST /v1/auth/login",
    "POST /v1/auth/logout",
    "POST /v1/auth/refresh",
    "POST /v1/oauth/revoke",
    "POST /v1/oauth/token",
}
"""What needs no sign-in. Adding to it is a decision."""


def test_the_walk_finds_the_whole_app(app: FastAPI) -> None:
    # Planted: `people` and `users` taken out of the table of contents.
    assert len(endpoints(app)) >= FEWEST


def test_every_endpoint_has_exactly_one_door(app: FastAPI) -> None:
    # Planted: GET /v1/cases/{case_id} with `caller` taken from `request.state` instead of a door.
    assert {str(found): len(found.doors) for found in endpoints(app) if len(found.doors) != 1} == {}


def test_what_is_public_is_listed_and_says_why(app: FastAPI) -> None:
    # Planted: the door of GET /v1/teams replaced by `Public("teams are no secret")`.
    doors = {str(found): found.doors[0] for found in endpoints(app) if isinstance(found.doors[0], Public)}
    assert set(doors) == PUBLIC
    assert all(len(door.why.split()) >= 4 for door in doors.values())


def test_the_door_stands_before_the_session(app: FastAPI) -> None:
    # Planted: `session` moved before `caller` in cases.read: FastAPI resolves parameters in their order, and a
    # transaction would be open before anybody knows who is asking.
    late = []
    for found in endpoints(app):
        names = list(inspect.signature(found.function).parameters)
        if "session" in names and isinstance(found.doors[0], Requires) and names[0].lstrip("_") != "caller":
            late.append(str(found))
    assert late == []


def test_every_permission_opens_something(app: FastAPI) -> None:
    # Planted: a permission `case_admire` in the policy that no endpoint asks for.
    asked = {
        door.permission for found in endpoints(app) for door in found.doors if isinstance(door, Requires)
    }
    assert asked == set(Permission)


def test_every_permission_is_somebodys() -> None:
    # Planted: `Permission.case_link: frozenset()`.
    assert set(POLICY) == set(Permission)
    assert [permission for permission, roles in POLICY.items() if not roles] == []


def test_every_router_is_mounted(app: FastAPI) -> None:
    # Planted: `people` taken out of the table of contents.
    mounted = {found.function for found in endpoints(app)}
    made = {
        getattr(route.endpoint, "__wrapped__", route.endpoint): f"{name}: {getattr(route, 'path', None)}"
        for name, router in routers().items()
        for route in router.routes
        if hasattr(route, "endpoint")
    }
    assert len(made) >= FEWEST
    assert sorted(where for function, where in made.items() if function not in mounted) == []
