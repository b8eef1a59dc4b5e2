"""Is the process alive; can it serve."""

from fastapi import APIRouter, Depends, Request

from app.http.authorization import Public
from app.http.route import Route
from app.schemas.wire import Output
from app.server import health

router = APIRouter(tags=["health"], route_class=Route)


class Health(Output):
    """One word."""

    status: str


@router.get("/healthz", dependencies=[Depends(Public("load balancers ask whether the process lives"))])
async def get_liveness() -> Health:
    """Say that the process lives."""
    return Health(status="alive")


@router.get("/readyz", dependencies=[Depends(Public("load balancers ask whether it can serve"))])
async def get_readiness(request: Request) -> Health:
    """Say that requests can be served: the database answers and is migrated. 503 otherwise."""
    await health.verify_readiness(request.app.state.database)
    return Health(status="ready")
