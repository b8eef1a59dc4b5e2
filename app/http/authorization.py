"""Guards: every endpoint declares exactly one of them.

`RequirePermission(permission)` authenticates the caller, commits the access event, and rejects callers whose roles do not
include the permission. `PublicEndpoint(reason)` marks an endpoint that needs no authentication.
"""

import time
from dataclasses import replace

from fastapi import Request
from fastapi.dependencies.models import Dependant

from app.access import log
from app.access.caller import Caller
from app.access.permissions import Permission, Role
from app.access.roles import ROLE_BY_SCOPE
from app.access.tokens import Claims
from app.access.vault import get_vault
from app.config import get_settings
from app.database.engine import Database
from app.errors import Forbidden, StepUpRequired, TooManyRequests, Unauthenticated
from app.http.middleware.client_address import UNKNOWN, get_client_address
from app.http.middleware.rate_limit import DECISION_KEY, RateLimiter
from app.services.accounts.sessions import ENROLLMENT_SCOPE

limiter = RateLimiter()
"""Limits the requests of each authenticated caller."""
SETUP_REQUIRED = "Set up your account first: choose a password (POST /v1/me/password) and a second factor (POST /v1/me/mfa/totp)."


class PublicEndpoint:
    """The guard of an endpoint without authentication. `reason` states why it needs none."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self) -> None:
        """Accept every request."""


class RequirePermission:
    """The guard of an endpoint that requires a permission. The access log records the permission as the act."""

    def __init__(
        self, permission: Permission, *, recent: bool = False, while_enrolling: bool = False
    ) -> None:
        self.permission = permission
        self.recent = recent
        """Whether the caller must have signed in within the last hour (step-up)."""
        self.while_enrolling = while_enrolling
        """Whether users are accepted who have not finished setting up their account."""

    async def __call__(self, request: Request) -> Caller:
        """Return the authenticated caller and record the access event.

        Raises:
            Unauthenticated: the token is missing or invalid, or its session has ended.
            TooManyRequests: the caller exceeded the rate limit.
            Forbidden: the caller's roles do not include the permission. The access log records this.
            StepUpRequired: a recent sign-in or the account set-up is missing.
        """
        request.state.is_guard_called = True
        claims = get_vault().access_tokens.verify_access_token(get_bearer_token(request))
        decision = limiter.take(str(claims.subject), get_settings().requests_per_minute)
        setattr(request.state, DECISION_KEY, decision)
        if not decision.allowed:
            raise TooManyRequests(retry_after=decision.reset_seconds)
        caller = await self._open_event(request, claims)
        request.state.caller = caller
        self._authorize(caller, claims)
        return caller

    async def _open_event(self, request: Request, claims: Claims) -> Caller:
        database: Database = request.app.state.database
        access_request = log.AccessRequest(
            action=self.permission,
            request_id=request.state.request_id,
            address=get_logged_address(request),
            kind=claims.kind,
            subject_id=claims.subject,
            session_id=claims.session_id,
            token_id=claims.jti,
            correlation_id=request.state.correlation_id,
        )
        opened = await log.open_access(database, access_request)
        if opened["event_id"] is None:
            raise Unauthenticated("The session has ended. Sign in again.")
        caller = Caller.from_opened_access(
            opened,
            subject_id=claims.subject,
            kind=claims.kind,
            session_id=claims.session_id,
            signed_in_at=claims.auth_time,
        )
        return (
            caller if claims.kind == "person" else replace(caller, roles=_granted_roles(caller.roles, claims))
        )

    def _authorize(self, caller: Caller, claims: Claims) -> None:
        if claims.scope == ENROLLMENT_SCOPE and not self.while_enrolling:
            raise StepUpRequired(SETUP_REQUIRED)
        if not caller.has_permission(self.permission):
            raise Forbidden
        if self.recent and not _signed_in_recently(caller):
            raise StepUpRequired("This operation requires a sign-in within the last hour.")


async def call_pending_guard(request: Request, guard: RequirePermission | None) -> None:
    """Call the guard of an endpoint for a request that was rejected before its guard was called.

    The body and the names of the query parameters are validated first. The access log must contain the rejected request
    too, so the guard has to authenticate the caller.

    Raises:
        Unauthenticated, TooManyRequests, Forbidden, StepUpRequired: see `RequirePermission`.
    """
    if guard is not None and not getattr(request.state, "is_guard_called", False):
        await guard(request)


def find_guard(dependant: Dependant) -> RequirePermission | None:
    """Return the guard of an endpoint, or None if the endpoint is public."""
    for dependency in dependant.dependencies:
        guard = dependency.call if isinstance(dependency.call, RequirePermission) else find_guard(dependency)
        if guard is not None:
            return guard
    return None


def get_bearer_token(request: Request) -> str:
    """Return the bearer token of a request.

    Raises:
        Unauthenticated: the request has none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("An access token is required: Authorization: Bearer …")
    return token


def get_logged_address(request: Request) -> str | None:
    """Return the client's address for the access log, or None if the connection has none (a Unix socket)."""
    address = get_client_address(request.scope, get_settings().trusted_proxies)
    return None if address == UNKNOWN else address


def _granted_roles(roles: frozenset[str], claims: Claims) -> frozenset[str]:
    """Return the roles of an API client whose scope is in its token."""
    scope_of = {role: scope for scope, role in ROLE_BY_SCOPE.items()}
    return frozenset(role for role in roles if scope_of[Role(role)] in claims.scope.split())


def _signed_in_recently(caller: Caller) -> bool:
    return time.time() - (caller.signed_in_at or 0) <= get_settings().step_up_seconds
