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

from app.server.http_protocol import Protocol

GRACE = 12.0
"""Seconds that workers get to end their requests before they are killed."""
BREATH = 0.5
"""Seconds before a worker that died is replaced: one that dies at once must not keep the machine busy."""

STOPS = frozenset({signal.SIGINT, signal.SIGTERM})
"""Signals that end us."""

MakeApp = Callable[[], Any]
Work = Callable[[], Coroutine[Any, Any, None]]


def serve(make_app: MakeApp, listening: socket.socket, count: int) -> None:
    """Keep `count` workers serving on a socket until interrupted.

    Nothing may have left a thread behind in this process: a fork copies only the one that calls it.
    """
    gc.freeze()  # what was imported is shared with the workers for as long as nobody touches it
    workers: set[int] = set()
    try:
        while True:
            while len(workers) < count:
                _fork(workers, partial(_serve, make_app, listening))
            died, _ = os.wait()
            workers.discard(died)
            time.sleep(BREATH)
    finally:
        _end(workers)


def in_processes_of_their_own(works: Sequence[Work]) -> bool:
    """Do asynchronous works side by side, each in a child process whose threads end with it.

    Returns:
        Whether all of them succeeded; when one fails, the others are ended.
    """
    running: set[int] = set()
    try:
        for work in works:
            _fork(running, partial(_do, work))
        while running:
            ended, status = os.wait()
            running.discard(ended)
            if status:
                return False
        return True
    finally:
        _end(running)


def _do(work: Work) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_told(work))


async def _told(work: Work) -> None:
    """Do a work that nobody waits for; what goes wrong in it is told, or nobody would know."""
    try:
        await work()
    except Exception:
        traceback.print_exc()
        raise


def _fork(children: set[int], work: Callable[[], None]) -> None:
    """Begin a child's work, and note the child. A stop that comes meanwhile is heard right after.

    Between the two it would be lost: what Python runs around a fork swallows the exception that the stop is to us.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    pid = os.fork()
    if pid:
        children.add(pid)
    else:
        for stop in STOPS:
            signal.signal(stop, signal.SIG_DFL)  # the parent's way is not the child's
    signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    if not pid:
        _leave(work)


def _serve(make_app: MakeApp, listening: socket.socket) -> None:
    gc.enable()
    uvicorn.Server(_configuration(make_app)).run(sockets=[listening])


def _leave(work: Callable[[], None]) -> NoReturn:
    """Do a child's work, and end without unwinding what belongs to the parent."""
    code = 1
    try:
        work()
        code = 0
    except KeyboardInterrupt:
        code = 0
    finally:
        os._exit(code)


def _configuration(make_app: MakeApp) -> uvicorn.Config:
    """Our own logs and headers, not uvicorn's; the fast loop and parser, or none."""
    return uvicorn.Config(
        make_app,
        factory=True,
        loop="uvloop",
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _end(workers: set[int]) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGTERM)
    until = time.monotonic() + GRACE
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
