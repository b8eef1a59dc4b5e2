"""Turn measurements and database figures into the metric families of Prometheus.

Labels are fixed lists: methods, route templates, status classes, pools, processes and kinds. No label contains an id, a
path, or a text that a caller can choose.
"""

import platform
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.database.schema_revision import get_newest_revision
from app.measurements import DURATION_LIMITS, Measurements
from app.server.metrics.database_figures import DatabaseFigures
from app.version import get_version

BUCKET_NAMES = (*map(str, DURATION_LIMITS), "+Inf")


class MetricCollector(Collector):
    """Collects the metrics of one scrape."""

    def __init__(self, measurements: Measurements, figures: DatabaseFigures) -> None:
        """Take the measurements of the processes and the figures of the database."""
        self._measurements = measurements
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        yield self._build_durations()
        yield from self._build_pools()
        yield from self._build_process()
        yield from self._build_database()

    def _build_durations(self) -> Metric:
        durations = HistogramMetricFamily(
            "first_step_http_request_duration_seconds",
            "Requests and the time until the end of their responses.",
            labels=["method", "route", "status"],
        )
        for series in self._measurements.read_requests():
            buckets = list(zip(BUCKET_NAMES, accumulate(series.buckets), strict=True))
            durations.add_metric([series.method, series.route, series.status_class], buckets, series.seconds)
        return durations

    def _build_pools(self) -> Iterator[Metric]:
        pools = self._measurements.read_pools()
        gauges = (
            ("first_step_pool_size", "size", "Maximum number of database connections of all workers."),
            ("first_step_pool_in_use", "in_use", "Database connections in use, measured every second."),
            (
                "first_step_pool_waiting",
                "waiting",
                "Requests that wait for a database connection, measured every second.",
            ),
        )
        for name, field, text in gauges:
            values = {pool: getattr(usage, field) for pool, usage in pools.items()}
            yield _build_gauge(name, text, "pool", values)

    def _build_process(self) -> Iterator[Metric]:
        start_text = "Time at which the server started."
        yield GaugeMetricFamily(
            "first_step_start_time_seconds", start_text, value=self._measurements.started_at
        )
        yield _build_version()
        ends = CounterMetricFamily(
            "first_step_process_ends", "Processes that ended and were replaced.", labels=["process"]
        )
        for process, number in self._measurements.read_process_ends().items():
            ends.add_metric([process], number)
        yield ends

    def _build_database(self) -> Iterator[Metric]:
        figures = self._figures
        up_text = "Whether the figures of the database could be read in the last 30 seconds."
        yield GaugeMetricFamily("first_step_database_up", up_text, value=figures.is_reachable)
        if not figures.is_reachable:
            return
        gauges = (
            ("first_step_jobs_waiting", "waiting", "Background jobs that are due and that no process runs."),
            ("first_step_jobs_failed", "failed", "Background jobs that have failed and are not repeated."),
            (
                "first_step_jobs_oldest_seconds",
                "oldest_seconds",
                "Time since the first waiting job became due.",
            ),
        )
        for name, field, text in gauges:
            values = {kind: getattr(job, field) for kind, job in figures.jobs.items()}
            yield _build_gauge(name, text, "kind", values)
        months_text = "Months after the current one for which the access log has partitions."
        yield GaugeMetricFamily(
            "first_step_log_partition_months", months_text, value=figures.partition_months
        )
        backlog = (
            ("first_step_backlog_overdue", "overdue", "Items of the agenda that are overdue, of all people."),
            ("first_step_backlog_unacknowledged", "unacknowledged", "Records that are not acknowledged."),
        )
        for name, measure, text in backlog:
            values = {kind: number for (of, kind), number in figures.backlog.items() if of == measure}
            yield _build_gauge(name, text, "kind", values)


def _build_gauge(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value_of_label, value in values.items():
        gauge.add_metric([value_of_label], value)
    return gauge


def _build_version() -> Metric:
    info = GaugeMetricFamily(
        "first_step_version_info",
        "Versions of the program, of the schema that it knows, and of Python. The value is always 1.",
        labels=["version", "schema_revision", "python"],
    )
    info.add_metric([get_version(), get_newest_revision(), platform.python_version()], 1)
    return info
