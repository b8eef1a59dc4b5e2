"""Write the figures of `make attack`."""

import json
import os
from pathlib import Path
from typing import Any

FIGURES_FILE = os.environ.get("ATTACK_FIGURES")
"""Path of the file to which the figures are appended, one JSON object per line. Set by `make attack`."""


def write_figures(suite: str, attempts: int, leaks: int, details: dict[Any, int]) -> None:
    """Append the figures of one suite to the file, if it is set."""
    if FIGURES_FILE:
        with Path(FIGURES_FILE).open("a") as file:
            file.write(
                json.dumps({"suite": suite, "attempts": attempts, "leaks": leaks, "details": details}) + "\n"
            )
