"""Measure ten starts of the server with an existing database, from the command to the first response of `/readyz`.

`python -m bench.start` creates a temporary demonstration first.
"""

import json
import statistics
import time
from pathlib import Path

import typer

from bench.report import describe_machine
from tests.support.server_process import ServerProcess, temporary_home

RESULTS_FILE = Path(__file__).parent / "results" / "start.json"
START_COUNT = 10


def main() -> None:
    """Measure ten starts with an existing database, print the figures and write them to bench/results/start.json."""
    with temporary_home() as folder:
        server = ServerProcess(folder / "var")
        with server.running():
            pass  # the first start creates the demonstration
        seconds = []
        for _ in range(START_COUNT):
            started = time.perf_counter()
            with server.running():
                seconds.append(round(time.perf_counter() - started, 2))
    result = {
        "machine": describe_machine(),
        "what": "seconds from `python -m app.cli run` until /readyz answers, with an existing database",
        "median": round(statistics.median(seconds), 2),
        "starts": seconds,
    }
    RESULTS_FILE.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    typer.run(main)
