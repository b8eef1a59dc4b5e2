"""Server processes: forked from one that has everything imported, watched, replaced when one dies, ended together."""

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
"""Seconds that workers get to end their requests before they are killed."""
RESTART_DELAY_SECONDS = 0.5
"""Seconds before a worker that died is replaced: one that dies at once must not keep the machine busy."""

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
"""Signals that end us."""

AppFactory = Callable[[], Any]
AsyncJob = Callable[[], Coroutine[Any, Any, None]]


def run_workers(make_app: AppFactory, listening: socket.socket, count: int) -> None:
    """Keep `count` workers serving on a socket until interrupted.

    Nothing may have left a thread behind in this process: a fork copies only the one that calls it.
    """
    gc.freeze()  # what was imported is shared with the workers for as long as nobody touches it
    workers: set[int] = set()
    try:
        while True:
            while len(workers) < count:
                _fork_child(workers, partial(_serve_requests, make_app, listening))
            died, _ = os.wait()
            workers.discard(died)
            time.sleep(RESTART_DELAY_SECONDS)
    finally:
        _stop_children(workers)


def run_in_child_processes(works: Sequence[AsyncJob]) -> bool:
    """Do asynchronous works side by side, each in a child process whose threads end with it.

    Returns:
        Whether all of them succeeded; when one fails, the others are ended.
    """
    running: set[int] = set()
    try:
        for work in works:
            _fork_child(running, partial(_run_job, work))
        while running:
            ended, status = os.wait()
            running.discard(ended)
            if status:
                return False
        return True
    finally:
        _stop_children(running)


def _run_job(work: AsyncJob) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_logging_errors(work))


async def _run_logging_errors(work: AsyncJob) -> None:
    """Do a work that nobody waits for; what goes wrong in it is told, or nobody would know."""
    try:
        await work()
    except Exception:
        traceback.print_exc()
        raise


def _fork_child(children: set[int], work: Callable[[], None]) -> None:
    """Begin a child's work, and note the child. A stop that comes meanwhile is heard right after.

    Between the two it would be lost: what Python runs around a fork swallows the exception that the stop is to us.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pid = os.fork()
    if pid:
        children.add(pid)
    else:
        for stop in STOP_SIGNALS:
            signal.signal(stop, signal.SIG_DFL)  # the parent's way is not the child's
    signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    if not pid:
        _run_and_exit(work)


def _serve_requests(make_app: AppFactory, listening: socket.socket) -> None:
    gc.enable()
    uvicorn.Server(_uvicorn_config(make_app)).run(sockets=[listening])


def _run_and_exit(work: Callable[[], None]) -> NoReturn:
    """Do a child's work, and end without unwinding what belongs to the parent."""
    code = 1
    try:
        work()
        code = 0
    except KeyboardInterrupt:
        code = 0
    finally:
        os._exit(code)


def _uvicorn_config(make_app: AppFactory) -> uvicorn.Config:
    """Our own logs and headers, not uvicorn's; the fast loop and parser, or none."""
    return uvicorn.Config(
        make_app,
        factory=True,
        loop="uvloop",
        http=LimitedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _stop_children(workers: set[int]) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGTERM)
    until = time.monotonic() + SHUTDOWN_GRACE_SECONDS
    while workers and time.monotonic() < until:
        with suppress(ChildProcessError, InterruptedError, KeyboardInterrupt):
            ended, _ = os.waitpid(-1, os.WNOHANG)
            workers.discard(ended)
            time.sleep(0 if ended else 0.02)
            continue
        break
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
