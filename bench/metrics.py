"""Measure the processor time that the metrics add to a request: `python -m bench.metrics`.

One process sends R1 to the application without a socket. Groups of requests with and without metrics alternate, so that
other processes and the state of the machine affect both in the same way.
"""

import json
import os
import random
import statistics
import time
from collections.abc import MutableMapping
from contextlib import redirect_stdout
from itertools import cycle
from pathlib import Path
from typing import Any

import typer
import uvloop
from fastapi import FastAPI

from bench.environment import BenchEnvironment, prepare_environment
from bench.operations import OPERATIONS
from bench.report import describe_machine

RESULTS_FILE = Path(__file__).parent / "results" / "metrics.json"
VAR = Path(__file__).parent.parent / "var"
GROUP_SIZE = 20
"""Requests per group."""
WARM_UP_GROUPS = 20
CASES = 1000
RESAMPLES = 2000


def main(groups: int = 600) -> None:
    """Measure R1 with and without metrics, print the figures and write them to bench/results/metrics.json."""
    os.environ["FIRSTSTEP_METRICS_PORT"] = "9100"
    with (
        prepare_environment(VAR, CASES, typer.echo) as environment,
        Path(os.devnull).open("w") as log,
        redirect_stdout(log),  # does not print the lines of requests
    ):
        result = uvloop.run(_measure(environment, groups))
    RESULTS_FILE.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


async def _measure(environment: BenchEnvironment, groups: int) -> dict[str, Any]:
    from app.main import create_app  # noqa: PLC0415 - the environment sets the settings first

    app = create_app()
    measurements = app.state.measurements
    operation = next(operation for operation in OPERATIONS if operation.name == "R1")
    paths = cycle(operation.list_paths(environment.generated))
    token = environment.generated.tokens.worker
    seconds: dict[bool, list[float]] = {False: [], True: []}
    async with app.router.lifespan_context(app):
        middleware = _find_request_log(app)
        for number in range(WARM_UP_GROUPS + groups):
            order = (False, True) if number % 2 else (True, False)
            for has_metrics in order:
                middleware._measurements = measurements if has_metrics else None  # noqa: SLF001 - switched per group
                started = time.process_time()
                for _ in range(GROUP_SIZE):
                    await _send_request(app, next(paths), token)
                if number >= WARM_UP_GROUPS:
                    seconds[has_metrics].append((time.process_time() - started) / GROUP_SIZE)
    return _build_result(seconds, _measure_record(measurements))


def _find_request_log(app: FastAPI) -> Any:
    layer: Any = app.build_middleware_stack()
    app.middleware_stack = layer
    while type(layer).__name__ != "RequestLog":
        layer = layer.app
    return layer


async def _send_request(app: FastAPI, path: str, token: str) -> None:
    scope: MutableMapping[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"R1 has the status {message['status']}.")

    await app(scope, receive, send)


def _measure_record(measurements: Any, count: int = 100_000) -> float:
    """Return the microseconds of one call of `record_request`."""
    started = time.process_time()
    for _ in range(count):
        measurements.record_request("GET", "/v1/cases/{case_id}", 200, 0.004)
    return (time.process_time() - started) / count * 1e6


def _build_result(seconds: dict[bool, list[float]], record_us: float) -> dict[str, Any]:
    pairs = list(zip(seconds[False], seconds[True], strict=True))
    low, high = _compute_interval(pairs)
    return {
        "machine": describe_machine(),
        "what": "processor time of the application for R1, in microseconds, and the part that the metrics add",
        "requests_per_variant": len(pairs) * GROUP_SIZE,
        "without_us": round(statistics.median(seconds[False]) * 1e6, 1),
        "with_us": round(statistics.median(seconds[True]) * 1e6, 1),
        "added_percent": round(_compute_added_percent(pairs), 2),
        "added_percent_95": [round(low, 2), round(high, 2)],
        "one_call_us": round(record_us, 2),
    }


def _compute_added_percent(pairs: list[tuple[float, float]]) -> float:
    """Return the median difference of the pairs as a part of the median time without metrics."""
    base = statistics.median(without for without, _ in pairs)
    return statistics.median(with_metrics - without for without, with_metrics in pairs) / base * 100


def _compute_interval(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the interval that contains 95 % of the results of resampled pairs (bootstrap)."""
    rng = random.Random(7)  # noqa: S311 - must be reproducible, not secret
    results = sorted(_compute_added_percent(rng.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    return results[int(RESAMPLES * 0.025)], results[int(RESAMPLES * 0.975)]


if __name__ == "__main__":
    typer.run(main)
