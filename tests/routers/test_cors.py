from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI

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


async def test_only_named_origins_are_let_in() -> None:
    asked = {
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "if-match,authorization",
    }
    async with opened(ORIGIN) as client:
        good = await client.options("/v1/notes", headers={"origin": ORIGIN, **asked})
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
            refused = await client.options("/v1/notes", headers={"origin": evil, **asked})
            plain = await client.get("/v1/notes/1", headers={"origin": evil})
            assert refused.status_code == 403
            assert refused.headers["content-type"] == "application/problem+json"
            for answer in (refused, plain):
                assert "access-control-allow-origin" not in answer.headers


async def test_a_front_end_may_read_the_headers_it_needs_even_of_failures() -> None:
    async with opened(ORIGIN) as client:
        for path in ("notes/1", "bug", "nowhere", "notes/%00"):
            answer = await client.get(f"/v1/{path}", headers={"origin": ORIGIN})
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            exposed = answer.headers["access-control-expose-headers"].split(", ")
            assert {"ETag", "Link", "Location", "X-Request-Id", "RateLimit", "Retry-After"} <= set(exposed)


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://app.example.org/", "https://*.example.org", "app.example.org", ""]
)
def test_an_origin_that_is_not_exact_stops_the_start(origin: str) -> None:
    app = build(origin)
    with pytest.raises(ValueError, match="ALLOWED_ORIGINS"):
        app.build_middleware_stack()


async def test_without_origins_nothing_speaks_of_cors() -> None:
    async with opened() as client:
        answer = await client.get("/v1/notes/1", headers={"origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]
