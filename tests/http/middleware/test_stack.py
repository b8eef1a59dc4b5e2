import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from structlog.testing import capture_logs

from app.config import Settings
from app.http import problem_details as error_handlers
from app.http.json_body import StrictRoute
from app.http.middleware import stack as middleware
from app.http.middleware.stack import ProblemBoundary

CANARY = "Canary9271"
ORIGIN = "https://app.example.org"


class Note(BaseModel):
    text: str


router = APIRouter(prefix="/v1", route_class=StrictRoute)


@router.get("/notes/{id}")
async def read(id: str) -> str:  # noqa: A002 - as the API names it
    return id


@router.post("/notes")
async def write(note: Note) -> int:
    return len(note.text)


@router.get("/bug")
async def bug() -> None:
    raise RuntimeError(CANARY)


@router.get("/slow")
async def slow() -> None:
    await asyncio.sleep(5)


@router.get("/stubborn")
async def stubborn() -> None:
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        raise ValueError(CANARY) from None


@router.get("/inner-timeout")
async def inner_timeout() -> None:
    raise TimeoutError(CANARY)


@router.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.3)
        yield b"b"

    return StreamingResponse(parts(), media_type="text/plain")


@router.get("/broken-stream")
async def broken_stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        raise RuntimeError(CANARY)

    return StreamingResponse(parts(), media_type="text/plain")


@router.get("/own")
async def own() -> Response:
    headers = {"Cache-Control": "public", "Content-Security-Policy": "default-src 'self'", "Server": "x/1"}
    return Response("own", headers=headers)


def build(**changes: Any) -> FastAPI:
    app = FastAPI(openapi_url=None)
    error_handlers.install(app)
    app.router.routes += router.routes
    settings = Settings(**{"max_body_bytes": 1000, "request_seconds": 0.1, **changes})
    middleware.install(app, settings)
    return app


@asynccontextmanager
async def opened(**changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(**changes))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with opened() as http_client:
        yield http_client


async def test_security_headers_are_in_every_kind_of_response(client: httpx.AsyncClient) -> None:
    responses = [await client.get(f"/v1/{path}") for path in ("notes/1", "nowhere", "bug", "slow")]
    responses.append(await client.post("/v1/notes", content=b"x" * 1001))
    assert [response.status_code for response in responses] == [200, 404, 500, 504, 413]
    for response in responses:
        assert response.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'; frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
        assert response.headers["permissions-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert len(response.headers["x-request-id"]) == 32
        assert "server" not in response.headers


async def test_problem_contains_the_request_id(client: httpx.AsyncClient) -> None:
    for path in ("/v1/nowhere", "/v1/bug", "/v1/slow"):
        response = await client.get(path, headers={"x-correlation-id": "screen-42.a_B"})
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]
        assert response.headers["x-correlation-id"] == "screen-42.a_B"


