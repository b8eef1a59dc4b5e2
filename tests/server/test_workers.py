"""Worker processes and stop signals."""

import subprocess
import sys

STOP_DURING_FORK = """
import asyncio, os, signal
from app.server import child_processes

def stop(*_):
    raise KeyboardInterrupt

async def work():
    await asyncio.sleep(60)

signal.signal(signal.SIGTERM, stop)
os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGTERM))
try:
    child_processes.run_in_child_processes([work])
except KeyboardInterrupt:
    print("stopped")
"""


def test_stop_signal_during_a_fork_is_delivered() -> None:
    # Catches: the signals not blocked during the fork.
    process = subprocess.run(
        [sys.executable, "-c", STOP_DURING_FORK], capture_output=True, text=True, timeout=20, check=False
    )
    assert process.stdout == "stopped\n", process.stderr


JOB_PROCESS_DIES = """
import os, socket
from app.server import supervisor, workers

async def run_jobs():
    os.write(1, b"job process\\n")
    os._exit(1)

supervisor.RESTART_DELAY_SECONDS = 0
workers.run_workers(None, socket.socket(), 0, {"jobs": run_jobs})
"""


def test_job_process_is_replaced_when_it_ends() -> None:
    # Catches: `ended.append` removed from `Supervisor._collect_ended`.
    with subprocess.Popen(
        [sys.executable, "-c", JOB_PROCESS_DIES], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.terminate()
    assert lines.count(b"job process\n") == 3


JOB_PROCESS_STOPS = """
import asyncio, os, signal, socket
from app.server import workers

async def run_jobs():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    os.write(1, b"started\\n")
    await stopped.wait()
    os.write(1, b"stopped\\n")

def stop(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)
workers.run_workers(None, socket.socket(), 0, {"jobs": run_jobs})
"""


def test_job_process_receives_the_stop_signal_of_the_supervisor() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", JOB_PROCESS_STOPS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.terminate()
        assert process.stdout.readline() == b"stopped\n"
