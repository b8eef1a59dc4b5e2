"""`run`: from nothing to a served port, and back without leaving anything behind."""

import asyncio
import json
import os
import signal
import socket
import time
from types import FrameType

import uvicorn

from app.config import Settings
from app.database_urls import Urls
from app.errors import Conflict
from app.services.installation import Say, open_installation

PATIENCE = 5.0
"""Seconds to wait for a port that a killed predecessor's workers are about to give back."""


def serve(chosen: Settings, say: Say) -> None:
    """Serve until told to stop; then stop everything that was started.

    Raises:
        Conflict: the port is taken, or this home is being served.
    """
    _await_port(chosen.host, chosen.port)
    # A stop that comes while the database is being made must still leave it stopped.
    signal.signal(signal.SIGTERM, _as_interrupt)
    made = open_installation(chosen, say)
    try:
        if chosen.mode == "demo":
            _prepare_demo(chosen, made.urls, say)
        # What was found out here holds in the workers too.
        os.environ |= {"FIRSTSTEP_API_DATABASE_URL": made.urls.api, "FIRSTSTEP_MODE": chosen.mode}
        say(f"First Step serves on {chosen.issuer}  ·  to read: {chosen.issuer}/docs  ·  to stop: Ctrl-C")
        if chosen.mode == "demo":
            say(f"People and passwords to try it with: {chosen.home / 'demo.json'}")
        _listen(chosen)
    except KeyboardInterrupt:
        say("Stopping …")
    finally:
        made.close()


def _prepare_demo(chosen: Settings, urls: Urls, say: Say) -> None:
    notes = chosen.home / "demo.json"
    if not notes.exists():
        from app.services import demo  # noqa: PLC0415 - only the first start needs it

        asyncio.run(demo.prepare(notes, urls, say))
    if notes.exists():
        known = json.loads(notes.read_text())
        notes.write_text(
            json.dumps(
                {**known, "base_url": chosen.issuer, "database": {"api": urls.api}},
                indent=2,
                ensure_ascii=False,
            )
        )


def _listen(chosen: Settings) -> None:
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _as_interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _await_port(host: str, port: int) -> None:
    until = time.monotonic() + PATIENCE
    while not _is_free(host, port):
        if time.monotonic() > until:
            raise Conflict(f"Port {port} is taken by another program: set PORT to a free one.")
        time.sleep(0.2)


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
