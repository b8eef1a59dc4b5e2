"""Start child processes by fork, receive the reasons of their failures, and stop them."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import uvloop

SHUTDOWN_GRACE_SECONDS = 12.0
"""Seconds after which processes are killed that have not finished their requests."""

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that stop the server."""
MAX_REASON_BYTES = 1000


def interrupt_on_stop_signals() -> None:
    """Treat every stop signal like Ctrl-C: asyncio cancels the running task, so that a command can remove its files."""
    ignores_hangup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # under nohup
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stop_signal in STOP_SIGNALS - {signal.SIGINT} - ({signal.SIGHUP} if ignores_hangup else set()):
        signal.signal(stop_signal, lambda *_: signal.raise_signal(signal.SIGINT))


AsyncTask = Callable[[], Coroutine[Any, Any, None]]


class FailurePipe:
    """A pipe through which child processes send the reason of their failure, one line each."""

    def __init__(self) -> None:
        """Open the pipe."""
        self._read_end, self._write_end = os.pipe()
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)
        self._reasons: dict[int, str] = {}

    def send_failure_reason(self, reason: str) -> None:
        """Send the reason of this process."""
        line = f"{os.getpid()} {' '.join(reason.split())}".encode()[:MAX_REASON_BYTES]
        with suppress(OSError):  # the pipe is full, and the supervisor does without the reason
            os.write(self._write_end, line + b"\n")  # atomic, because it is short

    def read_reason(self, pid: int) -> str | None:
        """Return the reason that a process has sent, or None."""
        with suppress(BlockingIOError):
            while content := os.read(self._read_end, 65536):
                for line in content.decode(errors="replace").splitlines():
                    sender, _, reason = line.partition(" ")
                    self._reasons[int(sender)] = reason
        return self._reasons.pop(pid, None)


def run_in_child_processes(tasks: Sequence[AsyncTask]) -> bool:
    """Run asynchronous tasks in parallel, each in a child process.

    Returns:
        Whether all tasks succeeded. If one fails, the other tasks are stopped.
    """
    pids: set[int] = set()
    try:
        for task in tasks:
            fork_child(pids, partial(_run_printing_errors, task))
        while pids:
            pid, status = os.wait()
            pids.discard(pid)
            if status:
                return False
        return True
    finally:
        stop_children(pids)


def run_task(task: AsyncTask) -> None:
    """Run an asynchronous task in a separate event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(task())


def _run_printing_errors(task: AsyncTask) -> None:
    """Run a task and print its exception, because the parent process only receives the exit status."""
    try:
        run_task(task)
    except Exception:
        traceback.print_exc()
        raise


def fork_child(pids: set[int], function: Callable[[], None], failures: FailurePipe | None = None) -> int:
    """Run a function in a child process, add its process id to `pids`, and return it.

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
        _run_and_exit(function, failures)
    return pid


def _run_and_exit(function: Callable[[], None], failures: FailurePipe | None) -> NoReturn:
    """Run a function in a child process and exit, without the exit handlers and `finally` blocks of the parent."""
    exit_status = 1
    try:
        function()
        exit_status = 0
    except KeyboardInterrupt:
        exit_status = 0
    except Exception as error:
        if failures is None:
            raise
        from app.server.operator_errors import describe_failure  # noqa: PLC0415 - only if a process fails

        failures.send_failure_reason(describe_failure(error))
    finally:
        os._exit(exit_status)


async def exit_with_parent() -> None:
    """Exit when the supervisor is killed. A worker without it would block the port for the next start."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel sends no event when a parent is killed
        await asyncio.sleep(0.5)
    os._exit(1)


def stop_children(pids: set[int]) -> None:
    """Ask processes to stop, and kill those that have not stopped after the grace period."""
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
