"""The script of docs/for-partners.md sends a referral to a server, and can be run again."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn

from tests.support.confirmations import confirm_pending_change
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

PAGE = (Path(__file__).parents[2] / "docs" / "for-partners.md").read_text()


class Result(NamedTuple):
    """The exit status and the output of the script."""

    status: int | None
    output: str
    errors: str


class ScriptRunner:
    """The script as the page prints it, and the environment variables that it reads."""

    def __init__(self, path: Path, url: str, client: dict[str, Any]) -> None:
        self.path = path
        self.environment = {"BASE": url, "CLIENT": f"{client['client_id']}:{client['client_secret']}"}

    async def run(self, referral: str) -> Result:
        process = await asyncio.create_subprocess_exec(
            sys.executable, self.path, env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(referral.encode()), timeout=60)
        return Result(process.returncode, output.decode(), errors.decode())


@pytest.fixture
async def script(scenario: Scenario, tmp_path: Path) -> AsyncIterator[ScriptRunner]:
    payload = {"name": "Partner", "agency_id": str(id_of("Helping Hands")), "scopes": ["referrals"]}
    client = expect_json(await scenario.admin.post("/v1/api-clients", payload), 201)
    await confirm_pending_change(scenario)
    (source,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "send_referral.py"
    path.write_text(source)
    # Without the lifespan: the database pools of the scenario are open already.
    server = uvicorn.Server(uvicorn.Config(scenario.app, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        yield ScriptRunner(path, f"http://127.0.0.1:{listener.getsockname()[1]}", client)
        server.should_exit = True
        await serving


async def test_script_can_be_run_again(script: ScriptRunner, superuser_connection: Any) -> None:
    # Catches: the request to `Location` removed from the page; the third run fails with already-exists.
    (referral,) = re.findall(r"send_referral\.py <<'JSON'\n(.*?)^JSON$", PAGE, re.DOTALL | re.MULTILINE)
    results = [await script.run(referral) for _ in range(2)]
    await superuser_connection.execute("DELETE FROM idempotency_records")  # as after 24 hours
    results.append(await script.run(referral))
    assert [result.status for result in results] == [0, 0, 0], results
    referrals = [json.loads(result.output) for result in results]
    assert referrals[0]["status"] == "received"
    assert len({sent["id"] for sent in referrals}) == 1


async def test_script_reports_an_invalid_referral(script: ScriptRunner) -> None:
    # Catches: `response.status_code < 500` replaced by `< 400`; the script repeats the request.
    result = await script.run('{"external_id": "HH-2026-00044", "urgency": "routine"}')
    assert result.status == 1
    assert "/concern" in result.errors
