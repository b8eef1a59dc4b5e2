"""What is no HTTP, or never ends, is refused as everything else is."""

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
async def serving() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that answers everything, and reads no body."""
    configuration = uvicorn.Config(PlainTextResponse("fine"), log_config=None)
    configuration.load()

    def connection() -> LimitedHttpProtocol:
        return LimitedHttpProtocol(config=configuration, server_state=ServerState(), app_state={})

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


async def exchange(*parts: bytes) -> tuple[bytes, bytes]:
    """Send the parts to a server, and return the head and the body of its answer."""
    async with serving() as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head, await reader.readexactly(length)


ASKED = b"GET / HTTP/1.1\r\nhost: x\r\n"
SENT = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = SENT + b"transfer-encoding: chunked\r\n\r\n"
LONG = b"x" * (MAX_HEAD_BYTES // 2)


@pytest.mark.parametrize(
    "parts",
    [
        (ASKED, b"x-long: ", LONG, b"\r\n\r\n"),
        (CHUNKED, b"20000\r\n", LONG, LONG, LONG, LONG, b"\r\n0\r\n\r\n"),
        (SENT + b"content-length: %d\r\n\r\n" % (3 * len(LONG)) + 3 * LONG + ASKED, b"\r\n"),
    ],
)
async def test_what_ends_in_time_is_answered(parts: tuple[bytes, ...]) -> None:
    # Planted: every byte of a read counted, whatever ended in it.
    head, body = await exchange(*parts)
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"fine")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((ASKED, b"x-long: ", LONG, LONG, LONG), 431),
        ((ASKED, *[b"x-%d: " % n + LONG[:4000] + b"\r\n" for n in range(17)]), 431),
        ((b"GET /", LONG, LONG, LONG), 431),
        ((b"\xff\xfe\r\n\r\n",), 400),
        ((ASKED + b"content-length: nine\r\n\r\n",), 400),
    ],
)
async def test_the_rest_is_a_problem(parts: tuple[bytes, ...], status: int) -> None:
    # Planted: `data_received` without its count.
    head, body = await exchange(*parts)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize("endless", [b"0\r\nx-trailer: ", b"5;ext="])
async def test_nothing_goes_on_for_ever_behind_a_body(endless: bytes) -> None:
    # Planted: counting heads only.
    async with serving() as (reader, writer):
        writer.write(CHUNKED + b"2\r\nhi\r\n" + endless)
        for _ in range(4):
            await asyncio.sleep(0.01)
            writer.write(LONG)
        answered = await asyncio.wait_for(reader.read(), 5)
    assert b" 431 " in answered


async def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # Planted: `connection_made` without `_wait`.
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_SECONDS", 0.05)
    async with serving() as (reader, writer):
        writer.write(ASKED)
        assert await asyncio.wait_for(reader.read(), 5) == b""
