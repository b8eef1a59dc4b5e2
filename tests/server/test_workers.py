"""Server processes and what stops them."""

import subprocess
import sys

STOPPED_WHILE_FORKING = """
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
    print("heard")
"""


def test_a_stop_that_comes_while_forking_is_heard() -> None:
    # Planted: the signals not held back.
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_FORKING], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.stdout == "heard\n", done.stderr
