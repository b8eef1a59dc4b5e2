"""Errors at a start are in the structured log with their reason, whichever process they occur in."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.access.key_canaries import register_keys
from app.access.keyring import KeyRing
from app.database.engine import Database
from app.server.jobs import JobRunner
from tests.support.scenario import Scenario
from tests.support.server_process import free_port

UNREACHABLE_URL = "postgresql://firststep_api:secret-password@127.0.0.1:1/firststep"
URLS = {"FIRSTSTEP_API_DATABASE_URL": UNREACHABLE_URL, "FIRSTSTEP_REPORTS_DATABASE_URL": UNREACHABLE_URL}
UNREACHABLE = "The database cannot be reached."
WRONG_SETTING = "FIRSTSTEP_POOL_SIZE must be a whole number."
START_CHILD = """
import os, socket, sys
from functools import partial
from app.main import create_app
from app.measurements import Measurements
from app.server import child_processes, serve, supervisor, workers
from app.config import get_settings
from app.structured_log import configure_logging

os.environ.update({changes!r})
configure_logging()
supervisor.MAX_ENDS = 1
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
tasks = {{
    "jobs": serve._run_jobs,
    "metrics": partial(serve._run_metrics, listener, Measurements([], 1)),
}}

def run():
    get_settings.cache_clear()
    if {process!r} == "worker":
        workers._serve_requests(create_app(), listener, 0)
    else:
        child_processes.run_task(tasks[{process!r}])

try:
    supervisor.Supervisor([supervisor.Child({process!r}, run)]).run()
except Exception as error:
    sys.exit(str(error))
"""


def build_environment(home: Path, **changes: str) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("FIRSTSTEP_", "PG"))
    }
    return {**inherited, "FIRSTSTEP_HOME": str(home), **changes}


def read_events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def start_child(home: Path, process: str, changes: dict[str, str]) -> list[dict[str, Any]]:
    """Start one process under a supervisor until it gives up. Return the ends of the process."""
    completed = subprocess.run(
        [sys.executable, "-c", START_CHILD.format(process=process, changes=changes)],
        env=build_environment(home), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert completed.returncode == 1, completed.stderr
    assert "secret-password" not in completed.stdout + completed.stderr
    assert "Traceback" not in completed.stderr
    return [event for event in read_events(completed.stdout) if event["event"] == "process_ended"]


@pytest.mark.parametrize("process", ["worker", "jobs", "metrics"])
def test_process_with_a_wrong_setting_is_logged_with_its_reason(tmp_path: Path, process: str) -> None:
    # Catches: `InvalidSettings` not known to `describe_operator_error`.
    [end] = start_child(tmp_path, process, {"FIRSTSTEP_POOL_SIZE": "many"})
    assert (end["process"], end["reason"]) == (process, WRONG_SETTING)


def test_worker_with_an_unreachable_database_is_logged_with_its_reason(tmp_path: Path) -> None:
    # Catches: the SystemExit of uvicorn not suppressed.
    KeyRing.load_or_create(tmp_path / "keys.json")
    [end] = start_child(tmp_path, "worker", URLS)
    assert end["reason"] == UNREACHABLE


def test_worker_without_a_key_ring_is_logged_with_its_reason(tmp_path: Path) -> None:
    [end] = start_child(tmp_path, "worker", URLS)
    assert end["reason"] == f"The key ring {tmp_path / 'keys.json'} does not exist."


def test_worker_with_the_key_ring_of_another_database_is_logged_with_its_reason(
    tmp_path: Path, scenario: Scenario
) -> None:
    KeyRing.load_or_create(tmp_path / "keys.json")
    urls = dict.fromkeys(URLS, scenario.urls.api)
    [end] = start_child(tmp_path, "worker", urls)
    assert "key ring" in end["reason"]


async def test_job_process_with_an_unreachable_database_logs_the_reason() -> None:
    # Catches: `jobs_unavailable` without `reason`.
    database = Database(UNREACHABLE_URL, pool_size=1)
    with capture_logs() as events:
        runner = asyncio.create_task(JobRunner(database, poll_seconds=0.01).run())
        for _ in range(500):
            await asyncio.sleep(0 if events else 0.01)
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
    await database.engine.dispose()
    assert (events[0]["event"], events[0]["reason"]) == ("jobs_unavailable", UNREACHABLE)


def run_server(home: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = build_environment(home, PORT=str(free_port()), **changes)
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "run"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def check_failure(completed: subprocess.CompletedProcess[str], process: str) -> list[str]:
    """Check that the log and the terminal contain the same sentences, and return them."""
    assert completed.returncode == 1, completed.stderr
    failures = [event for event in read_events(completed.stdout) if event["event"] == "process_failed"]
    assert {(failure["process"], failure["level"]) for failure in failures} == {(process, "error")}
    reasons = [failure["reason"] for failure in failures]
    assert "\n".join(reasons) in completed.stderr
    assert "Traceback" not in completed.stdout + completed.stderr
    return reasons


def test_server_with_wrong_settings_logs_each_of_them(tmp_path: Path) -> None:
    # Catches: `run` without `log_failure`.
    completed = run_server(tmp_path, FIRSTSTEP_POOL_SIZE="many", FIRSTSTEP_WORKRES="3")
    assert check_failure(completed, "run") == [
        "Unknown setting FIRSTSTEP_WORKRES; did you mean FIRSTSTEP_WORKERS?", WRONG_SETTING
    ]  # fmt: skip


def test_server_with_an_unreachable_database_logs_the_reason(tmp_path: Path) -> None:
    # Catches: `serve` without `log_failure`.
    KeyRing.load_or_create(tmp_path / "keys.json")
    reasons = check_failure(run_server(tmp_path, **URLS), "serve")
    assert "PostgreSQL at 127.0.0.1:1 cannot be reached: no server listens there." in reasons


async def test_server_with_the_key_ring_of_another_database_logs_the_reason(
    tmp_path: Path, scenario: Scenario, key_ring: KeyRing, owner_connection: Any
) -> None:
    await register_keys(owner_connection, key_ring)
    KeyRing.load_or_create(tmp_path / "keys.json")
    urls = {
        "FIRSTSTEP_API_DATABASE_URL": scenario.urls.api,
        "FIRSTSTEP_REPORTS_DATABASE_URL": scenario.urls.reports,
    }
    reasons = check_failure(run_server(tmp_path, FIRSTSTEP_MODE="demo", **urls), "serve")
    assert [reason for reason in reasons if "belongs to another database" in reason]


def test_failed_set_up_logs_the_reason(tmp_path: Path) -> None:
    completed = run_server(tmp_path, FIRSTSTEP_DATABASE_URL=UNREACHABLE_URL)
    assert check_failure(completed, "set-up")
