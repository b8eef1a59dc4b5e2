"""Worker processes and stop signals."""

import subprocess
import sys

STOP_DURING_FORK = """
import asyncio, os, signal
from app.server import workers

def stop(*_):
    raise KeyboardInterrupt

async def work():
    await asyncio.sleep(60)

signal.signal(signal.SIGTERM, stop)
os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGTERM))
try:
    workers.run_in_child_processes([work])
except KeyboardInterrupt:
    print("stopped")
"""


def test_stop_signal_during_a_fork_is_delivered() -> None:
    # Planted: the signals not blocked during the fork.
    process = subprocess.run(
        [sys.executable, "-c", STOP_DURING_FORK], capture_output=True, text=True, timeout=20, check=False
    )
    assert process.stdout == "stopped\n", process.stderr
