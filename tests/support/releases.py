"""Prepare and publish releases over HTTP."""

from typing import Any

from app.server.jobs import JobRunner
from app.services.releases.publication import RELEASE_AUDIT
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

QUARTER = "2025-Q2"
TABLE_NAMES = ["new_cases", "new_cases_by_sex"]


async def prepare(scenario: Scenario, **payload: Any) -> dict[str, Any]:
    payload = {"period": QUARTER, "tables": TABLE_NAMES, **payload}
    return expect_json(await scenario.me_officer.post("/v1/releases", payload), 201)


async def run_audit(scenario: Scenario) -> None:
    runner = JobRunner(scenario.database, [RELEASE_AUDIT])
    while await runner.run_next_job():
        pass


async def publish(scenario: Scenario, **payload: Any) -> dict[str, Any]:
    release = await prepare(scenario, **payload)
    path = f"/v1/releases/{release['id']}"
    assert expect_json(await scenario.manager.act(path, "publish"), 202)["status"] == "auditing"
    await run_audit(scenario)
    return expect_json(await scenario.manager.get(path))


def get_counts(release: dict[str, Any], name: str) -> dict[tuple[str, ...], int]:
    (table,) = (table for table in release["tables"] if table["name"] == name)
    return {tuple(cell["values"]): cell["count"] for cell in table["cells"]}
