"""What is no HTTP, or never ends, is refused as everything else is."""

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from app.services.http_protocol import LONGEST_HEAD, Protocol


async def exchange(*parts: bytes) -> tuple[bytes, bytes]:
    """Send the parts to a server, and return the head and the body of its answer."""
    configuration = uvicorn.Config(PlainTextResponse("fine"), log_config=None)
    configuration.load()

    def connection() -> Protocol:
        return Protocol(config=configuration, server_state=ServerState(), app_state={})

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.close()
    return head, body


ASKED = b"GET / HTTP/1.1\r\nhost: x\r\n"
LONG = b"x" * (LONGEST_HEAD // 2)


async def test_what_ends_in_time_is_answered() -> None:
    head, body = await exchange(ASKED, b"x-long: ", LONG, b"\r\n\r\n")
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
    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert problem["status"] == status
    assert problem["request_id"].encode() in head
