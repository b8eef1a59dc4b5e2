"""HTTP. This is the table of contents: every router, mounted under /v1."""

from fastapi import APIRouter, FastAPI

from app.routers import (
    agencies,
    api_clients,
    audit,
    auth,
    cases,
    children,
    codes,
    consents,
    health,
    me,
    oauth,
    people,
    places,
    referrals,
    teams,
    users,
    well_known,
)

V1 = (
    agencies,
    api_clients,
    audit,
    auth,
    cases,
    children,
    codes,
    consents,
    me,
    oauth,
    people,
    places,
    referrals,
    teams,
    users,
)


def mount(app: FastAPI) -> None:
    """Mount every router."""
    app.include_router(health.router)
    app.include_router(well_known.router)
    v1 = APIRouter(prefix="/v1")
    for module in V1:
        v1.include_router(module.router)
    app.include_router(v1)
