"""The processes that serve requests on one socket, and the processes for background jobs and metrics."""

import gc
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn

from app.errors import Unavailable
from app.measurements import Measurements
from app.server.child_processes import AsyncTask, run_task
from app.server.http_protocol import LimitedHttpProtocol
from app.server.supervisor import Child, Supervisor

AppFactory = Callable[[], Any]
"""Creates the ASGI application."""


def run_workers(
    app: Any,
    server_socket: socket.socket,
    count: int,
    tasks: Mapping[str, AsyncTask],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Run `count` workers that serve requests on a socket, and one process for each task, until interrupted.

    Call this in a process with a single thread, because a fork copies only the thread that calls it. The supervisor
    calls `check` several times per second.

    Raises:
        Unavailable: the processes end too often.
    """
    gc.freeze()  # the collector then does not write to imported objects, whose memory stays shared with the children
    measurements: Measurements | None = app and app.state.measurements
    children = [
        Child("worker", partial(_serve_requests, app, server_socket, number)) for number in range(count)
    ]
    children += [Child(name, partial(run_task, task)) for name, task in tasks.items()]
    Supervisor(children, check, measurements).run()


def _serve_requests(app: Any, server_socket: socket.socket, number: int) -> None:
    gc.enable()
    if (measurements := app.state.measurements) is not None:
        measurements.use_section(number)
    server = uvicorn.Server(_uvicorn_config(app))
    with suppress(SystemExit):  # uvicorn exits if the application could not start
        server.run(sockets=[server_socket])
    if not server.started:
        error = getattr(app.state, "startup_error", None)
        raise error or Unavailable("The worker could not start.")


def _uvicorn_config(app: Any) -> uvicorn.Config:
    """Return a configuration without the logs and headers of uvicorn, which the application replaces."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=LimitedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
