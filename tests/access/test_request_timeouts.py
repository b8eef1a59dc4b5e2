"""The access log of a request that ends with 504 has an outcome, with the children concerned."""

from typing import Any

import pytest

from tests.support.responses import expect_json
from tests.support.scenario import Scenario


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_request_that_exceeds_its_time_limit_has_an_outcome(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    # Catches: `conclude_timeout` missing from the route.
    case, worker = await scenario.open_case(), scenario.worker_north
    path = f"/v1/cases/{case['id']}"
    etag = (await worker.get(path)).headers["etag"]
    monkeypatch.setattr("app.http.middleware.request_limits.Deadline._get_seconds", lambda *_: 1.0)
    async with superuser_connection.transaction():
        await superuser_connection.execute("SELECT FROM cases FOR UPDATE")
        if method == "GET":
            await superuser_connection.execute("LOCK TABLE support_sessions IN ACCESS EXCLUSIVE MODE")
            response = await worker.get(f"{path}/support-sessions")
        else:
            response = await worker.patch(path, {"summary": "x"}, etag=etag)
    monkeypatch.undo()
    assert response.status_code == 504, response.text
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {(entry["outcome"], entry["child_id"]) for entry in entries} == {("timeout", case["child_id"])}
    expect_json(await worker.patch(path, {"summary": "x"}, etag=etag))
