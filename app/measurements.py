"""Measurements of all processes, in memory that they share.

The process that forks the workers creates the memory. Each worker writes to a separate section, so that no process
waits for a lock, and a worker that replaces another one continues its numbers. The metrics process
(`app.server.metrics.process`) reads all sections. The series are fixed at the start: a request adds to an existing
number, and cannot create a new one.
"""

import mmap
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

UNKNOWN_ROUTE = "unknown"
"""The route of all requests whose path and method belong to no endpoint."""
OTHER_METHOD = "OTHER"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that logs and metrics name. All others are `OTHER_METHOD`."""
DURATION_LIMITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper limits in seconds of the buckets of the histogram. The last bucket has no limit."""
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
POOLS = ("read", "write", "access")
PROCESSES = ("worker", "jobs", "metrics")

_SECONDS = len(DURATION_LIMITS) + 1
"""Position of the sum of the durations, after the numbers of the buckets."""
_CELL_SIZE = _SECONDS + 1


class PoolUsage(NamedTuple):
    """The connections of a pool."""

    size: float
    """Maximum number of connections."""
    in_use: float
    waiting: float
    """Number of requests that wait for a connection."""


class RequestSeries(NamedTuple):
    """The requests of one method, route and status class."""

    method: str
    route: str
    status_class: str
    buckets: list[float]
    """Number of requests per bucket, not cumulated."""
    seconds: float
    """Sum of the durations."""


class Measurements:
    """Numbers of requests, the connections of pools, and the ends of processes."""

    def __init__(self, operations: Iterable[tuple[str, str]], workers: int) -> None:
        """Create the memory for operations (method and route template) and a number of workers."""
        unknown = [(method, UNKNOWN_ROUTE) for method in (*sorted(METHODS), OTHER_METHOD)]
        self._operations = list(dict.fromkeys([*operations, *unknown]))
        self._numbers = {operation: number for number, operation in enumerate(self._operations)}
        self._pools_start = len(self._operations) * len(STATUS_CLASSES) * _CELL_SIZE
        self._section_size = self._pools_start + len(POOLS) * len(PoolUsage._fields)
        self._workers = workers
        self._section = len(PROCESSES)
        self.started_at = time.time()
        length = self._section + workers * self._section_size
        self._values = memoryview(mmap.mmap(-1, length * 8)).cast("d")

    def use_section(self, worker: int) -> None:
        """Use the shared-memory section of this worker, and reset the pool numbers of the worker that it replaces."""
        self._section = len(PROCESSES) + worker * self._section_size
        for pool in POOLS:
            self.record_pool(pool, PoolUsage(0, 0, 0))

    def record_request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request."""
        number = self._numbers.get((method, route or UNKNOWN_ROUTE))
        if number is None:
            number = self._numbers[method if method in METHODS else OTHER_METHOD, UNKNOWN_ROUTE]
        cell = self._section + (number * len(STATUS_CLASSES) + status // 100 - 1) * _CELL_SIZE
        self._values[cell + bisect_left(DURATION_LIMITS, seconds)] += 1
        self._values[cell + _SECONDS] += seconds

    def record_pool(self, pool: str, usage: PoolUsage) -> None:
        """Store the current usage of a pool."""
        start = self._section + self._pools_start + POOLS.index(pool) * len(PoolUsage._fields)
        for position, value in enumerate(usage):
            self._values[start + position] = value

    def record_process_end(self, process: str) -> None:
        """Count the end of a process. Only the supervisor calls this."""
        self._values[PROCESSES.index(process)] += 1

    def read_requests(self) -> Iterator[RequestSeries]:
        """Return the series that have a request, added up over the workers."""
        sections = [
            self._values[start : start + self._pools_start].tolist() for start in self._list_sections()
        ]
        totals = [sum(values) for values in zip(*sections, strict=True)]
        for number, (method, route) in enumerate(self._operations):
            for position, status_class in enumerate(STATUS_CLASSES):
                cell = (number * len(STATUS_CLASSES) + position) * _CELL_SIZE
                buckets = totals[cell : cell + _SECONDS]
                if any(buckets):
                    yield RequestSeries(method, route, status_class, buckets, totals[cell + _SECONDS])

    def read_pools(self) -> dict[str, PoolUsage]:
        """Return the usage of each pool, added up over the workers."""
        width = len(PoolUsage._fields)
        starts = [section + self._pools_start for section in self._list_sections()]
        return {
            pool: PoolUsage(
                *(
                    sum(self._values[start + number * width + field] for start in starts)
                    for field in range(width)
                )
            )
            for number, pool in enumerate(POOLS)
        }

    def read_process_ends(self) -> dict[str, float]:
        """Return how often each kind of process has ended."""
        return {process: self._values[position] for position, process in enumerate(PROCESSES)}

    def _list_sections(self) -> range:
        end = len(PROCESSES) + self._workers * self._section_size
        return range(len(PROCESSES), end, self._section_size)
