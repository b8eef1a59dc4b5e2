"""A client for machines without wrk: keep-alive connections that each send the next request as the last is answered.

`python -m bench.load SECONDS CONNECTIONS PORT FILE STAMP`, in a process of its own. FILE and STAMP as in requests.lua;
prints the same line. It is slower than wrk, so its figures compare with each other only.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import cast

import uvloop

UNIQUE_ID_PLACEHOLDER = b"@" * 24
REQUEST_SEPARATOR = b"\n@next@\n"
HEADER_END = b"\r\n\r\n"


def generate_requests(text: bytes, stamp: str) -> Iterator[bytes]:
    """Yield the file's requests for ever, each with an id of its own."""
    number = count(1)
    for parts in cycle([whole.split(UNIQUE_ID_PLACEHOLDER) for whole in text.split(REQUEST_SEPARATOR)[:-1]]):
        yield f"{stamp}00{next(number):014d}".encode().join(parts)


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, source: Iterator[bytes], latencies: list[float]) -> None:
        self.requests = source
        self.latencies = latencies
        self.errors = 0
        self.stopped = False
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's are not of that class, but they are that
        self._send()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not is_complete_response(self.buffer):
            return
        self.latencies.append(time.perf_counter() - self.sent)
        self.errors += self.buffer[9:10] != b"2"
        self.buffer = b""
        if not self.stopped:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.errors += not self.stopped

    def _send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(next(self.requests))


def is_complete_response(answer: bytes) -> bool:
    """Whether an answer has come in as far as its Content-Length says."""
    head, found, body = answer.partition(HEADER_END)
    _, _, length = head.lower().partition(b"content-length:")
    return bool(found) and len(body) >= int(length.partition(b"\r\n")[0] or 0)


async def run_load(seconds: float, connections: int, port: int, source: Iterator[bytes]) -> dict[str, float]:
    """Load the server, and return what requests.lua prints."""
    loop, latencies = asyncio.get_running_loop(), list[float]()
    made = [
        (await loop.create_connection(lambda: Connection(source, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    started = time.perf_counter()
    del latencies[:]
    await asyncio.sleep(seconds)
    passed, done = time.perf_counter() - started, sorted(latencies)
    for connection in made:
        connection.stopped = True
        connection.transport.close()
    return {
        "requests": len(done),
        "seconds": passed,
        "p50_ms": 1e3 * done[len(done) // 2] if done else 0,
        "p99_ms": 1e3 * done[len(done) * 99 // 100] if done else 0,
        "errors": sum(connection.errors for connection in made),
    }


def main() -> None:
    """Read the command line, print one line."""
    seconds, connections, port, file, stamp = sys.argv[1:]
    source = generate_requests(Path(file).read_bytes(), stamp)
    print(json.dumps(uvloop.run(run_load(float(seconds), int(connections), int(port), source))))


if __name__ == "__main__":
    main()
