"""Remember that PostgreSQL had no disk space for a write, in memory that all workers share.

A full disk does not affect every statement, so a query cannot find it out. The first rejected write makes the server not
ready for a while.
"""

import mmap
import struct
import time

NOT_READY_SECONDS = 30.0
"""Seconds after the last rejected write for which the server is not ready."""

_MOMENT = struct.Struct("d")
_shared = mmap.mmap(-1, _MOMENT.size)  # the workers are forks of the process that imports this module first


def record_full_disk() -> None:
    """Record that a write was rejected at this moment."""
    _MOMENT.pack_into(_shared, 0, time.monotonic())


def clear_full_disk() -> None:
    """Remove the record of rejected writes."""
    _MOMENT.pack_into(_shared, 0, 0.0)


def was_disk_full() -> bool:
    """Return whether a write was rejected in the last seconds, in any process of this server."""
    moment: float = _MOMENT.unpack_from(_shared)[0]
    return moment > 0 and time.monotonic() - moment < NOT_READY_SECONDS
