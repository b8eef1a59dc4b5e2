"""A killed server or database loses no entry of the access log whose response a client has received."""

import itertools
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.database.embedded import EmbeddedServer
from tests.support.processes import list_descendants, read_title
from tests.support.scenario import child_ids_in
from tests.support.server_process import ServerProcess, temporary_home

STATUSES_DURING_CRASH = {200, 201, 503, 504}
THREAD_COUNT = 6
MIN_RESPONSES = 60
"""Number of responses with data of a child that clients must have received before the crash."""
UNCLE_PAYLOAD = {
    "role": "other", "names": [{"script": "latin", "family": "Keo", "given": "Dara"}], "relationship": "uncle",
}  # fmt: skip


@dataclass
class Load:
    """Clients that read and change cases in parallel, and the responses that they received completely."""

    server: ServerProcess
    received: list[tuple[str, set[str]]] = field(default_factory=list)
    """Request id and children of each successful response."""
    statuses: set[int] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> list[threading.Thread]:
        clients = [self.server.staff_client("programme_manager") for _ in range(THREAD_COUNT)]
        case_ids = [
            case["id"] for case in clients[0].get("/v1/cases", params={"status": "active"}).json()["items"]
        ]
        threads = [
            threading.Thread(target=self._send_requests, args=(client, case_ids)) for client in clients
        ]
        for thread in threads:
            thread.start()
        return threads

    def _send_requests(self, client: httpx.Client, case_ids: list[str]) -> None:
        for case_id in itertools.cycle(case_ids):
            path = f"/v1/cases/{case_id}"
            for request in (
                client.build_request("GET", path),
                client.build_request("GET", "/v1/cases"),
                client.build_request("POST", f"{path}/people", json=UNCLE_PAYLOAD),
            ):
                if self.stopped.is_set():
                    return
                try:
                    self._record(client.send(request))
                except httpx.HTTPError:
                    time.sleep(0.05)

    def _record(self, response: httpx.Response) -> None:
        self.statuses.add(response.status_code)
        child_ids = child_ids_in(response.json())
        if response.is_success and child_ids:
            self.received.append((response.headers["x-request-id"], child_ids))

    def wait_for_responses(self, count: int) -> None:
        expected = len(self.received) + count
        wait_until(lambda: len(self.received) >= expected)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with temporary_home() as path:
        yield ServerProcess(path / "var")


def find_postmaster(server: ServerProcess) -> int:
    """Return the id of the main process of PostgreSQL."""
    return int((server.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def list_database_processes(server: ServerProcess) -> list[int]:
    """Return the ids of the processes of PostgreSQL. Those that serve a connection of the API come first."""
    return sorted(
        list_descendants(find_postmaster(server)), key=lambda pid: "firststep_api" not in read_title(pid)
    )


def kill_server(server: ServerProcess, group: int) -> None:
    """Kill the server with its worker processes."""
    del server
    os.killpg(group, signal.SIGKILL)


def kill_database(server: ServerProcess, group: int) -> None:
    """Kill all processes of PostgreSQL, which does not start again before the next start of the server."""
    del group
    for process_id in (find_postmaster(server), *list_database_processes(server)):
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
    wait_until(lambda: not EmbeddedServer(server.home).is_running())


def kill_database_process(server: ServerProcess, group: int) -> None:
    """Kill one process of PostgreSQL, so that it ends all connections and recovers, while the server goes on."""
    del group
    os.kill(list_database_processes(server)[0], signal.SIGKILL)


def list_entries(client: httpx.Client) -> dict[str, set[str]]:
    """Return the children of the allowed entries, by request id."""
    entries: dict[str, set[str]] = defaultdict(set)
    params: dict[str, Any] = {"limit": 200, "outcome": "allowed"}
    while params.get("cursor", "") is not None:
        page = client.get("/v1/audit/accesses", params=params).json()
        for item in page["items"]:
            entries[item["request_id"]].add(item["child_id"])
        params["cursor"] = page["next_cursor"]
    return entries


@pytest.mark.parametrize("kill", [kill_server, kill_database, kill_database_process])
def test_every_received_response_is_in_the_log_after_a_crash(
    server: ServerProcess, kill: Callable[[ServerProcess, int], None]
) -> None:
    # Catches: the dependency `request_session` with the scope `request`, which commits after the response is sent;
    # `conclude_access` not awaited in `request_reader`; synchronous_commit off for firststep_api, without the checks of
    # the functions.
    process = server.start()
    load = Load(server)
    threads = load.start()
    try:
        load.wait_for_responses(MIN_RESPONSES)
        kill(server, process.pid)
        if kill is kill_database_process:
            load.wait_for_responses(MIN_RESPONSES)
    finally:
        load.stopped.set()
        for thread in threads:
            thread.join()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert load.statuses <= STATUSES_DURING_CRASH
    with server.running():
        entries = list_entries(server.staff_client("data_protection_officer"))
    missing = [request_id for request_id, child_ids in load.received if not child_ids <= entries[request_id]]
    assert missing == []
    assert len(load.received) >= MIN_RESPONSES
    assert not EmbeddedServer(server.home).is_running()
