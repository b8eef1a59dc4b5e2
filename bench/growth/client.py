"""A client that sends one request after the other."""

import secrets
import socket
import time
from collections.abc import Sequence

from bench.load import UNIQUE_ID_PLACEHOLDER, is_complete_response
from bench.programs import HOST


class SequentialClient:
    """Sends raw requests in turn over one connection, and therefore to one worker of the program."""

    def __init__(self, requests: Sequence[bytes], port: int) -> None:
        self._requests = requests
        self._connection = socket.create_connection((HOST, port), timeout=60)

    def close(self) -> None:
        self._connection.close()

    def send(self, seconds: float, minimum: int) -> list[float]:
        """Send requests for some seconds, and at least `minimum` of them. Return the latencies in milliseconds.

        Raises:
            RuntimeError: a response does not have a status of success.
        """
        latencies: list[float] = []
        deadline = time.perf_counter() + seconds
        while len(latencies) < minimum or time.perf_counter() < deadline:
            request = self._requests[len(latencies) % len(self._requests)]
            request = request.replace(UNIQUE_ID_PLACEHOLDER, secrets.token_hex(12).encode())
            started = time.perf_counter()
            self._connection.sendall(request)
            response = self._receive()
            latencies.append(1000 * (time.perf_counter() - started))
            if response[9:10] != b"2":
                raise RuntimeError(f"{request.split(b' HTTP')[0]!r} has the response {response[:600]!r}")
        return latencies

    def _receive(self) -> bytes:
        response = b""
        while not is_complete_response(response) and (part := self._connection.recv(65536)):
            response += part
        return response
