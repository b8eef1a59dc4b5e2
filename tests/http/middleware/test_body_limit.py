import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request

from app.config import Settings
from app.http import problem_details as error_handlers
from app.http.json_body import StrictRoute
from app.http.middleware import stack as middleware
from app.http.middleware.request_limits import UploadLimits

router = APIRouter(prefix="/v1", route_class=StrictRoute)


@router.post("/notes")
@router.post("/raw")
async def write(request: Request) -> int:
    return len(await request.body())


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None)
    error_handlers.install(app)
    app.router.routes += router.routes
    uploads = UploadLimits(lambda scope: scope["path"] == "/v1/raw", 2000, 5.0)
    middleware.install(app, Settings(max_body_bytes=1000, request_seconds=0.2), uploads=uploads)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as opened:
        yield opened


async def test_body_with_excessive_content_length_is_rejected_unread(client: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    for length in ("1001", "9" * 5000):
        response = await client.post("/v1/notes", content=never(), headers={"content-length": length})
        assert response.status_code == 413
        assert response.json()["type"] == "urn:firststep:problem:too-large"
        assert response.headers["connection"] == "close"


async def test_invalid_content_length_returns_400(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/notes", content=b"", headers={"content-length": "-1"})
    assert response.status_code == 400


@pytest.mark.parametrize(("path", "limit"), [("/v1/notes", 1000), ("/v1/raw", 2000)])
async def test_streamed_body_is_rejected_at_the_limit(
    client: httpx.AsyncClient, path: str, limit: int
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 100
            yield b"x" * 100

    response = await client.post(path, content=endless(), headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert sent == limit + 100


async def test_upload_may_exceed_the_default_body_limit(client: httpx.AsyncClient) -> None:
    body = b'"' + b"x" * 1500 + b'"'
    response = await client.post("/v1/raw", content=body, headers={"content-type": "application/json"})
    assert response.json() == 1502


async def test_upload_has_a_longer_timeout(client: httpx.AsyncClient) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b'"'
        await asyncio.sleep(0.4)
        yield b'"'

    for path, status in (("/v1/notes", 504), ("/v1/raw", 200)):
        response = await client.post(path, content=slow(), headers={"content-type": "application/json"})
        assert response.status_code == status, path
