from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError

from app.config import Settings
from app.http import problem_details as error_handlers
from app.http.middleware import stack as middleware

ORIGIN = "https://app.example.org"

router = APIRouter(prefix="/v1")


@router.get("/notes/{id}")
async def read(id: str) -> str:  # noqa: A002 - as the API names it
    return id


@router.get("/bug")
async def bug() -> None:
    raise RuntimeError


def build(*origins: str) -> FastAPI:
    app = FastAPI(openapi_url=None)
    error_handlers.install(app)
    app.router.routes += router.routes
    middleware.install(app, Settings(allowed_origins=origins))
    return app


@asynccontextmanager
async def opened(*origins: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(*origins))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_only_allowed_origins_pass_preflight() -> None:
    preflight_headers = {
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "if-match,authorization",
    }
    async with opened(ORIGIN) as client:
        good = await client.options("/v1/notes", headers={"origin": ORIGIN, **preflight_headers})
        assert good.status_code == 200
        assert good.headers["access-control-allow-origin"] == ORIGIN
        assert good.headers["access-control-allow-credentials"] == "true"
        for evil in (
            "https://evil.example",
            "null",
            ORIGIN + ".evil.example",
            "http://app.example.org",
            "https://xapp.example.org",
        ):
            rejected = await client.options("/v1/notes", headers={"origin": evil, **preflight_headers})
            plain = await client.get("/v1/notes/1", headers={"origin": evil})
            assert rejected.status_code == 403
            assert rejected.headers["content-type"] == "application/problem+json"
            for response in (rejected, plain):
                assert "access-control-allow-origin" not in response.headers


async def test_exposed_headers_are_sent_with_errors() -> None:
    async with opened(ORIGIN) as client:
        for path in ("notes/1", "bug", "nowhere", "notes/%00"):
            response = await client.get(f"/v1/{path}", headers={"origin": ORIGIN})
            assert response.headers["access-control-allow-origin"] == ORIGIN
            exposed = response.headers["access-control-expose-headers"].split(", ")
            assert {"ETag", "Link", "Location", "X-Request-Id", "RateLimit", "Retry-After"} <= set(exposed)


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://app.example.org/", "https://*.example.org", "app.example.org", ""]
)
def test_inexact_origin_prevents_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="must contain exact origins"):
        build(origin)


async def test_no_cors_headers_without_allowed_origins() -> None:
    async with opened() as client:
        response = await client.get("/v1/notes/1", headers={"origin": ORIGIN})
    assert not [name for name in response.headers if name.startswith("access-control")]
