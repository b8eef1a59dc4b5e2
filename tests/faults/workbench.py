"""An installation in which a test makes one mistake, and the command that must explain it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.server_process import free_port

TIMEOUT_SECONDS = 120.0
MAX_OUTPUT_LINES = 14
PASSWORD = re.compile(r"://[^:/@]*:(?P<password>[^@]+)@")


@dataclass(slots=True)
class Workbench:
    """A copy of the home directory of a healthy installation, with the URLs of its roles."""

    home: Path
    urls: dict[str, str]
    """The URLs of `admin`, `owner`, `api` and `reports`, and other values for the variables of a mistake."""
    root: Path = Path(__file__).parents[2]

    @classmethod
    def copy(cls, healthy_home: Path, directory: Path, urls: dict[str, str]) -> "Workbench":
        shutil.copytree(healthy_home, directory / "home")
        return cls(directory / "home", {**urls, "home": str(directory / "home"), "directory": str(directory)})

    @property
    def key_ring(self) -> Path:
        return self.home / "keys.json"

    def run(self, mistake: "Mistake") -> subprocess.CompletedProcess[str]:
        environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("FIRSTSTEP_", "PG"))
            },
            "FIRSTSTEP_HOME": str(self.home),
            "PORT": str(free_port()),
            **(ROLE_URLS if mistake.with_role_urls else {}),
            **mistake.environment,
        }
        command = [sys.executable, "-m", "app.cli", *mistake.arguments.split()]
        return subprocess.run(
            ["/bin/sh", "-c", mistake.shell_script, *[self._fill(argument) for argument in command]],
            env={name: self._fill(value) for name, value in environment.items()},
            cwd=self.root, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
        )  # fmt: skip

    def _fill(self, text: str) -> str:
        """Replace `{name}` by the value of this workbench."""
        for name, value in self.urls.items():
            text = text.replace(f"{{{name}}}", value)
        return text


ROLE_URLS = {"FIRSTSTEP_API_DATABASE_URL": "{api}", "FIRSTSTEP_REPORTS_DATABASE_URL": "{reports}"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake of an operator: the command, what is wrong, and a part of the sentence that explains it."""

    name: str
    arguments: str
    sentence: str
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Workbench], object] = lambda _: None
    status: int = 1
    """The expected exit status. 2 is a wrong use of the command line."""
    with_role_urls: bool = True
    shell_script: str = 'exec "$0" "$@"'
    """How the shell runs the command."""
    is_quick: bool = False
    """Whether `make test` makes this mistake too."""


def check_explained(
    mistake: Mistake, process: subprocess.CompletedProcess[str], urls: dict[str, str]
) -> None:
    """Check that the output explains a mistake in a few plain lines and contains no password."""
    output = process.stdout + process.stderr
    assert "Traceback" not in output, output
    assert "Exception ignored" not in output, output
    assert mistake.sentence in " ".join(re.sub(r"[│╭╮╰╯─]", " ", output).split()), output
    assert process.returncode == mistake.status, (process.returncode, output)
    assert len(output.splitlines()) <= MAX_OUTPUT_LINES, output
    passwords = {match["password"] for url in urls.values() if (match := PASSWORD.search(url))}
    assert not [password for password in passwords if password in output]
