"""HTTP. This is the table of contents: every router, mounted under /v1."""

from fastapi import APIRouter, FastAPI

from app.routers import audit, cases, children, codes, consents, health, people, places, referrals

V1 = (audit, cases, children, codes, consents, people, places, referrals)


def mount(app: FastAPI) -> None:
    """Mount every router."""
    app.include_router(health.router)
    v1 = APIRouter(prefix="/v1")
    for module in V1:
        v1.include_router(module.router)
    app.include_router(v1)
