"""The scripts of docs/for-scripts.md fetch every release from a server, when they run outside the repository."""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from app.access.jwk import export_pem, export_public_jwk, generate_signing_key
from app.server.jobs import JobRunner
from app.services.releases.publication import RELEASE_AUDIT
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

PAGE = (Path(__file__).parents[2] / "docs" / "for-scripts.md").read_text()
PERIODS = ("2024-Q4", "2025-Q1")


def extract_block(language: str) -> str:
    """Return the only block of a language on the page."""
    (source,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(source)


@pytest.fixture
async def server_url(scenario: Scenario) -> AsyncIterator[str]:
    """The address of a server with two published releases and a draft."""
    for period in (*PERIODS, "2025-Q2"):
        payload = {"period": period, "tables": ["new_cases", "new_cases_by_sex"]}
        release = expect_json(await scenario.me_officer.post("/v1/releases", payload), 201)
        if period in PERIODS:
            await scenario.manager.act(f"/v1/releases/{release['id']}", "publish")
            assert await JobRunner(scenario.database, [RELEASE_AUDIT]).run_next_job()
    # Without the lifespan: the database pools of the scenario are open already.
    server = uvicorn.Server(uvicorn.Config(scenario.app, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def run_script(directory: Path, *command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=directory, env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_python_script_stores_every_published_release_and_fetches_it_once(
    scenario: Scenario, server_url: str, tmp_path: Path
) -> None:
    key = generate_signing_key()
    payload = {
        "name": "Statistics", "agency_id": str(id_of("First Step Cambodia")), "scopes": ["reports"],
        "public_key": export_public_jwk(key.public_key()),
    }  # fmt: skip
    client = expect_json(await scenario.admin.post("/v1/api-clients", payload), 201)
    (tmp_path / "fetch_releases.py").write_text(extract_block("python"))
    (tmp_path / "script-key.pem").write_text(export_pem(key))
    environment = {"BASE": server_url, "CLIENT_ID": client["client_id"], "KEY_FILE": "script-key.pem"}
    first, second = [
        await run_script(tmp_path, sys.executable, "fetch_releases.py", **environment) for _ in range(2)
    ]
    assert first.splitlines() == [f"{period} 1 stored" for period in PERIODS[::-1]]
    assert second.splitlines() == [f"{period} 1 unchanged" for period in PERIODS[::-1]]
    release = json.loads((tmp_path / "releases" / "2025-Q1-edition-1.json").read_text())
    assert [table["name"] for table in release["tables"]] == ["new_cases", "new_cases_by_sex"]


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="needs curl and jq")
async def test_curl_script_stores_every_published_release(
    scenario: Scenario, server_url: str, tmp_path: Path
) -> None:
    payload = {
        "name": "Statistics",
        "agency_id": str(id_of("First Step Cambodia")),
        "scopes": ["reports"],
    }
    client = expect_json(await scenario.admin.post("/v1/api-clients", payload), 201)
    (tmp_path / "fetch_releases.sh").write_text(extract_block("bash"))
    credentials = f"{client['client_id']}:{client['client_secret']}"
    for _ in range(2):
        await run_script(tmp_path, "bash", "fetch_releases.sh", BASE=server_url, CLIENT=credentials)
    files = await asyncio.to_thread(lambda: [file.read_text() for file in tmp_path.glob("*.csv")])
    assert len(files) == len(PERIODS)
    assert all(text.startswith("table,title,") and "0 means 0 to 4" in text for text in files)
