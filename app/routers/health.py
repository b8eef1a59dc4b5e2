"""Health checks: liveness (the process runs) and readiness (it can serve requests)."""

from typing import Literal

from fastapi import Depends, Request
from pydantic import Field
from typing_extensions import TypeAliasType

from app.http.authorization import PublicEndpoint
from app.http.route import Router
from app.schemas.wire import Output
from app.server import health

router = Router(version="", tags=["health"])

HealthStatus = TypeAliasType("HealthStatus", Literal["alive", "ready"])
"""Result of a successful health check."""


class Health(Output):
    """The result of a health check."""

    status: HealthStatus = Field(
        description="`alive`: the process runs. `ready`: the process can serve requests."
    )


@router.get("/healthz", dependencies=[Depends(PublicEndpoint("load balancers call it without credentials"))])
async def get_liveness() -> Health:
    """Get the liveness of the process.

    Always returns 200 while the process runs. Does not use the database.
    """
    return Health(status="alive")


@router.get("/readyz", dependencies=[Depends(PublicEndpoint("load balancers call it without credentials"))])
async def get_readiness(request: Request) -> Health:
    """Get the readiness of the process.

    Returns 200 if the database responds, is migrated and accepts writes, else 503. After a write that failed because the
    disk of the database is full, it returns 503 for 30 seconds.
    """
    await health.verify_readiness(request.app.state.database)
    return Health(status="ready")
