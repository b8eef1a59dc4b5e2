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
from typing import Any, NoReturn

import uvicorn

GRACE = 12.0
"""Seconds that workers get to end their requests before they are killed."""
BREATH = 0.5
"""Seconds before a worker that died is replaced: one that dies at once must not keep the machine busy."""

MakeApp = Callable[[], Any]
Work = Callable[[], Coroutine[Any, Any, None]]


def serve(make_app: MakeApp, listening: socket.socket, count: int) -> None:
    """Keep `count` workers serving on a socket until interrupted.

    Nothing may have left a thread behind in this process: a fork copies only the one that calls it.
    """
    gc.freeze()  # what was imported is shared with the workers for as long as nobody touches it
    workers = {_fork(make_app, listening) for _ in range(count)}
    try:
        while True:
            died, _ = os.wait()
            workers.discard(died)
            time.sleep(BREATH)
            workers.add(_fork(make_app, listening))
    finally:
        _end(workers)


def in_processes_of_their_own(works: Sequence[Work]) -> bool:
    """Do asynchronous works side by side, each in a child process whose threads end with it.

    Returns:
        Whether all of them succeeded; when one fails, the others are ended.
    """
    running = {_begin(work) for work in works}
    try:
        while running:
            ended, status = os.wait()
            running.discard(ended)
            if status:
                return False
        return True
    finally:
        _end(running)


def _begin(work: Work) -> int:
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the parent hears it too, and has the last word
        _leave(lambda: asyncio.run(_told(work)))
    return pid


async def _told(work: Work) -> None:
    """Do a work that nobody waits for; what goes wrong in it is told, or nobody would know."""
    try:
        await work()
    except Exception:
        traceback.print_exc()
        raise


def _fork(make_app: MakeApp, listening: socket.socket) -> int:
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.enable()
        _leave(lambda: uvicorn.Server(_configuration(make_app)).run(sockets=[listening]))
    return pid


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
        http="httptools",
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
