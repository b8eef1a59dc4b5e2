"""The version of this copy of First Step."""

import tomllib
from pathlib import Path

PROJECT_FILE = Path(__file__).parents[1] / "pyproject.toml"


def get_version() -> str:
    """Return the version from `pyproject.toml`, which every installation contains."""
    version: str = tomllib.loads(PROJECT_FILE.read_text())["project"]["version"]
    return version
