"""HTTP. This is the table of contents: every router, mounted under /v1."""

from fastapi import FastAPI

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
    # Looked through in this order for every request: what is asked for most stands first.
    cases,
    children,
    referrals,
    agencies,
    api_clients,
    audit,
    auth,
    codes,
    consents,
    me,
    oauth,
    people,
    places,
    teams,
    users,
)


def mount(app: FastAPI) -> None:
    """Mount every router."""
    app.include_router(health.router)
    app.include_router(well_known.router)
    for module in V1:
        app.include_router(module.router, prefix="/v1")
