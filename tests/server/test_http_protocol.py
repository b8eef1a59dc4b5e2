"""Limits of request heads and responses to malformed HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from app.server import http_protocol
from app.server.http_protocol import MAX_HEAD_BYTES, LimitedHttpProtocol


@asynccontextmanager
async def open_connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that answers every request without reading its body."""
    config = uvicorn.Config(PlainTextResponse("fine"), log_config=None)
    config.load()

    def create_protocol() -> LimitedHttpProtocol:
        return LimitedHttpProtocol(config=config, server_state=ServerState(), app_state={})

    server = await asyncio.get_running_loop().create_server(create_protocol, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


async def exchange(*parts: bytes) -> tuple[bytes, bytes]:
    """Send the parts to a server, and return the head and the body of the response."""
    async with open_connection() as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head, await reader.readexactly(length)


GET_HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
POST_HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED_POST_HEAD = POST_HEAD + b"transfer-encoding: chunked\r\n\r\n"
HALF_LIMIT = b"x" * (MAX_HEAD_BYTES // 2)


@pytest.mark.parametrize(
    "parts",
    [
        (GET_HEAD, b"x-long: ", HALF_LIMIT, b"\r\n\r\n"),
        (CHUNKED_POST_HEAD, b"20000\r\n", HALF_LIMIT, HALF_LIMIT, HALF_LIMIT, HALF_LIMIT, b"\r\n0\r\n\r\n"),
        (
            POST_HEAD + b"content-length: %d\r\n\r\n" % (3 * len(HALF_LIMIT)) + 3 * HALF_LIMIT + GET_HEAD,
            b"\r\n",
        ),
    ],
)
async def test_requests_within_the_limits_get_a_response(parts: tuple[bytes, ...]) -> None:
    # Catches: the byte counter not reset at the end of a head, a part of a body or a message.
    head, body = await exchange(*parts)
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"fine")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((GET_HEAD, b"x-long: ", HALF_LIMIT, HALF_LIMIT, HALF_LIMIT), 431),
        ((GET_HEAD, *[b"x-%d: " % n + HALF_LIMIT[:4000] + b"\r\n" for n in range(17)]), 431),
        ((b"GET /", HALF_LIMIT, HALF_LIMIT, HALF_LIMIT), 431),
        ((b"\xff\xfe\r\n\r\n",), 400),
        ((GET_HEAD + b"content-length: nine\r\n\r\n",), 400),
    ],
)
async def test_long_heads_and_malformed_requests_get_problem_details(
    parts: tuple[bytes, ...], status: int
) -> None:
    # Catches: no byte counter in `data_received`.
    head, body = await exchange(*parts)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize("ending", [b"0\r\nx-trailer: ", b"5;ext="])
async def test_trailers_and_chunk_extensions_are_limited(ending: bytes) -> None:
    # Catches: only the bytes of heads counted.
    async with open_connection() as (reader, writer):
        writer.write(CHUNKED_POST_HEAD + b"2\r\nhi\r\n" + ending)
        for _ in range(4):
            await asyncio.sleep(0.01)
            writer.write(HALF_LIMIT)
        response = await asyncio.wait_for(reader.read(), 5)
    assert b" 431 " in response


async def test_connection_closes_when_the_head_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    # Catches: `connection_made` without the timer.
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_SECONDS", 0.05)
    async with open_connection() as (reader, writer):
        writer.write(GET_HEAD)
        assert await asyncio.wait_for(reader.read(), 5) == b""
