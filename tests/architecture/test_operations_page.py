"""The guides for operators list every setting, command and job, and name no command or option that does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from app.cli import app
from app.config import Settings
from app.server.job_kinds import JOB_KINDS

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text()
PAGES = [
    *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").iterdir(),
    ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "Makefile",
]  # fmt: skip
INVOCATION = re.compile(r"(?:(?<=\W)|^)(?:firststep|app\.cli) (?P<arguments>[a-z][^`\n;&|]*)", re.MULTILINE)
WORD = re.compile(r"[a-z][a-z-]*")
COMMAND_LINE: Any = get_command(app)


def read_section(title: str) -> str:
    """Return the text below a heading of the guide to operations, up to the next heading."""
    (section,) = re.findall(rf"^#+ {title}\n(.*?)(?=^#|\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)
    return str(section)


def find_command(words: list[str]) -> Any:
    """Return the command that the words name, or None. A group without a further word is a command."""
    command = COMMAND_LINE
    for word in words:
        if not isinstance(command, TyperGroup) or not WORD.fullmatch(word):
            break
        found = command.commands.get(word)
        if found is None:
            return None
        command = found
    return command


def list_commands(group: Any, path: str = "") -> Iterator[str]:
    """Yield every command that the help lists, with the name of its group."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from list_commands(command, f"{path}{name} ")
        elif not command.hidden:
            yield f"{path}{name}"


def find_unknown_invocations(text: str) -> list[str]:
    """Return the invocations of a page whose command or options do not exist."""
    unknown = []
    for invocation in INVOCATION.finditer(re.sub(r"\\\n[ #]*", "", text)):
        words = invocation["arguments"].split()
        command = find_command(words)
        options = {option for parameter in command.params for option in parameter.opts} if command else set()
        if command is None or {word for word in words if word.startswith("--")} - options - {"--help"}:
            unknown.append(invocation[0])
    return unknown


def test_commands_in_guides_and_installation_files_exist() -> None:
    # Catches: `firststep user list` in the runbook, and `firststep restore --force` in docs/operations.md.
    unknown = {page.name: find_unknown_invocations(page.read_text()) for page in PAGES}
    assert {page: found for page, found in unknown.items() if found} == {}


def test_every_command_is_in_the_table_of_commands() -> None:
    # Catches: the row of `partitions` deleted. `report-docs` was missing.
    rows = [line for line in read_section("Commands").splitlines() if line.startswith("| `")]
    cells = [re.findall(r"`([a-z0-9-]+(?: [a-z0-9-]+)?)", row.split(" | ")[0]) for row in rows]
    documented = {f"{cell[0].split()[0]} {name}" for cell in cells for name in cell} | {
        n for c in cells for n in c
    }
    assert set(list_commands(COMMAND_LINE)) - documented == set()


def test_every_setting_is_in_the_table_of_settings() -> None:
    # Catches: the row of FIRSTSTEP_MAIL_FROM deleted, and a row of a setting that was removed.
    rows = re.findall(r"^\| (?:`PORT`, )?`FIRSTSTEP_(\w+)` \|", read_section("Settings"), re.MULTILINE)
    assert sorted(name.lower() for name in rows) == sorted(Settings.model_fields)


def test_every_kind_of_job_is_in_the_table_of_jobs() -> None:
    # Catches: the row of `report_run`, which was missing.
    rows = re.findall(r"^\| `(\w+)` \|", read_section("Background jobs"), re.MULTILINE)
    assert sorted(rows) == sorted(kind.name for kind in JOB_KINDS)


def test_unknown_commands_and_options_are_detected() -> None:
    page = "`firststep user list`, `firststep keys lost`, `firststep restore x --force`, `firststep doctor --json`"
    assert find_unknown_invocations(page) == [
        "firststep user list", "firststep keys lost", "firststep restore x --force",
    ]  # fmt: skip
