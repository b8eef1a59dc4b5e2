"""Measurements in memory that several processes share."""

import os

from app.measurements import DURATION_LIMITS, UNKNOWN_ROUTE, Measurements, PoolUsage

OPERATIONS = [("GET", "/v1/cases"), ("POST", "/v1/cases")]


def in_child_process(measurements: Measurements, worker: int, requests: int) -> None:
    pid = os.fork()
    if pid == 0:
        measurements.use_section(worker)
        for _ in range(requests):
            measurements.record_request("GET", "/v1/cases", 200, 0.02)
        measurements.record_pool("read", PoolUsage(8, worker + 1, 2))
        os._exit(0)
    os.waitpid(pid, 0)


def count_requests(measurements: Measurements) -> dict[tuple[str, str, str], float]:
    return {
        (series.method, series.route, series.status_class): sum(series.buckets)
        for series in measurements.read_requests()
    }


def test_requests_and_pools_of_all_workers_are_added_up() -> None:
    # Catches: every worker writes to the first section; `use_section` does not reset the pools.
    measurements = Measurements(OPERATIONS, workers=2)
    in_child_process(measurements, 0, 3)
    in_child_process(measurements, 1, 4)
    assert count_requests(measurements) == {("GET", "/v1/cases", "2xx"): 7}
    assert measurements.read_pools() == {
        "read": PoolUsage(16, 3, 4), "write": PoolUsage(0, 0, 0), "access": PoolUsage(0, 0, 0)
    }  # fmt: skip


def test_worker_that_replaces_another_one_continues_its_requests_and_not_its_pools() -> None:
    measurements = Measurements(OPERATIONS, workers=1)
    in_child_process(measurements, 0, 3)
    measurements.use_section(0)
    assert count_requests(measurements) == {("GET", "/v1/cases", "2xx"): 3}
    assert measurements.read_pools()["read"] == PoolUsage(0, 0, 0)


def test_duration_is_counted_in_the_first_bucket_with_an_equal_or_larger_limit() -> None:
    measurements = Measurements(OPERATIONS, workers=1)
    durations = (0.001, 0.005, 0.0051, 10.0, 99.0)
    for seconds in durations:
        measurements.record_request("GET", "/v1/cases", 200, seconds)
    [series] = measurements.read_requests()
    assert len(series.buckets) == len(DURATION_LIMITS) + 1
    assert (series.buckets[:2], series.buckets[-2:]) == ([2, 1], [1, 1])
    assert series.seconds == sum(durations)


def test_unknown_routes_and_methods_share_one_series_per_method() -> None:
    # Catches: the route of the request as a label.
    measurements = Measurements(OPERATIONS, workers=1)
    for number in range(100):
        measurements.record_request("GET", f"/v1/unknown/{number}", 404, 0.01)
        measurements.record_request(f"METHOD{number}", None, 405, 0.01)
    measurements.record_request("DELETE", "/v1/cases", 405, 0.01)
    assert count_requests(measurements) == {
        ("GET", UNKNOWN_ROUTE, "4xx"): 100,
        ("OTHER", UNKNOWN_ROUTE, "4xx"): 100,
        ("DELETE", UNKNOWN_ROUTE, "4xx"): 1,
    }


def test_ends_of_processes_are_counted_by_kind() -> None:
    measurements = Measurements(OPERATIONS, workers=1)
    for process in ("worker", "worker", "jobs"):
        measurements.record_process_end(process)
    assert measurements.read_process_ends() == {"worker": 2, "jobs": 1, "metrics": 0}
