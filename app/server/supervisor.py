"""Supervise child processes: replace one that ends, log every end, and give up if they end too often."""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.errors import Unavailable
from app.measurements import Measurements
from app.server.child_processes import FailurePipe, fork_child, stop_children
from app.structured_log import logger

RESTART_DELAY_SECONDS = 0.5
"""Seconds until a process is replaced, so that processes that fail at their start do not use all processor time."""
POLL_SECONDS = 0.1
MAX_ENDS = 5
ENDS_WINDOW_SECONDS = 30.0
"""The supervisor gives up after `MAX_ENDS` ends of processes within this time."""


class Child(NamedTuple):
    """A process that the supervisor keeps running."""

    name: str
    run: Callable[[], None]


@dataclass(slots=True)
class Supervisor:
    """Keeps child processes running until interrupted."""

    children: Sequence[Child]
    check: Callable[[], None] = lambda: None
    """Called several times per second, for example to restart the database."""
    measurements: Measurements | None = None
    """Counts the ends of processes, if the metrics are on."""
    _running: dict[int, Child] = field(default_factory=dict)
    _pids: set[int] = field(default_factory=set)
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_ENDS))
    _failures: FailurePipe = field(default_factory=FailurePipe)

    def run(self) -> None:
        """Start the processes and watch them. Call this in a process with a single thread, because it forks.

        Raises:
            Unavailable: the processes end too often. The message contains the reason of the last one.
        """
        try:
            missing = list(self.children)
            while True:
                while missing:
                    self._start(missing.pop())
                self.check()
                missing += self._collect_ended()
                time.sleep(RESTART_DELAY_SECONDS if missing else POLL_SECONDS)
        finally:
            stop_children(self._pids)

    def _start(self, child: Child) -> None:
        self._running[fork_child(self._pids, child.run, self._failures)] = child

    def _collect_ended(self) -> list[Child]:
        ended = []
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._pids.discard(pid)
            if child := self._running.pop(pid, None):
                self._record_end(child, pid, status)
                ended.append(child)
        return ended

    def _record_end(self, child: Child, pid: int, status: int) -> None:
        exit_code = os.waitstatus_to_exitcode(status)
        cause = {"signal": -exit_code} if exit_code < 0 else {"exit_status": exit_code}
        reason = self._failures.read_reason(pid)
        logger.error("process_ended", process=child.name, pid=pid, reason=reason, **cause)
        if self.measurements is not None:
            self.measurements.record_process_end(child.name)
        self._ends.append(time.monotonic())
        if len(self._ends) == MAX_ENDS and self._ends[-1] - self._ends[0] < ENDS_WINDOW_SECONDS:
            name, value = next(iter(cause.items()))
            raise Unavailable(
                f"Processes ended {MAX_ENDS} times within {ENDS_WINDOW_SECONDS:.0f} seconds. The last one was {child.name}, "
                f"with {name.replace('_', ' ')} {value}. {reason or 'It has left no reason.'}"
            )
