"""The supervisor logs every end of a process, and gives up with the reason if processes end too often."""

import json
import os
import signal
import subprocess
import sys

import pytest

SUPERVISE = """
import os, signal, sys, time
from app.errors import Unavailable
from app.server import supervisor
from app.structured_log import configure_logging

def stop(*_):
    raise KeyboardInterrupt

def fail():
    {fail}

configure_logging()
for stop_signal in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(stop_signal, stop)
supervisor.RESTART_DELAY_SECONDS = 0
try:
    supervisor.Supervisor([supervisor.Child("worker", fail)]).run()
except KeyboardInterrupt:
    print("stopped")
except Unavailable as error:
    sys.exit(str(error))
"""


def supervise(fail: str) -> tuple[list[dict[str, object]], subprocess.CompletedProcess[str]]:
    process = subprocess.run(
        [sys.executable, "-c", SUPERVISE.format(fail=fail)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return [json.loads(line) for line in process.stdout.splitlines()], process


@pytest.mark.parametrize(
    ("fail", "cause", "reason"),
    [
        ("raise Unavailable('The key ring is missing.')", {"exit_status": 1}, "The key ring is missing."),
        ("raise LookupError('a value')", {"exit_status": 1}, "It raised builtins.LookupError in"),
        ("os.kill(os.getpid(), signal.SIGKILL)", {"signal": 9}, None),
        ("os._exit(7)", {"exit_status": 7}, None),
    ],
)
def test_supervisor_gives_up_after_five_ends_with_the_reason(
    fail: str, cause: dict[str, int], reason: str | None
) -> None:
    # Catches: `_record_end` without the comparison of the times; `send_failure_reason` removed.
    events, process = supervise(fail)
    assert [event["event"] for event in events] == ["process_ended"] * 5
    assert all(event["process"] == "worker" and cause.items() <= event.items() for event in events)
    assert len({event["pid"] for event in events}) == 5
    assert process.returncode == 1
    name, value = next(iter(cause.items()))
    assert f"with {name.replace('_', ' ')} {value}." in process.stderr
    assert (reason or "It has left no reason.") in process.stderr
    assert "a value" not in process.stdout + process.stderr
    assert "Traceback" not in process.stderr


def test_ends_over_a_longer_time_do_not_stop_the_supervisor() -> None:
    # Catches: the window of 30 seconds removed.
    script = SUPERVISE.format(fail="os._exit(1)").replace(
        "supervisor.RESTART_DELAY_SECONDS = 0",
        "supervisor.RESTART_DELAY_SECONDS = 0.1\nsupervisor.ENDS_WINDOW_SECONDS = 0.2",
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(8)]
        process.terminate()
    assert all('"event":"process_ended"' in line for line in lines)


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGHUP])
def test_stop_signal_ends_the_supervisor_and_its_processes(stop_signal: signal.Signals) -> None:
    script = SUPERVISE.format(fail="print(os.getpid(), flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(stop_signal)
        assert process.stdout.read() == "stopped\n"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_closed_output_does_not_end_the_supervisor() -> None:
    # Catches: `_Output.write` of the structured log without `suppress`.
    script = SUPERVISE.format(fail="os._exit(7)")
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "with exit status 7." in process.stderr.read()
