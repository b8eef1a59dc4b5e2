"""Every endpoint has exactly one guard, and every permission guards an endpoint.

Each test names a fault that makes it fail.
"""

import inspect

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.access.permissions import POLICY, Permission
from app.http.authorization import PublicEndpoint, RequirePermission
from app.http.session import request_reader, request_session
from tests.support.endpoints import dependency_calls, endpoint_function, list_endpoints, load_routers

FEWEST_ENDPOINTS = 184
"""If fewer endpoints are found, the search for them is broken."""

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /healthz",
    "GET /readyz",
    "GET /v1/calendar/{token}.ics",
    "GET /v1/codes",
    "GET /v1/codes/fault",
    "GET /v1/codes/{name}",
    "GET /v1/places",
    "GET /v1/places/{code}",
    "POST /v1/auth/login",
    "POST /v1/auth/logout",
    "POST /v1/auth/refresh",
    "POST /v1/oauth/revoke",
    "POST /v1/oauth/token",
}
"""The endpoints that need no authentication. Adding one is a security decision."""

SESSION_READERS = {
    "GET /v1/places",  # public: a reader needs the access of a caller
    "GET /v1/places/{code}",
    "GET /v1/referrals/{referral_id}/matches",  # counts the comparison, which is a write
}
"""Endpoints that read with a session, which costs more than a reader and can write."""


def test_endpoints_are_found(app: FastAPI) -> None:
    # Catches: the routers `people` and `users` are not mounted.
    assert len(list_endpoints(app)) >= FEWEST_ENDPOINTS


def test_every_endpoint_has_exactly_one_guard(app: FastAPI) -> None:
    # Catches: GET /v1/cases/{case_id} takes `caller` from `request.state` instead of a guard.
    assert {
        str(endpoint): len(endpoint.guards) for endpoint in list_endpoints(app) if len(endpoint.guards) != 1
    } == {}


def test_public_endpoints_are_listed_and_have_a_reason(app: FastAPI) -> None:
    # Catches: the guard of GET /v1/teams is `PublicEndpoint("teams are no secret")`.
    guards = {
        str(endpoint): endpoint.guards[0]
        for endpoint in list_endpoints(app)
        if isinstance(endpoint.guards[0], PublicEndpoint)
    }
    assert set(guards) == PUBLIC
    assert all(len(guard.reason.split()) >= 4 for guard in guards.values())


def test_the_guard_is_resolved_before_the_session(app: FastAPI) -> None:
    # Catches: `session` moved before `caller` in one endpoint. FastAPI resolves parameters in their order, so a
    # transaction would begin before the caller is authenticated.
    late = []
    for endpoint in list_endpoints(app):
        names = list(inspect.signature(endpoint.function).parameters)
        if (
            "session" in names
            and isinstance(endpoint.guards[0], RequirePermission)
            and names[0].lstrip("_") != "caller"
        ):
            late.append(str(endpoint))
    assert late == []


def test_get_endpoints_read_without_a_session(app: FastAPI) -> None:
    # Catches: `reader: Session` in GET /v1/teams.
    endpoints = [endpoint for endpoint in list_endpoints(app) if endpoint.method == "GET"]
    calls = {str(endpoint): set(dependency_calls(endpoint.route.dependant)) for endpoint in endpoints}
    assert {endpoint for endpoint in calls if request_session in calls[endpoint]} == SESSION_READERS
    assert sum(request_reader in called for called in calls.values()) > 70


def test_every_permission_guards_an_endpoint(app: FastAPI) -> None:
    # Catches: a permission `case_admire` in the policy that no endpoint requires.
    required = {
        guard.permission
        for endpoint in list_endpoints(app)
        for guard in endpoint.guards
        if isinstance(guard, RequirePermission)
    }
    assert required == set(Permission)


def test_every_permission_belongs_to_a_role() -> None:
    # Catches: `Permission.case_link: frozenset()`.
    assert set(POLICY) == set(Permission)
    assert [permission for permission, roles in POLICY.items() if not roles] == []


def test_every_route_is_mounted(app: FastAPI) -> None:
    # Catches: `people` removed from the list of routers.
    mounted = {endpoint.function for endpoint in list_endpoints(app)}
    declared = {
        endpoint_function(route): f"{module}: {route.path}"
        for module, router in load_routers().items()
        for route in router.routes
        if isinstance(route, APIRoute)
    }
    assert len(declared) >= FEWEST_ENDPOINTS
    assert sorted(name for function, name in declared.items() if function not in mounted) == []
