"""The serving process: wait for the set-up, start the workers, and stop everything.

This process and its workers have the URLs of the API role and the reports role only.
"""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType

from app.config import Settings
from app.database.embedded import EmbeddedServer
from app.database.engine import Database
from app.database.urls import get_api_url
from app.errors import Conflict
from app.measurements import Measurements
from app.server import doctor, workers
from app.server.child_processes import STOP_SIGNALS, AsyncTask
from app.server.database_restart import DatabaseRestart
from app.server.health import verify_readiness
from app.server.installation import ProgressReporter
from app.structured_log import configure_logging


@dataclass(slots=True)
class Launch:
    """State that `run` passes to the serving process, which replaces it."""

    socket_descriptor: int
    """File descriptor of the socket, which is bound to the port."""
    metrics_descriptor: int | None
    """File descriptor of the socket of the metrics, or None if they are off."""
    set_up_pid: int | None
    """Process id of the set-up. It is a child of this process, because `run` has replaced itself by this process."""
    is_embedded: bool
    """Whether this process stops the embedded server at its end."""


def serve(
    settings: Settings,
    launch: Launch,
    load_app_factory: Callable[[], workers.AppFactory],
    report_progress: ProgressReporter,
) -> None:
    """Serve until interrupted, then stop the workers and the embedded server.

    `load_app_factory` imports the application. It is called while the set-up runs.

    Raises:
        Conflict: the installation has an error. The message contains each error.
        Unavailable: the database is not ready, or the processes end too often.
    """
    server_socket = socket.socket(fileno=launch.socket_descriptor)
    try:
        handle_stop_signals()
        gc.disable()  # imports create no garbage, and the collector would take a tenth of the start. Workers enable it
        app_factory = load_app_factory()
        _wait_for_set_up(launch)
        configure_logging()
        asyncio.run(_require_healthy_installation(settings, report_progress))
        app = app_factory()
        report_progress(describe_address(settings))
        if settings.mode == "demo":
            report_progress(f"Demonstration users and passwords: {settings.home / 'demo.json'}")
        check = DatabaseRestart(EmbeddedServer(settings.home)) if launch.is_embedded else _check_nothing
        tasks = {"jobs": _run_jobs, **_build_metrics_task(launch, app.state.measurements)}
        workers.run_workers(app, server_socket, settings.workers, tasks, check)
    except KeyboardInterrupt:
        report_progress("Stopping …")
    finally:
        _stop_set_up(launch)
        if launch.is_embedded:
            EmbeddedServer(settings.home).stop()


def describe_address(settings: Settings) -> str:
    """Return the line that `run` prints when it serves."""
    documentation = f"  ·  documentation: {settings.issuer}/docs" if settings.docs else ""
    return f"First Step runs on {settings.issuer}{documentation}  ·  stop with Ctrl-C"


def _check_nothing() -> None:
    """Check nothing: an external database is not restarted."""


async def _run_jobs() -> None:
    from app.server.jobs import run_job_process  # noqa: PLC0415 - imports libraries that the start does not wait for

    await run_job_process()


def _build_metrics_task(launch: Launch, measurements: Measurements | None) -> dict[str, AsyncTask]:
    """Return the task of the metrics process, or nothing if the metrics are off."""
    if launch.metrics_descriptor is None or measurements is None:
        return {}
    return {"metrics": partial(_run_metrics, socket.socket(fileno=launch.metrics_descriptor), measurements)}


async def _run_metrics(listener: socket.socket, measurements: Measurements) -> None:
    from app.server.metrics.process import run_metrics_process  # noqa: PLC0415 - only if the metrics are on

    await run_metrics_process(listener, measurements)


async def _require_healthy_installation(settings: Settings, report_progress: ProgressReporter) -> None:
    findings = await doctor.examine_installation(settings)
    for finding in findings:
        if finding.level == "warning":
            report_progress(f"Warning: {finding.message}")
    if errors := [finding.message for finding in findings if finding.level == "error"]:
        raise Conflict("\n".join(["First Step does not start:", *errors]))
    database = Database(get_api_url(settings), pool_size=1)
    await database.open()
    try:
        await verify_readiness(database)
    finally:
        await database.close()


def handle_stop_signals() -> None:
    """Raise KeyboardInterrupt for every stop signal. `run` has blocked them until this call."""
    for stop_signal in STOP_SIGNALS:
        if (
            stop_signal != signal.SIGHUP or signal.getsignal(stop_signal) != signal.SIG_IGN
        ):  # nohup ignores it
            signal.signal(stop_signal, _raise_keyboard_interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _raise_keyboard_interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait_for_set_up(launch: Launch) -> None:
    """Wait until the set-up process has ended. If it failed, it has printed the reason, so only exit."""
    if launch.set_up_pid is not None:
        _, status = os.waitpid(launch.set_up_pid, 0)
        launch.set_up_pid = None
        if status:
            raise SystemExit(1)


def _stop_set_up(launch: Launch) -> None:
    """Stop a set-up process that is still running, and wait for its end."""
    if launch.set_up_pid is not None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(launch.set_up_pid, signal.SIGTERM)
            os.waitpid(launch.set_up_pid, 0)
