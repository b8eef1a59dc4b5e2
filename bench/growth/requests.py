"""The requests that the growth measurement sends, and a client that sends one after the other."""

import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from pydantic_core import to_json

from bench.caseload import generate_referral
from bench.growth.contents import invent_referral, make_id
from bench.growth.generate import GrowthSize
from bench.load import UNIQUE_ID_PLACEHOLDER, is_complete_response
from bench.operations import build_request, drop_nulls
from bench.programs import HOST

SEARCH_COUNT = 24
REFERRAL_BODY_COUNT = 50
CallerName = Literal["worker", "supervisor", "api_client"]


@dataclass(frozen=True, slots=True)
class GrowthOperation:
    """A request that is measured in databases of several sizes. A request with a body is a POST."""

    name: str
    description: str
    caller: CallerName
    list_paths: Callable[[GrowthSize], list[str]]
    """Returns the paths that are requested in turn."""
    bodies: tuple[Mapping[str, Any], ...] = ()


def _list_worker_case_paths(size: GrowthSize, suffix: str = "") -> list[str]:
    return [f"/v1/cases/{make_id('case', number)}{suffix}" for number in size.list_worker_case_numbers()]


def _list_search_paths(size: GrowthSize) -> list[str]:
    """Search for children of the first team: by full name, by given name in Khmer, and by the beginning of a name."""
    paths = []
    for index in range(SEARCH_COUNT):
        khmer, latin = invent_referral(size.get_seed(size.team_count * (1 + 97 * index)))["child"]["names"]
        q = (f"{latin['family']} {latin['given']}", khmer["given"], latin["given"][:4])[index % 3]
        paths.append(f"/v1/children?q={quote(q.strip())}")
    return paths


def _list_match_paths(size: GrowthSize) -> list[str]:
    numbers = size.list_pending_referral_numbers()
    return [f"/v1/referrals/{make_id('referral', number)}/matches" for number in numbers]


def _invent_referral_bodies() -> tuple[Mapping[str, Any], ...]:
    rng = random.Random(7)  # noqa: S311 - must be reproducible, not secret
    return tuple(drop_nulls(generate_referral(rng, number)) for number in range(REFERRAL_BODY_COUNT))


OPERATIONS = (
    GrowthOperation("R1", "a social worker with 25 cases reads one case", "worker", _list_worker_case_paths),
    GrowthOperation(
        "W1",
        "an API client of a partner sends a referral",
        "api_client",
        lambda _: ["/v1/referrals"],
        _invent_referral_bodies(),
    ),
    GrowthOperation("A1", "the agenda of a worker with 25 cases", "worker", lambda _: ["/v1/me/agenda"]),
    GrowthOperation(
        "T1",
        "the first page of the timeline of a case with two years of history",
        "worker",
        lambda size: _list_worker_case_paths(size, "/timeline"),
    ),
    GrowthOperation(
        "L1",
        "a supervisor of 2,500 cases lists the newest 50",
        "supervisor",
        lambda _: ["/v1/cases?limit=50"],
    ),
    GrowthOperation("L2", "a worker with 25 cases lists them", "worker", lambda _: ["/v1/cases"]),
    GrowthOperation("C1", "a worker with 25 cases lists the children", "worker", lambda _: ["/v1/children"]),
    GrowthOperation(
        "C2",
        "a supervisor of 2,500 cases lists the newest 50 children",
        "supervisor",
        lambda _: ["/v1/children?limit=50"],
    ),
    GrowthOperation(
        "Q1", "a supervisor of 2,500 cases searches children by name", "supervisor", _list_search_paths
    ),
    GrowthOperation(
        "M1", "a supervisor lists the possible duplicates of a referral", "supervisor", _list_match_paths
    ),
    GrowthOperation(
        "X1",
        "a supervisor lists the accesses of a child with 20,000 entries",
        "supervisor",
        lambda size: [f"/v1/children/{make_id('child', size.most_read_case_number)}/accesses"],
    ),
)


class SequentialClient:
    """Sends the requests of an operation in turn over one connection, and therefore to one worker of the program."""

    def __init__(self, operation: GrowthOperation, size: GrowthSize, token: str, port: int) -> None:
        self._paths = operation.list_paths(size)
        self._bodies = operation.bodies
        self._token = token
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
            request = self._build_request(len(latencies))
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

    def _build_request(self, number: int) -> bytes:
        path = self._paths[number % len(self._paths)]
        if not self._bodies:
            return build_request("GET", path, self._token)
        body = {"external_id": secrets.token_hex(12), **self._bodies[number % len(self._bodies)]}
        request = build_request("POST", path, self._token, to_json(body))
        return request.replace(UNIQUE_ID_PLACEHOLDER, secrets.token_hex(12).encode())
