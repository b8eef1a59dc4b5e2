"""The entry point `firststep`: version, completion and usage."""

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


def test_entry_point_is_the_function_that_explains_errors() -> None:
    # Catches: `firststep = "app.cli:app"`, which prints a traceback for a mistake of an operator.
    module, _, name = PROJECT["scripts"]["firststep"].partition(":")
    assert getattr(importlib.import_module(module), name).__doc__.startswith("Run a command. Errors")


def test_version_option_prints_the_version_of_the_project_and_the_newest_revision() -> None:
    # Catches: a constant version in app/version.py.
    process = run_command("--version")
    revisions = sorted(path.name[:4] for path in (ROOT / "alembic/versions").glob("*.py"))
    expected = f"First Step {PROJECT['version']} (schema revision {revisions[-1]})\n"
    assert (process.returncode, process.stdout) == (0, expected)


def test_shell_completion_lists_commands() -> None:
    # Catches: `add_completion=False`.
    process = run_command(_FIRSTSTEP_COMPLETE="complete_bash", COMP_WORDS="firststep part", COMP_CWORD="1")
    assert process.stdout.split() == ["partitions"], process.stderr


def test_usage_shows_the_command_instead_of_the_module() -> None:
    # Catches: `app()` without `prog_name`.
    assert "Usage: firststep" in run_command("--help").stdout


def test_settings_are_printed_in_the_form_of_environment_variables() -> None:
    # Catches: the value printed as Python writes it, such as `['https://app.example.org']` or `True`.
    origins = '["https://app.example.org"]'
    lines = run_command("config", "show", FIRSTSTEP_ALLOWED_ORIGINS=origins).stdout.splitlines()
    values = {line.split()[0]: line.split()[1] for line in lines}
    assert (values["FIRSTSTEP_ALLOWED_ORIGINS"], values["FIRSTSTEP_DOCS"]) == (origins, "true")
