"""Compute and download report runs."""

import httpx

from app.server.jobs import JobRunner
from app.services.reports.report_run_job import REPORT_RUN
from tests.support.scenario import AuthenticatedClient, Scenario

PATH = "/v1/report-runs"


async def run_job(scenario: Scenario) -> None:
    assert await JobRunner(scenario.database, [REPORT_RUN]).run_next_job()


async def download(client: AuthenticatedClient, path: str, file_format: str = "pdf") -> httpx.Response:
    return await client.get(f"{path}/content?format={file_format}")
