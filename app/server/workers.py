"""Supervise worker processes: start them by fork, replace a worker that exits, and stop all of them together."""

import asyncio
import gc
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import uvicorn
import uvloop

from app.server.http_protocol import LimitedHttpProtocol

SHUTDOWN_GRACE_SECONDS = 12.0
"""Seconds after which workers are killed that have not finished their requests."""
RESTART_DELAY_SECONDS = 0.5
"""Seconds until a worker is replaced, so that workers that fail at their start do not use all processor time."""

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
"""Signals that stop the server."""

AppFactory = Callable[[], Any]
AsyncJob = Callable[[], Coroutine[Any, Any, None]]


def run_workers(app_factory: AppFactory, server_socket: socket.socket, count: int) -> None:
    """Run `count` workers that serve requests on a socket, until interrupted.

    Call this in a process with a single thread, because a fork copies only the thread that calls it.
    """
    gc.freeze()  # the collector then does not write to imported objects, whose memory stays shared with the workers
    pids: set[int] = set()
    try:
        while True:
            while len(pids) < count:
                _fork_child(pids, partial(_serve_requests, app_factory, server_socket))
            pid, _ = os.wait()
            pids.discard(pid)
            time.sleep(RESTART_DELAY_SECONDS)
    finally:
        _stop_children(pids)


def run_in_child_processes(jobs: Sequence[AsyncJob]) -> bool:
    """Run asynchronous jobs in parallel, each in a child process.

    Returns:
        Whether all jobs succeeded. If one fails, the others are stopped.
    """
    pids: set[int] = set()
    try:
        for job in jobs:
            _fork_child(pids, partial(_run_job, job))
        while pids:
            pid, status = os.wait()
            pids.discard(pid)
            if status:
                return False
        return True
    finally:
        _stop_children(pids)


def _run_job(job: AsyncJob) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_printing_errors(job))


async def _run_printing_errors(job: AsyncJob) -> None:
    """Run a job and print its exception, because the parent process only receives the exit status."""
    try:
        await job()
    except Exception:
        traceback.print_exc()
        raise


def _fork_child(pids: set[int], function: Callable[[], None]) -> None:
    """Run a function in a child process and add its process id to `pids`.

    Stop signals are blocked during the fork and delivered afterwards. Otherwise the handlers that Python runs around a
    fork would suppress the KeyboardInterrupt that a stop signal raises.
    """
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pid = os.fork()
    if pid:
        pids.add(pid)
    else:
        for stop_signal in STOP_SIGNALS:
            signal.signal(stop_signal, signal.SIG_DFL)  # without the handlers of the parent
    signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)
    if not pid:
        _run_and_exit(function)


def _serve_requests(app_factory: AppFactory, server_socket: socket.socket) -> None:
    gc.enable()
    uvicorn.Server(_uvicorn_config(app_factory)).run(sockets=[server_socket])


def _run_and_exit(function: Callable[[], None]) -> NoReturn:
    """Run a function in a child process and exit, without the exit handlers and `finally` blocks of the parent."""
    exit_status = 1
    try:
        function()
        exit_status = 0
    except KeyboardInterrupt:
        exit_status = 0
    finally:
        os._exit(exit_status)


def _uvicorn_config(app_factory: AppFactory) -> uvicorn.Config:
    """Return a configuration without the logs and headers of uvicorn, which the application replaces."""
    return uvicorn.Config(
        app_factory,
        factory=True,
        loop="uvloop",
        http=LimitedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _stop_children(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + SHUTDOWN_GRACE_SECONDS
    while pids and time.monotonic() < deadline:
        with suppress(ChildProcessError, InterruptedError, KeyboardInterrupt):
            exited_pid, _ = os.waitpid(-1, os.WNOHANG)
            pids.discard(exited_pid)
            time.sleep(0 if exited_pid else 0.02)
            continue
        break
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
