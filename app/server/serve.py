"""`run`: from nothing to a served port, and back without leaving anything behind."""

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
"""Seconds to wait for a port that a killed predecessor's workers are about to give back."""


def run_server(
    chosen: Settings,
    load: Callable[[], workers.AppFactory],
    say: ProgressReporter,
    seed_demo: Callable[[Settings, DatabaseUrls, ProgressReporter], None],
) -> None:
    """Serve until told to stop; then stop everything that was started. `load` imports the app, while the database starts.

    `seed_demo` fills an empty demonstration database.

    Raises:
        Conflict: the port is taken, or this home is being served.
    """
    listening = _bind_socket(chosen.host, chosen.port)
    # A stop that comes while the database is being made must still leave it stopped.
    signal.signal(signal.SIGTERM, _raise_keyboard_interrupt)
    made, make_app = _open_installation_and_load_app(chosen, load, say)
    try:
        if chosen.mode == "demo":
            _prepare_demo(chosen, made.urls, say, seed_demo)
        # What was found out here holds in the workers too.
        os.environ |= {"FIRSTSTEP_API_DATABASE_URL": made.urls.api, "FIRSTSTEP_MODE": chosen.mode}
        say(f"First Step serves on {chosen.issuer}  ·  to read: {chosen.issuer}/docs  ·  to stop: Ctrl-C")
        if chosen.mode == "demo":
            say(f"People and passwords to try it with: {chosen.home / 'demo.json'}")
        workers.run_workers(make_app, listening, chosen.workers)
    except KeyboardInterrupt:
        say("Stopping …")
    finally:
        made.close()


def _open_installation_and_load_app(
    chosen: Settings, load: Callable[[], workers.AppFactory], say: ProgressReporter
) -> tuple[Installation, workers.AppFactory]:
    gc.disable()  # imports make no garbage, and looking for it is a tenth of a start; workers enable it again
    with ThreadPoolExecutor(max_workers=1) as beside:
        opening = beside.submit(open_installation, chosen, say)
        try:
            make_app = load()
            return opening.result(), make_app
        except BaseException:
            if opening.exception() is None:
                opening.result().close()
            raise


def _prepare_demo(
    chosen: Settings,
    urls: DatabaseUrls,
    say: ProgressReporter,
    seed_demo: Callable[[Settings, DatabaseUrls, ProgressReporter], None],
) -> None:
    notes = chosen.home / "demo.json"
    if not notes.exists():
        seed_demo(chosen, urls, say)
    if notes.exists():
        known = json.loads(notes.read_text())
        facts = {**known, "base_url": chosen.issuer, "database": {"api": urls.api}}
        notes.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def _raise_keyboard_interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _bind_socket(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            listening.bind((host, port))
        except OSError:
            if time.monotonic() > until:
                listening.close()
                raise Conflict(f"Port {port} is taken by another program: set PORT to a free one.") from None
            time.sleep(0.2)
        else:
            return listening
