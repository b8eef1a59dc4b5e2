"""Run the server: prepare the installation, seed the demonstration, start the workers, and stop everything."""

import gc
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from app.config import Settings
from app.database.urls import DatabaseUrls
from app.errors import Conflict
from app.server import workers
from app.server.installation import Installation, ProgressReporter, open_installation

PORT_WAIT_SECONDS = 5.0
"""Seconds to wait for the port, because the workers of a killed server release it with a delay."""


def run_server(
    settings: Settings,
    load_app_factory: Callable[[], workers.AppFactory],
    report_progress: ProgressReporter,
    seed_demo: Callable[[Settings, DatabaseUrls, ProgressReporter], None],
) -> None:
    """Serve until interrupted, then stop the workers and the database.

    Args:
        settings: settings of the installation.
        load_app_factory: imports the application. Called while the database starts.
        report_progress: receives progress messages.
        seed_demo: creates the demonstration in an empty database.

    Raises:
        Conflict: the port is in use, or another process uses the same home directory.
    """
    server_socket = _bind_socket(settings.host, settings.port)
    # SIGTERM raises KeyboardInterrupt, so that it also stops a database that was started during the preparation.
    signal.signal(signal.SIGTERM, _raise_keyboard_interrupt)
    installation, app_factory = _open_installation_and_load_app(settings, load_app_factory, report_progress)
    try:
        if settings.mode == "demo":
            _prepare_demo(settings, installation.urls, report_progress, seed_demo)
        # The workers read their settings from the environment.
        os.environ |= {"FIRSTSTEP_API_DATABASE_URL": installation.urls.api, "FIRSTSTEP_MODE": settings.mode}
        report_progress(
            f"First Step runs on {settings.issuer}  ·  documentation: {settings.issuer}/docs  ·  stop with Ctrl-C"
        )
        if settings.mode == "demo":
            report_progress(f"Demonstration users and passwords: {settings.home / 'demo.json'}")
        workers.run_workers(app_factory, server_socket, settings.workers)
    except KeyboardInterrupt:
        report_progress("Stopping …")
    finally:
        installation.close()


def _open_installation_and_load_app(
    settings: Settings, load_app_factory: Callable[[], workers.AppFactory], report_progress: ProgressReporter
) -> tuple[Installation, workers.AppFactory]:
    gc.disable()  # imports create no garbage, and the collector would take a tenth of the start. Workers enable it
    with ThreadPoolExecutor(max_workers=1) as executor:
        installation = executor.submit(open_installation, settings, report_progress)
        try:
            app_factory = load_app_factory()
            return installation.result(), app_factory
        except BaseException:
            if installation.exception() is None:
                installation.result().close()
            raise


def _prepare_demo(
    settings: Settings,
    urls: DatabaseUrls,
    report_progress: ProgressReporter,
    seed_demo: Callable[[Settings, DatabaseUrls, ProgressReporter], None],
) -> None:
    credentials_file = settings.home / "demo.json"
    if not credentials_file.exists():
        seed_demo(settings, urls, report_progress)
    if credentials_file.exists():
        credentials = json.loads(credentials_file.read_text())
        credentials |= {"base_url": settings.issuer, "database": {"api": urls.api}}
        credentials_file.write_text(json.dumps(credentials, indent=2, ensure_ascii=False) + "\n")


def _raise_keyboard_interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _bind_socket(host: str, port: int) -> socket.socket:
    server_socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            server_socket.bind((host, port))
        except OSError:
            if time.monotonic() > deadline:
                server_socket.close()
                raise Conflict(f"Port {port} is used by another program. Set PORT to a free port.") from None
            time.sleep(0.2)
        else:
            return server_socket
