"""How long a start takes once everything is there: from the command until `/readyz` answers, ten times.

`python -m bench.start` makes a demonstration of its own, which the starts then find, and takes it away.
"""

import json
import statistics
import time
from pathlib import Path

from bench.report import describe_machine
from tests.support.server_process import ServerProcess, temporary_home

RESULTS_FILE = Path(__file__).parent / "results" / "start.json"
START_COUNT = 10


def main() -> None:
    """Measure, print and keep."""
    with temporary_home() as folder:
        served = ServerProcess(folder / "var")
        with served.running():
            pass  # the first start, which makes everything
        seconds = []
        for _ in range(START_COUNT):
            begun = time.perf_counter()
            with served.running():
                seconds.append(round(time.perf_counter() - begun, 2))
    found = {
        "machine": describe_machine(),
        "what": "seconds from `python -m app.cli run` until /readyz answers, with a database that is there",
        "median": round(statistics.median(seconds), 2),
        "starts": seconds,
    }
    RESULTS_FILE.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
