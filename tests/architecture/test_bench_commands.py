"""The commands of the benchmarks that bench/README.md names."""

import re
import subprocess
import sys

import pytest

from bench.environment import ROOT

COMMANDS = re.findall(r"python -m (bench[\w.]*)", (ROOT / "bench/README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", sorted({*COMMANDS, "bench.start"}))
def test_help_describes_a_command_without_running_it(module: str) -> None:
    # Catches: `typer.run` removed from `bench.start`. The help measured ten starts and replaced the committed result.
    command = [sys.executable, "-m", module, "--help"]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert f"Usage: python -m {module} [OPTIONS]" in completed.stdout
    assert " Measure " in completed.stdout
