"""A load client for machines without wrk. Each keep-alive connection sends its next request after a response.

It runs in a separate process: `python -m bench.load SECONDS CONNECTIONS PORT FILE STAMP`. FILE, STAMP and the output
are the same as for requests.lua. The client is slower than wrk, so results of the two cannot be compared.
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
    """Yield the requests of the file endlessly, each with a unique id."""
    number = count(1)
    requests = text.split(REQUEST_SEPARATOR)[:-1]
    for parts in cycle([request.split(UNIQUE_ID_PLACEHOLDER) for request in requests]):
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
        # A transport of uvloop has the methods of asyncio.Transport without being a subclass of it.
        self.transport = cast("asyncio.Transport", transport)
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


def is_complete_response(response: bytes) -> bool:
    """Return whether the head of a response and a body of its Content-Length have arrived."""
    head, header_end, body = response.partition(HEADER_END)
    _, _, length = head.lower().partition(b"content-length:")
    return bool(header_end) and len(body) >= int(length.partition(b"\r\n")[0] or 0)


async def run_load(seconds: float, connections: int, port: int, source: Iterator[bytes]) -> dict[str, float]:
    """Load the server, and return the figures that requests.lua prints."""
    loop, latencies = asyncio.get_running_loop(), list[float]()
    open_connections = [
        (await loop.create_connection(lambda: Connection(source, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    started = time.perf_counter()
    del latencies[:]
    await asyncio.sleep(seconds)
    elapsed, latencies = time.perf_counter() - started, sorted(latencies)
    for connection in open_connections:
        connection.stopped = True
        connection.transport.close()
    return {
        "requests": len(latencies),
        "seconds": elapsed,
        "p50_ms": 1e3 * latencies[len(latencies) // 2] if latencies else 0,
        "p99_ms": 1e3 * latencies[len(latencies) * 99 // 100] if latencies else 0,
        "errors": sum(connection.errors for connection in open_connections),
    }


def main() -> None:
    """Parse the arguments, run the load and print the figures as JSON."""
    seconds, connections, port, file, stamp = sys.argv[1:]
    source = generate_requests(Path(file).read_bytes(), stamp)
    print(json.dumps(uvloop.run(run_load(float(seconds), int(connections), int(port), source))))


if __name__ == "__main__":
    main()
