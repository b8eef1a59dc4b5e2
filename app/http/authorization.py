"""The one door of every endpoint: who may enter is in its signature.

`Requires(permission)` proves who is asking, opens the access (an event of the log, committed before anything is
read) and refuses whoever's roles do not include the act. `Public(why)` is a door too, so that 'open to everybody'
is written down. `Enrolling` is for people who have yet to set up their second factor.
"""

import time

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from app.access import log
from app.access.caller import Caller
from app.access.permissions import Permission, Role, has_permission
from app.access.tokens import Claims
from app.access.vault import get_vault
from app.config import get_settings
from app.database.engine import Database
from app.errors import Forbidden, StepUpRequired, TooManyRequests, Unauthenticated
from app.http.middleware.client_address import client_address
from app.http.middleware.rate_limit import VERDICT, RateLimiter
from app.services.accounts.sessions import ENROLLMENT_SCOPE

limiter = RateLimiter()
UNFINISHED = (
    "Set up your account first: a password of your own (POST /v1/me/password), and the second factor where your role "
    "needs one (POST /v1/me/mfa/totp)."
)


class Public:
    """A door that is open to everybody."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self) -> None:
        """Let anybody in."""


class Requires(SecurityBase):
    """A door for those whose roles include a permission; the permission is the act that the log names."""

    def __init__(
        self, permission: Permission, *, recent: bool = False, while_enrolling: bool = False
    ) -> None:
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="An access token from sign-in or /v1/oauth/token."
        )
        self.scheme_name = "bearer"
        self.permission = permission
        self.recent = recent
        """Ask for a sign-in within the last hour (step-up)."""
        self.while_enrolling = while_enrolling

    async def __call__(self, request: Request) -> Caller:
        """Open the access, or refuse.

        Raises:
            Unauthenticated: no valid token, or its session is over.
            TooManyRequests: the principal is above its rate.
            Forbidden: the roles do not include the act; the refusal is in the log.
        """
        claims = get_vault().access_tokens.verify_access_token(bearer_token(request))
        verdict = limiter.take(str(claims.subject), get_settings().requests_per_minute)
        setattr(request.state, VERDICT, verdict)
        if not verdict.allowed:
            raise TooManyRequests(retry_after=verdict.reset_seconds)
        actor = await self._open(request, claims)
        request.state.actor = actor
        self._refuse(actor, claims)
        return actor

    async def _open(self, request: Request, claims: Claims) -> Caller:
        database: Database = request.app.state.database
        question = log.AccessRequest(
            action=self.permission.value,
            request_id=request.state.request_id,
            address=address_of(request),
            kind=claims.kind,
            subject_id=claims.subject,
            session_id=claims.session_id,
            token_id=claims.jti,
        )
        opened = await log.open_access_event(database, question)
        if opened["event_id"] is None:
            raise Unauthenticated("The session is over; please sign in again.")
        return Caller(
            id=claims.subject,
            kind=claims.kind,
            name=opened["name"],
            roles=_narrowed(frozenset(opened["roles"]), claims),
            agency_id=opened["agency_id"],
            team_ids=frozenset(opened["teams"]),
            supervised_team_ids=frozenset(opened["supervises"]),
            session_id=claims.session_id,
            event_id=opened["event_id"],
            signed_in_at=claims.auth_time,
        )

    def _refuse(self, actor: Caller, claims: Claims) -> None:
        if claims.scope == ENROLLMENT_SCOPE and not self.while_enrolling:
            raise StepUpRequired(UNFINISHED)
        if not has_permission(actor.roles, self.permission):
            raise Forbidden
        if self.recent and not _recent(actor):
            raise StepUpRequired("This asks for a sign-in within the last hour.")


def bearer_token(request: Request) -> str:
    """Return the bearer token of a request.

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("This asks for an access token: Authorization: Bearer …")
    return token


def address_of(request: Request) -> str | None:
    """Return where a request comes from, as the log records it; None over a Unix socket."""
    found = client_address(request.scope, get_settings().trusted_proxies)
    return None if found == "unknown" else found


def _narrowed(roles: frozenset[str], claims: Claims) -> frozenset[str]:
    """A machine's token may carry fewer scopes than the machine has; it never carries more."""
    if claims.kind != "client":
        return roles
    granted = {Role.partner_system: "referrals", Role.reporting_script: "reports"}
    return frozenset(role for role in roles if granted[Role(role)] in claims.scope.split())


def _recent(actor: Caller) -> bool:
    return time.time() - (actor.signed_in_at or 0) <= get_settings().step_up_seconds