async def test_response_may_override_policies_but_not_server_header(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/own")
    assert response.headers.get_list("cache-control") == ["public"]
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert "server" not in response.headers


@pytest.mark.parametrize("given", ["short", "x" * 65, "a b c d e f", 'x"},{"a":"b', "ក" * 8, "abcdefgh\n"])
async def test_invalid_id_of_the_client_is_ignored(client: httpx.AsyncClient, given: str) -> None:
    headers = {name: given.encode() for name in (b"x-request-id", b"x-correlation-id")}
    response = await client.get("/v1/notes/1", headers=headers)
    assert "x-correlation-id" not in response.headers
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


async def test_request_ids_are_unique(client: httpx.AsyncClient) -> None:
    request_ids = {(await client.get("/v1/notes/1")).headers.get_list("x-request-id")[0] for _ in range(5)}
    assert len(request_ids) == 5


@pytest.mark.parametrize("path", ["/v1/slow", "/v1/stubborn"])
async def test_slow_request_is_cancelled_and_returns_504(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 504
    assert response.json()["type"] == "urn:firststep:problem:timed-out"
    assert CANARY not in response.text


async def test_inner_timeout_error_returns_500(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        assert (await client.get("/v1/inner-timeout")).status_code == 500
    assert lines[0]["error"] == "builtins.TimeoutError"


async def test_started_response_may_stream_past_the_deadline(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/stream")).text == "ab"


async def test_broken_stream_is_logged_and_left_incomplete() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()  # The client stays connected and sends nothing.

    async def send(message: Any) -> None:
        sent.append((message["type"], message.get("body"), message.get("more_body")))

    scope = {"type": "http", "method": "GET", "path": "/v1/broken-stream", "query_string": b"", "headers": []}
    with capture_logs() as lines:
        await build()(scope, receive, send)
    assert sent == [("http.response.start", None, None), ("http.response.body", b"a", True)]
    assert [line["error"] for line in lines] == ["builtins.RuntimeError"]
    assert CANARY not in repr(lines)


async def test_unexpected_exception_is_logged_once(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as lines:
        response = await client.get("/v1/bug?name=" + CANARY)
    assert len(lines) == 1
    output = capsys.readouterr()
    assert CANARY not in response.text + repr(lines) + output.out + output.err


async def test_exception_outside_fastapi_returns_a_problem() -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise KeyError(CANARY)

    transport = httpx.ASGITransport(app=ProblemBoundary(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with capture_logs():
            response = await client.get("/")
    assert response.status_code == 500
    assert CANARY not in response.text


@pytest.mark.parametrize(
    "target",
    ["/v1/notes/%00", "/v1/notes/%ff", "/v1/notes/%ed%a0%80", "/v1/notes/1?q=%00", "/v1/notes/a%0ab", "/%00"],
)
async def test_malformed_target_returns_400(client: httpx.AsyncClient, target: str) -> None:
    response = await client.get(target)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:firststep:problem:malformed-request"


@pytest.mark.parametrize(
    "target", ["/v1/notes/%zz", "/v1/notes/1?%", "/v1/notes/1?q=%ff", "//", "/v1/notes/%2e%2e"]
)
async def test_unusual_target_never_returns_500(client: httpx.AsyncClient, target: str) -> None:
    assert (await client.get(target)).status_code in {200, 404}


@pytest.mark.parametrize("host", ["a b", "x" * 300, "a/b", "évil", "[::1", "a:b:c", ""])
async def test_invalid_host_returns_400(client: httpx.AsyncClient, host: str) -> None:
    response = await client.get("/v1/notes/1", headers={b"host": host.encode()})
    assert response.status_code == 400


@pytest.mark.parametrize("host", ["fsc.example.org", "localhost:8000", "[::1]:8000", "127.0.0.1"])
async def test_valid_host_is_accepted(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/v1/notes/1", headers={"host": host})).status_code == 200


async def test_query_with_raw_bytes_returns_400() -> None:
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    scope = {"type": "http", "method": "GET", "path": "/v1/notes/1", "query_string": b"q=\xff", "headers": []}
    await build()(scope, receive, send)
    assert statuses == [400, 0]


async def test_trailing_slash_is_not_redirected(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes/?q=%ff")).status_code == 404


async def test_request_log_contains_path_template_only(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.get(
        f"/v1/notes/{CANARY}?q={CANARY}", headers={"x-request-id": "screen-42", "user-agent": CANARY}
    )
    await client.request("BREW\\", f"/{CANARY}")
    output = capsys.readouterr().out
    first, second = [json.loads(line) for line in output.splitlines()]
    assert first.pop("duration_ms") >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.pop("timestamp"))
    assert re.fullmatch("[0-9a-f]{32}", first.pop("request_id"))
    assert first == {
        "level": "info",
        "event": "request",
        "method": "GET",
        "route": "/v1/notes/{id}",
        "status": 200,
        "bytes": len(CANARY) + 2,
    }
    assert (second["route"], second["method"], second["status"]) == (None, "OTHER", 404)
    assert CANARY not in output


async def test_head_returns_headers_of_get(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    get_response, head = await client.get("/v1/notes/7?q=7"), await client.head("/v1/notes/7?q=7")
    assert (head.status_code, head.content) == (get_response.status_code, b"")
    assert head.headers["content-length"] == get_response.headers["content-length"]
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["method"], line["route"]) == ("HEAD", "/v1/notes/{id}")
    rejected = await client.post("/v1/notes/7")
    assert (rejected.status_code, rejected.headers["allow"]) == (405, "GET, HEAD")


async def test_lifespan_passes_every_middleware() -> None:
    lifespan_events: list[str] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        lifespan_events.append(message["type"])

    await build(allowed_origins=(ORIGIN,))({"type": "lifespan"}, receive, send)
    assert lifespan_events == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
