"""Clients generated from the OpenAPI document compile under strict settings.

Each generator reads openapi/openapi.json. The usage file next to this module then has to compile against its output.
Node and the Python generator are in an environment of their own (`make` creates `.venv/generators`), because they need
other versions of some packages than the application.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
GENERATORS = Path(os.environ.get("TEST_GENERATORS", ROOT / ".venv" / "generators"))


def run(folder: Path, *command: str) -> None:
    """Run a command of the generators' environment and fail with its output."""
    environment = {**os.environ, "PATH": f"{GENERATORS / 'bin'}:{os.environ['PATH']}", "CI": "true"}
    environment.pop("npm_config_nodedir", None)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the usage files, the OpenAPI document and the npm packages."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(
        FOLDER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("test_*", "__pycache__")
    )
    shutil.copy(ROOT / "openapi" / "openapi.json", folder)
    run(folder, "npm", "ci")
    run(folder, "npx", "openapi-typescript", "openapi.json", "-o", "openapi_typescript.d.ts")
    run(folder, "npx", "openapi-ts", "-i", "openapi.json", "-o", "hey_api")
    return folder


def test_typescript_clients_compile_under_strict_settings(workspace: Path) -> None:
    # Catches: `listCases` renamed in openapi.json; `CaseStatus` declared inline.
    run(workspace, "npx", "tsc", "--project", ".")


def test_python_client_compiles_under_strict_settings(workspace: Path) -> None:
    # Catches: two media types for PATCH, which the generator does not handle.
    run(
        workspace, "openapi-python-client", "generate", "--path", "openapi.json", "--meta", "none",
        "--output-path", "first_step_client", "--config", "openapi_python_client.yaml", "--fail-on-warning",
    )  # fmt: skip
    usage = "openapi_python_client_usage.py"
    python = str(GENERATORS / "bin" / "python")
    run(workspace, sys.executable, "-m", "mypy", "--strict", "--python-executable", python, usage)
    run(workspace, python, usage)
