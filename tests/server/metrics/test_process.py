"""The responses of the metrics process."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from app.access.permissions import Role
from app.database.urls import DatabaseUrls
from app.measurements import DURATION_LIMITS, Measurements
from app.server.job_kinds import JOB_KINDS
from app.server.metrics import database_figures
from app.server.metrics.process import MetricsApplication
from tests.support.scenario import Scenario

INSERT_JOB_SQL = """
    INSERT INTO jobs (id, kind, payload, is_periodic, created_at, run_after, attempts, failed_at, leased_until, finished_at)
    VALUES ($1, $2, '{}', false, now(), now() + $3::text::interval, 1, now() + $4::text::interval,
            now() + $5::text::interval, now() + $6::text::interval)
"""
JOBS: tuple[tuple[str, str, str | None, str | None, str | None], ...] = (
    ("alert_mail", "-10 minutes", None, None, None),
    ("alert_mail", "-5 minutes", None, None, None),
    ("alert_mail", "-20 minutes", "-1 minute", None, None),
    ("alert_mail", "-30 minutes", None, "1 minute", None),
    ("alert_mail", "-30 minutes", None, None, "-1 minute"),
    ("alert_mail", "10 minutes", None, None, None),
    ("of a newer version", "-5 minutes", None, None, None),
)
"""Kind, time at which it is due, and times of failure, end of the lease, and end."""

ALERT_RULES = Path("deploy/alert-rules.yaml").read_text()
Samples = dict[tuple[str, tuple[str, ...]], float]


@asynccontextmanager
async def open_client(measurements: Measurements, url: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=MetricsApplication(measurements, url))
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics") as client:
        yield client


def read_samples(text: str) -> Samples:
    """Return the value of each sample by its name and the values of its labels, sorted by the names of the labels."""
    return {
        (sample.name.removeprefix("first_step_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape(measurements: Measurements, urls: DatabaseUrls) -> Samples:
    async with open_client(measurements, urls.api) as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return read_samples(response.text)


@pytest.fixture
def measurements() -> Measurements:
    return Measurements([("GET", "/v1/cases/{case_id}")], workers=2)


async def test_metrics_contain_requests_processes_jobs_partitions_and_versions(
    scenario: Scenario, measurements: Measurements
) -> None:
    measurements.record_request("GET", "/v1/cases/{case_id}", 200, 0.02)
    measurements.record_process_end("worker")
    await scenario.create_referral()
    samples = await scrape(measurements, scenario.urls)
    labels = ("GET", "/v1/cases/{case_id}", "2xx")
    duration = "http_request_duration_seconds"
    assert samples[f"{duration}_count", labels] == 1
    assert samples[f"{duration}_sum", labels] == 0.02
    assert [samples[f"{duration}_bucket", (str(limit), *labels)] for limit in DURATION_LIMITS[:4]] == [
        0,
        0,
        1,
        1,
    ]
    assert samples[f"{duration}_bucket", ("+Inf", *labels)] == 1
    assert samples["process_ends_total", ("worker",)] == 1
    assert samples["database_up", ()] == 1
    assert samples["log_partition_months", ()] == 18
    assert samples["backlog_unacknowledged", ("referral",)] == 1
    assert samples["start_time_seconds", ()] == measurements.started_at
    [version] = [labels for name, labels in samples if name == "version_info"]
    assert {"0001"} < set(version)


async def test_alert_rules_name_metrics_that_exist(scenario: Scenario, measurements: Measurements) -> None:
    measurements.record_request("GET", "/v1/cases/{case_id}", 200, 0.02)
    samples = await scrape(measurements, scenario.urls)
    named = set(re.findall(r"first_step_(\w+)", ALERT_RULES))
    assert len(named) > 6
    assert named - {"backlog_overdue"} <= {name for name, _ in samples}


async def test_missing_partition_lowers_the_number_of_months(
    scenario: Scenario, measurements: Measurements, owner_connection: Any
) -> None:
    last = await owner_connection.fetchval(
        "SELECT max(relname) FROM pg_class WHERE relname ~ '^access_entries_[0-9]{4}_[0-9]{2}$'"
    )
    await owner_connection.execute(f"DROP TABLE {last}")
    assert (await scrape(measurements, scenario.urls))["log_partition_months", ()] == 17


async def test_jobs_are_counted_by_kind_with_the_age_of_the_oldest(
    scenario: Scenario, measurements: Measurements, superuser_connection: Any
) -> None:
    # Catches: leased, failed, finished or future jobs counted as waiting; the kind of the row as a label.
    for kind, due, failed, lease, finished in JOBS:
        await superuser_connection.execute(INSERT_JOB_SQL, uuid4(), kind, due, failed, lease, finished)
    samples = await scrape(measurements, scenario.urls)
    assert samples["jobs_waiting", ("alert_mail",)] == 2
    assert samples["jobs_failed", ("alert_mail",)] == 1
    assert 600 <= samples["jobs_oldest_seconds", ("alert_mail",)] < 660
    assert samples["jobs_waiting", ("other",)] == 1
    kinds = {labels[0] for name, labels in samples if name == "jobs_waiting"}
    assert kinds == {kind.name for kind in JOB_KINDS} | {"other"}


async def test_unreachable_database_is_logged_with_its_reason_and_leaves_the_other_metrics(
    measurements: Measurements,
) -> None:
    measurements.record_request("GET", "/v1/cases/{case_id}", 503, 0.02)
    async with open_client(
        measurements, "postgresql://firststep_api:secret-password@127.0.0.1:1/x"
    ) as client:
        with capture_logs() as events:
            samples = read_samples((await client.get("/metrics")).text)
    [event] = events
    assert event["event"] == "metrics_incomplete"
    assert event["reason"] == "PostgreSQL at 127.0.0.1:1 cannot be reached: no server listens there."
    assert samples["database_up", ()] == 0
    assert samples["http_request_duration_seconds_count", ("GET", "/v1/cases/{case_id}", "5xx")] == 1
    assert not [name for name, _ in samples if name.startswith(("jobs_", "backlog_", "log_"))]


async def test_slow_backlog_leaves_the_other_figures(
    scenario: Scenario, measurements: Measurements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_figures, "STATEMENT_TIMEOUT_SQL", "SET statement_timeout = '100ms'")
    slow_sql = "SELECT 'overdue', 'review', 1 FROM pg_sleep(5)"
    monkeypatch.setattr(database_figures, "BACKLOG_SQL", slow_sql)
    with capture_logs() as events:
        samples = await scrape(measurements, scenario.urls)
    assert [event["event"] for event in events] == ["metrics_incomplete"]
    assert samples["log_partition_months", ()] == 18
    assert not [name for name, _ in samples if name.startswith("backlog_")]


async def test_database_is_read_once_in_30_seconds(
    measurements: Measurements, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: the cache without its lock; without the comparison of the times.
    reads: list[str] = []
    clock = [1000.0]

    async def read_figures(url: str) -> database_figures.DatabaseFigures:
        reads.append(url)
        await asyncio.sleep(0.01)
        return database_figures.DatabaseFigures(is_reachable=True)

    monkeypatch.setattr(database_figures, "read_database_figures", read_figures)
    monkeypatch.setattr(database_figures, "monotonic", lambda: clock[0])
    async with open_client(measurements, "postgresql://unused/x") as client:
        for seconds, expected in ((0, 1), (29.9, 1), (30, 2)):
            clock[0] = 1000.0 + seconds
            await asyncio.gather(*(client.get("/metrics") for _ in range(5)))
            assert len(reads) == expected


def list_label_values(text: str) -> Iterator[str]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield from sample.labels.values()


async def test_labels_contain_no_text_of_a_caller(scenario: Scenario, measurements: Measurements) -> None:
    # Catches: the path instead of the route; the method of the request.
    canary = "canary9271"
    case = await scenario.open_case()
    for method, route in ((canary, f"/v1/{canary}"), ("GET", f"/v1/cases/{case['id']}"), ("GET", None)):
        measurements.record_request(method, route, 404, 0.1)
    async with open_client(measurements, scenario.urls.api) as client:
        text = (await client.get(f"/metrics?q={canary}", headers={"x-request-id": canary})).text
    assert canary not in text
    assert not {case["id"], case["number"], case["child_id"], case["lead_worker_id"]} & set(
        list_label_values(text)
    )
    assert not {role.value for role in Role} & set(list_label_values(text))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/metrics/x"), ("POST", "/metrics"), ("GET", "/v1/cases")]
)
async def test_other_requests_are_not_found(measurements: Measurements, method: str, path: str) -> None:
    async with open_client(measurements, "postgresql://unused/x") as client:
        assert (await client.request(method, path)).status_code == 404


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("", b"accept", b"\xff"),
        ("", b"accept-encoding", b"\xff"),
        ("", b"accept", b"application/openmetrics-text;version=x"),
        ("?name[]=first_step_database_up", b"accept", b"*/*"),
    ],
)
async def test_no_header_or_query_makes_a_scrape_fail_or_empty(
    measurements: Measurements, query: str, name: bytes, value: bytes
) -> None:
    # Catches: the scope passed to the library unchanged. It raised an error, or returned no metric.
    async with open_client(measurements, "postgresql://a:b@127.0.0.1:1/x") as client:
        response = await client.get(f"/metrics{query}", headers=[(name, value)])
    assert response.status_code == 200
    assert "first_step_start_time_seconds" in response.text
