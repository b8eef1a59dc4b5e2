"""Install PostGraphile and its server with npm, at the first use and after a change of the lock file."""

import os
import shutil
import subprocess
from pathlib import Path

from bench.environment import ROOT

MIN_NODE_VERSION = 22
SOURCE = Path(__file__).parent
FOLDER = ROOT / "var" / "postgraphile"
INSTALLED_LOCK_FILE = FOLDER / "installed-package-lock.json"
SEARCH_PATH = os.pathsep.join([str(ROOT / ".venv" / "generators" / "bin"), os.environ["PATH"]])
"""The Node of the client generators comes first, because its version is pinned."""
MISSING_NODE_MESSAGE = (
    f"Node {MIN_NODE_VERSION} or newer with npm is required. `make .venv/generators.stamp` installs it."
)


def install_postgraphile() -> tuple[str, Path]:
    """Install the packages and the server, and return the Node executable and the folder of the server.

    Raises:
        RuntimeError: Node or npm is missing or too old, or npm fails.
    """
    node, npm = _find_node(), shutil.which("npm", path=SEARCH_PATH)
    if node is None or npm is None:
        raise RuntimeError(MISSING_NODE_MESSAGE)
    shutil.copytree(SOURCE, FOLDER, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    lock_file = FOLDER / "package-lock.json"
    if not INSTALLED_LOCK_FILE.exists() or INSTALLED_LOCK_FILE.read_bytes() != lock_file.read_bytes():
        _run(npm, "ci", "--prefix", str(FOLDER), "--no-audit", "--no-fund")
        shutil.copy(lock_file, INSTALLED_LOCK_FILE)
    return node, FOLDER


def _find_node() -> str | None:
    """Return the path of the Node executable if it is new enough."""
    if node := shutil.which("node", path=SEARCH_PATH):
        # The first match can be a wrapper that starts Node as another process and does not forward signals.
        major, executable = _run(
            node, "-p", "process.versions.node.split('.')[0] + ' ' + process.execPath"
        ).split()
        if int(major) >= MIN_NODE_VERSION:
            return executable
    return None


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        command,
        env={**os.environ, "PATH": SEARCH_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout
