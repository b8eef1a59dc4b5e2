"""The ASGI application: routes, and the steps that every request has."""

import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from app.access.permissions import POLICY, Permission
from app.access.vault import get_vault
from app.errors import Unauthenticated
from bench.limit.access import Access, Database, Refused
from bench.limit.cases import get_case, list_cases
from bench.limit.messages import Request, Response
from bench.limit.referrals import create_referral

Operation: TypeAlias = Callable[[Database, Access, Request], Awaitable[Response]]

ROUTES: dict[tuple[str, str], tuple[Permission, Operation]] = {
    ("GET", "/v1/cases"): (Permission.case_list, list_cases),
    ("GET", "/v1/cases/"): (Permission.case_read, get_case),
    ("POST", "/v1/referrals"): (Permission.referral_receive, create_referral),
}
"""Permissions and operations by method and path. An id at the end of a path is left out."""

database = Database()
logger = logging.getLogger(__name__)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Handle a connection of the server."""
    if scope["type"] == "lifespan":
        await run_lifespan(receive, send)
    elif scope["path"] == "/readyz":
        await Response(204).send(send)
    else:
        response = await respond(await Request.receive(scope, receive), scope["method"])
        await response.send(send)


async def run_lifespan(receive: Any, send: Any) -> None:
    """Open the database connections at the start, and close them at the end."""
    await receive()
    async with database.connect(os.environ["BENCH_LIMIT_URL"]):
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def respond(request: Request, method: str) -> Response:
    """Return the response of a request, after its access event and its access entries have been committed."""
    path, slash, _ = request.path.partition("/v1/cases/")
    route = ROUTES.get((method, slash or path))
    if route is None:
        return Response(404)
    permission, operation = route
    try:
        token = request.headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        claims = get_vault().access_tokens.verify_access_token(token)
    except Unauthenticated:
        return Response(401)
    access = await database.open_access(claims, permission)
    try:
        if access.roles is None:
            raise Refused(401)  # noqa: TRY301 - recorded like every other rejection
        if POLICY[permission].isdisjoint(access.roles):
            raise Refused(403)  # noqa: TRY301
        return await operation(database, access, request)
    except Refused as refusal:
        status = refusal.status
    except Exception:
        logger.exception("The request failed.")
        status = 500
    await database.record_outcome(access, "refused", status)
    return Response(status)
